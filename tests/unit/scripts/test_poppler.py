"""Poppler is installed by apt-get where it is missing, and a failure is told."""

from pathlib import Path

import pytest

from scripts.build import poppler

POPPLER = r"pdftotext version 22.12.0\nCopyright 2005-2022 The Poppler Developers"
XPDF = r"pdftotext version 3.04\nCopyright 1996-2014 Glyph & Cog, LLC"
#: Does as apt-get does with the package, as far as these tests look.
APT_GET = f"""case "$*" in *install*poppler-utils)
  printf '#!/bin/sh\\nprintf "{POPPLER}" >&2' > "$FOLDER/pdftotext"
  cp "$FOLDER/pdftotext" "$FOLDER/pdftoppm"
  chmod +x "$FOLDER"/pdf*
esac"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the only folder with programs, besides the shell's own."""
    monkeypatch.setenv("FOLDER", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def program(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\nPATH=/bin:/usr/bin\n{text}\n")
    path.chmod(0o755)


@pytest.mark.parametrize(("said", "version"), [(POPPLER, "22.12.0"), (XPDF, None)])
def test_only_popplers_commands_count(folder: Path, said: str, version: str | None) -> None:
    for name in poppler.COMMANDS:
        program(folder / name, f"printf '{said}' >&2")

    assert poppler.version() == version


def test_both_commands_are_needed(folder: Path) -> None:
    program(folder / "pdftotext", f"printf '{POPPLER}' >&2")

    assert poppler.version() is None


def test_it_is_installed_where_it_is_missing(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(poppler, "as_root", lambda: ())
    program(folder / "apt-get", APT_GET)

    poppler.main()

    assert capfd.readouterr().out.splitlines()[-1] == "Poppler: 22.12.0"


def test_where_packages_may_not_be_installed_it_says_so_and_fails(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(poppler, "as_root", lambda: None)
    program(folder / "apt-get", APT_GET)

    with pytest.raises(SystemExit, match="root or sudo without a password"):
        poppler.main()


def test_an_installation_that_fails_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(poppler, "as_root", lambda: ())
    program(folder / "apt-get", "exit 100")

    with pytest.raises(SystemExit, match="none could be installed"):
        poppler.main()
    assert "That failed with 100." in capfd.readouterr().out

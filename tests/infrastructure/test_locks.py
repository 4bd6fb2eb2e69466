"""Each environment has a lock that names version and hash of all that is installed; each lock is audited."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAKEFILE = (ROOT / "Makefile").read_text()
#: A lock whose packages are test data, and never installed.
DATA = "samples"
LOCKS = sorted(path.stem for path in ROOT.glob("requirements/*.txt"))
PINNED = re.compile(
    r"[a-z0-9][a-z0-9.-]*(\[[a-z0-9,-]+\])?==[^\s;]+( ; [^\\]+)?( --hash=sha256:[0-9a-f]{64})+"
)


def entries(text: str) -> list[str]:
    joined = re.sub(r"\s*\\\n\s*", " ", text)
    return [line for line in joined.splitlines() if line and not line.startswith("#")]


def unpinned(text: str) -> list[str]:
    return [entry for entry in entries(text) if not PINNED.fullmatch(entry)]


def in_makefile(variable: str) -> set[str]:
    found = re.search(rf"^{variable} := (.*)$", MAKEFILE, re.MULTILINE)
    assert found, variable
    return set(found[1].split())


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_versions_and_hashes_and_no_place(lock: str) -> None:
    text = (ROOT / "requirements" / f"{lock}.txt").read_text()

    assert entries(text)
    assert unpinned(text) == []
    assert "://" not in text


def test_what_is_not_pinned_is_noticed() -> None:
    sound = f"a==1 \\\n    --hash=sha256:{'0' * 64}\n"
    assert unpinned(sound) == []

    for line in ("a>=1", "a==1", "a==1 --hash=md5:00", "-e .", "a @ file:///a.whl", "--index-url=x"):
        assert unpinned(sound + line) == [line]


def test_every_group_has_a_lock() -> None:
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]

    assert set(groups) == set(LOCKS) - {DATA}


def test_every_lock_is_audited() -> None:
    assert in_makefile("AUDITED") == set(LOCKS) - {DATA}


@pytest.mark.parametrize("name", ["Makefile", "Dockerfile", "scripts/build/bundle.py"])
def test_whatever_installs_does_so_by_hash(name: str) -> None:
    text = re.sub(r"\\\n", " ", (ROOT / name).read_text())
    installs = re.findall(r"(?:pip |\")(?:install|download)\b", text)

    assert installs
    assert text.count("--require-hashes") == len(installs)

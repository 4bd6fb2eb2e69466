"""Chromium is installed by apt-get where that can be done, else from Playwright; and a failure is told."""

import sys

import pytest

from scripts.build import chromium
from scripts.build.apt import Command
from scripts.build.chromium import steps

OWN = (sys.executable, "-m", "playwright", "install", "chromium")


@pytest.fixture
def apt_get(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}" if name == "apt-get" else None)


@pytest.mark.usefixtures("apt_get")
@pytest.mark.parametrize("root", [(), ("sudo", "-n")])
def test_on_debian_its_own_package_is_tried_first(root: Command) -> None:
    [packages, other] = steps("debian", root)

    assert [command[: len(root) + 1] for command in packages] == [(*root, "apt-get")] * 2
    assert "chromium" in packages[-1]
    assert other == [OWN]


@pytest.mark.usefixtures("apt_get")
def test_on_ubuntu_apt_get_brings_the_libraries_only() -> None:
    """Ubuntu's own package of that name installs a snap."""
    [[libraries, browser]] = steps("ubuntu", ())

    assert "install-deps" in libraries
    assert browser == OWN


@pytest.mark.usefixtures("apt_get")
def test_without_the_right_to_install_packages_playwrights_own_is_taken() -> None:
    assert steps("debian", None) == [[OWN]]


@pytest.mark.usefixtures("apt_get")
def test_where_none_can_be_had_it_says_why_and_fails(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(chromium, "installed", lambda playwright: None)
    monkeypatch.setattr(chromium, "as_root", lambda: None)
    monkeypatch.setattr(chromium, "steps", lambda system, root: [[(sys.executable, "-c", "exit(9)")]])

    with pytest.raises(SystemExit, match="none could be installed"):
        chromium.main()
    assert "without a password" in capfd.readouterr().out

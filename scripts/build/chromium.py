"""Install Chromium for the tests that open pages, unless there is one: `python -m scripts.build.chromium`.

Debian's by apt-get, if this user may; else Playwright's own. Ends with 1 and says why if neither can be had.
"""

import platform
import shutil
import sys
from pathlib import Path

from playwright.sync_api import Playwright, sync_playwright

from scripts.build.apt import Command, as_root, carry_out, installing

NAMES = ("chromium", "chromium-browser", "google-chrome")
#: Pages without a font of their own are shown with Liberation, which Chromium only recommends.
PACKAGES = ("chromium", "fonts-liberation")


def installed(playwright: Playwright) -> str | None:
    """Return the path of a Chromium: one on the PATH, or Playwright's own."""
    for name in NAMES:
        if found := shutil.which(name):
            return found
    own = playwright.chromium.executable_path
    return own if Path(own).exists() else None


def distribution() -> str:
    """Return the system's name as in os-release(5), such as `debian`; empty where there is no such file."""
    try:
        return platform.freedesktop_os_release()["ID"]
    except OSError:
        return ""


def steps(system: str, root: Command | None) -> list[list[Command]]:
    """Return the ways to install Chromium, each as its commands, the best first.

    Ubuntu's package is only a hint to install a snap, so there Playwright's is taken.
    """
    playwright = (sys.executable, "-m", "playwright")
    own: list[Command] = [(*playwright, "install", "chromium")]
    if root is None or not shutil.which("apt-get"):
        return [own]
    if system == "debian":
        return [installing(PACKAGES, root), own]
    return [[(*root, *playwright, "install-deps", "chromium"), *own]]


def install(playwright: Playwright) -> str | None:
    """Install Chromium in the first way that works, and return its path."""
    print("Installing Chromium, which takes up to 400 MB:", flush=True)
    root = as_root()
    if root is None and shutil.which("apt-get"):
        print("apt-get would need root, or sudo without a password, so Playwright's own is taken.")
    for commands in steps(distribution(), root):
        if carry_out(commands) and (found := installed(playwright)):
            return found
    return None


def main() -> None:
    with sync_playwright() as playwright:
        found = installed(playwright) or install(playwright)
    if not found:
        sys.exit("There is no Chromium, and none could be installed: see the failures above.")
    print(f"Chromium: {found}")


if __name__ == "__main__":
    main()

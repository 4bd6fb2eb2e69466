"""Chromium as Playwright drives it: Debian's, or Playwright's own. A test that finds neither is skipped."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Error, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")


@contextmanager
def chromium(*arguments: str) -> Iterator[Browser]:
    # Chromium has no sandbox of its own if root runs it.
    as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(
                executable_path=next(filter(None, map(shutil.which, NAMES)), None),
                args=[*as_root, *arguments],
            )
        except Error as missing:
            pytest.skip(f"there is no Chromium (on Debian: apt-get install chromium): {missing}")
        yield browser
        browser.close()

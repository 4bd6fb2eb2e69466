"""Chromium as Playwright drives it: Debian's, or Playwright's own. A test that finds neither is skipped."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, sync_playwright

from scripts.build.chromium import installed


@contextmanager
def chromium(*arguments: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        found = installed(playwright)
        if not found:
            pytest.skip("There is no Chromium. `make chromium` installs one, or says why it cannot.")
        browser = playwright.chromium.launch(executable_path=found, args=arguments)
        yield browser
        browser.close()

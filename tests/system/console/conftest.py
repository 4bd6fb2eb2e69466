"""Chromium, and pages of the console in it."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.system.chromium import chromium
from tests.system.conftest import Runtime
from tests.system.console.watched import DESKTOP, PATIENCE_MS, Open, Scheme, Watched


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def open_page(browser: Browser, running: Runtime) -> Iterator[Open]:
    """Open pages in contexts of their own; each is checked at the end."""
    opened: list[Watched] = []

    def make(
        size: tuple[int, int] = DESKTOP,
        scheme: Scheme = "light",
        owner: str = "e2e",
        runtime: Runtime = running,
    ) -> Watched:
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]}, color_scheme=scheme, reduced_motion="reduce"
        )
        context.set_default_timeout(PATIENCE_MS)
        context.add_init_script(f"sessionStorage.setItem('wharf.owner', '{owner}')")
        allowed = {f"127.0.0.1:{runtime.port}", f"127.0.0.1:{runtime.aws_port}"}
        opened.append(Watched(context.new_page(), runtime.url, allowed))
        return opened[-1]

    expect.set_options(timeout=PATIENCE_MS)
    yield make
    for watched in opened:
        watched.page.context.close()
    for watched in opened:
        watched.check()

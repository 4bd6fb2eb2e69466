"""The names of this machine, and the pages that may send requests."""

import pytest

from app.local.doors.machine import OWN_ORIGINS, Machine, Pages, name_in

MACHINE = Machine(name_in("http://wharf.test:4566"))
FOREIGN = [
    "https://evil.example",
    "http://localhost.evil.example",
    "http://localhost:1.evil.example",
    "http://127.0.0.1.evil.example",
    "http://evil.example:80",
    "ftp://localhost",
    "http://[::2]:80",
    "http://localhost:",
    "http://localhost:x",
    "null",
    "",
]


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST:8000",
        "127.0.0.1:4566",
        "127.9.9.9",
        "[::1]:8000",
        "a.localhost",
        "wharf:8000",
        "wharf.test:1",
    ],
)
def test_these_are_names_of_this_machine(host: str) -> None:
    assert MACHINE.is_meant_by(host)


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8000",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "a.wharf.test",
        "0.0.0.0:8000",
        "10.0.0.7:8000",
        "[::2]:8000",
        "localhost@evil.example",
        "evil.example/localhost",
        "evil.",
        "localhost:8000,evil.example",
        "[::1",
        "",
    ],
)
def test_these_are_not(host: str) -> None:
    assert not MACHINE.is_meant_by(host)


def test_an_address_counts_where_the_request_came_in_at_it() -> None:
    assert MACHINE.is_meant_by("172.17.0.2:8000", "172.17.0.2")
    assert not MACHINE.is_meant_by("172.17.0.3:8000", "172.17.0.2")


@pytest.mark.parametrize(
    "origin", ["http://localhost:5173", "https://localhost", "http://127.0.0.1:3000", "http://[::1]:80"]
)
def test_pages_of_this_machine_may_by_default(origin: str) -> None:
    assert Pages.of(OWN_ORIGINS.split(",")).may_send(origin)


@pytest.mark.parametrize("origin", FOREIGN)
def test_foreign_pages_may_not(origin: str) -> None:
    assert not Pages.of(OWN_ORIGINS.split(",")).may_send(origin)


def test_named_pages_may_and_no_others() -> None:
    pages = Pages.of(["https://app.example", "https://dev.example:*"])

    assert pages.may_send("https://app.example")
    assert pages.may_send("https://dev.example:8443")
    assert not [one for one in (*FOREIGN, "http://app.example", "http://localhost") if pages.may_send(one)]
    assert Pages.of(["*"]).may_send("null")

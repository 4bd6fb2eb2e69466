"""`wharf listen`, as a script runs it."""

import signal
import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from wharf_client.cli import listening


class Unreachable(Exception):
    """The service does not answer."""


class NoService:
    def request(self, *_: Any, **__: Any) -> Any:
        raise Unreachable


@pytest.fixture
def _signals() -> Iterator[None]:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    found = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, found, strict=True):
        signal.signal(number, handler)


def test_a_line_is_written_in_one_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    pieces: list[str] = []
    monkeypatch.setattr(sys, "stdout", SimpleNamespace(write=pieces.append, flush=lambda: None))

    listening.tell("verified object.ready")

    assert pieces == ["verified object.ready\n"]


@pytest.mark.usefixtures("_signals")
def test_an_interrupt_is_heard_where_a_shell_lets_it_be_ignored() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    with listening.server_on(0) as server, pytest.raises(Unreachable):
        listening.listen(server, NoService(), ())  # type: ignore[arg-type]  # it asks no more of it

    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler

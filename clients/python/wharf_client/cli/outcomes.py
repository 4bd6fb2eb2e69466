"""Tells what came of each of several objects; the first error gives the exit code."""

import json
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, TypeVar

import typer

from wharf_client.cli import screen
from wharf_client.cli.connection import message_of
from wharf_client.cli.exits import code_of
from wharf_client.client import Wharf
from wharf_client.errors import ObjectNotReady, WharfError
from wharf_client.models import Object

T = TypeVar("T")


def attempt(work: Callable[[], T], name: str = "") -> T | WharfError:
    """Return what the work returns, or its error, which is told at once: other objects come after it."""
    try:
        return work()
    except WharfError as fault:
        screen.say(message_of(fault, name))
        return fault


def watch_object(
    client: Wharf, object_id: str, timeout: float | None, as_json: bool, name: str = ""
) -> Object | WharfError:
    """Wait for one object, and tell how it ended."""
    ended = attempt(partial(client.wait, object_id, timeout=timeout), name)
    if isinstance(ended, ObjectNotReady) and as_json:
        print_object(ended.object, as_json)
    elif not isinstance(ended, WharfError):
        if as_json:
            print_object(ended, as_json)
        summary = screen.summary_text(ended["result"]["summary"] if ended["result"] else {})
        subject = f"{name}: {object_id}" if name else object_id
        screen.say(f"{subject} is ready: {summary}" if summary else f"{subject} is ready")
    return ended


def print_object(stored: Mapping[str, Any], as_json: bool) -> None:
    print(json.dumps(stored) if as_json else stored["id"], flush=True)


def raise_first(ended: Iterable[object]) -> None:
    """Exit with the code of the first error, which was told before."""
    for one in ended:
        if isinstance(one, WharfError):
            raise typer.Exit(code_of(one))

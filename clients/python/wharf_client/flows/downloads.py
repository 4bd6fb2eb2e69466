"""Download a payload or an artifact into a file, and check that it is whole."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote, urlsplit

from wharf_client.errors import ObjectNotReady, SourceChanged, StorageRefused, Unavailable, WharfError
from wharf_client.flows import objects
from wharf_client.flows.uploads import FORBIDDEN, Progress
from wharf_client.models import Object
from wharf_client.pieces import digest
from wharf_client.retries import Retries, pause_after
from wharf_client.steps import Answer, Fetch, Flow, Pause, Work

ACCEPT = {"Accept": "application/json"}


def download(
    object_id: str, to: Path, artifact: str | None, progress: Progress, retries: Retries
) -> Flow[Path]:
    """Write the newest ready payload, or an artifact of it, to a file. The file is there once it is whole."""
    expected = _described((yield from objects.read(object_id, retries)), artifact)
    size: int = expected["size"]
    part = to.with_name(f"{to.name}.part")
    try:
        with part.open("w+b") as file:
            path = f"{objects.path_of(object_id)}/{_resource(artifact)}"
            yield from _fetch(path, file, size, progress, retries)
            found = yield Work(lambda: _sha256(file))
        if found != expected["sha256"]:
            raise SourceChanged(f"What was downloaded is not what {object_id} declares. Try again.")
        os.replace(part, to)  # noqa: PTH105  # one step, also over a file that is there
    finally:
        part.unlink(missing_ok=True)
    return to


def _resource(artifact: str | None) -> str:
    return "payload" if artifact is None else f"artifacts/{quote(artifact, safe='')}"


def _described(stored: Object, artifact: str | None) -> Mapping[str, Any]:
    """Return size and SHA-256 of what is wanted. Raises ObjectNotReady if it is not there (yet)."""
    if artifact is None:
        if stored["payload"] is None:
            raise ObjectNotReady(stored)
        return stored["payload"]
    found = stored["result"]["artifacts"] if stored["result"] else []
    for one in found:
        if one["name"] == artifact:
            return one
    names = ", ".join(one["name"] for one in found) or "none"
    raise WharfError(f"{stored['id']} has no artifact of this name. It has: {names}.")


def _fetch(path: str, file: BinaryIO, size: int, progress: Progress, retries: Retries) -> Flow[None]:
    """Fill the file, from where a broken connection left it."""
    link = yield from objects.request("GET", path, retries, headers=ACCEPT)
    attempt, reached = 1, 0
    while True:
        outcome = yield Fetch(link["url"], file, file.tell(), lambda got: progress(got, size))
        got = file.tell()
        if got >= size and not (isinstance(outcome, Answer) and outcome.status >= 300):
            return
        # A connection that brought something counts as a first attempt.
        attempt, reached = (1, got) if got > reached else (attempt, reached)
        if isinstance(outcome, Answer) and outcome.status == FORBIDDEN and attempt < retries.attempts:
            link = yield from _again(path, link, file, retries)
        else:
            pause = pause_after(outcome, attempt, retries)
            if pause is None:
                raise _failure(outcome)
            yield Pause(pause)
        attempt += 1


def _again(path: str, before: Mapping[str, Any], file: BinaryIO, retries: Retries) -> Flow[Mapping[str, Any]]:
    """Return a new URL, and begin anew if it leads to a newer revision."""
    link: Mapping[str, Any] = yield from objects.request("GET", path, retries, headers=ACCEPT)
    if urlsplit(link["url"]).path != urlsplit(before["url"]).path:
        file.seek(0)
        file.truncate()
    return link


def _failure(outcome: object) -> WharfError:
    if isinstance(outcome, Answer):
        return StorageRefused(outcome.status, outcome.body)
    return Unavailable("Storage cannot be reached, or breaks off.")


def _sha256(file: BinaryIO) -> str:
    file.seek(0)
    return digest(file)

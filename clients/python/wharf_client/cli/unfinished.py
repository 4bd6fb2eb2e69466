"""Keeps the Idempotency-Key of an upload until it has ended, so that the same command goes on with it.

A key is a file of its own, named after everything that the upload is: the service, the file as it is now,
and what is said about it.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from wharf_client.errors import Refused

FOLDER = "wharf/uploads"


def folder() -> Path:
    """Return where programs keep their state (XDG Base Directory Specification)."""
    state = os.environ.get("XDG_STATE_HOME")
    return Path(state or Path.home() / ".local/state") / FOLDER


@contextmanager
def key_of(service: str, file: Path, given: Mapping[str, Any]) -> Iterator[str]:
    """Yield the key of an upload: the one of an earlier attempt, or a new one that the next will find.

    The key is forgotten when the upload has ended, or the service has refused it.
    """
    kept = folder() / _name(service, file, given)
    kept.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    key = kept.read_text() if kept.exists() else str(uuid4())
    kept.write_text(key)
    try:
        yield key
    except Refused:
        kept.unlink(missing_ok=True)
        raise
    kept.unlink(missing_ok=True)


def _name(service: str, file: Path, given: Mapping[str, Any]) -> str:
    state = file.stat()
    upload = [service, str(file.resolve()), state.st_size, state.st_mtime_ns, given]
    return hashlib.sha256(json.dumps(upload, sort_keys=True).encode()).hexdigest()

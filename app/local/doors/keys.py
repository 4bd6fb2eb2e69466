"""The credentials of one run: a secret that is made anew at each start, and the file that holds it."""

import os
import secrets
import shlex
from collections.abc import Mapping
from pathlib import Path

#: A file in the data folder. A shell that reads it can use the emulator: `. .local/aws.env`.
FILE = "aws.env"
#: The number of the emulator's account. Functions that it runs sign with this id and its own secret.
KEY_ID = "000000000000"


def new_credentials() -> Mapping[str, str]:
    return {"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": secrets.token_hex(20)}


def write(folder: Path, environment: Mapping[str, str]) -> None:
    """Write the variables that a client of the emulator needs, as one line for a shell.

    Only the user may read the file, from its first moment on.
    """
    line = " ".join(f"{name}={shlex.quote(value)}" for name, value in environment.items())
    new = folder / f"{FILE}.new"
    new.unlink(missing_ok=True)
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:  # noqa: PTH123  # a descriptor
        file.write(f"export {line}\n")
    new.replace(folder / FILE)


def read(folder: Path) -> Mapping[str, str]:
    """Return what `write` wrote; nothing if there is no such file."""
    try:
        words = shlex.split((folder / FILE).read_text())[1:]
    except OSError:
        return {}
    return dict(word.split("=", 1) for word in words)


def forget(folder: Path) -> None:
    (folder / FILE).unlink(missing_ok=True)

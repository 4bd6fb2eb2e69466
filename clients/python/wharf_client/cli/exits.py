"""The codes that `wharf` exits with; docs/clients.md lists them, with 2 for wrong options."""

from wharf_client.errors import Forbidden, NotFound, ObjectNotReady, TimedOut, Unavailable, WharfError

REFUSED = 1
#: Typer exits so when a person presses Ctrl-C.
INTERRUPTED = 130
CODES: dict[type[WharfError], int] = {
    NotFound: 3,
    Forbidden: 4,
    ObjectNotReady: 5,
    Unavailable: 6,
    TimedOut: 7,
}


def code_of(fault: Exception) -> int:
    return next((code for kind, code in CODES.items() if isinstance(fault, kind)), REFUSED)

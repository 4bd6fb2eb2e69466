"""The preferences of a client (RFC 7240). Only `wait` is understood; others are passed over."""

import re
from typing import Annotated

from fastapi import Depends, Header, Request

#: A token, and its value if it has one. Parameters behind a semicolon are passed over.
PREFERENCE = re.compile(r'\s*([!#-\'*+.^`|~\w-]+)\s*(?:=\s*("[^"]*"|[^\s;,"]*))?\s*(?:;[^,]*)?', re.ASCII)
SECONDS = re.compile(r"[0-9]+", re.ASCII)
#: Longer than anybody may wait.
MOST_DIGITS = 6


async def _wait(
    request: Request,
    _prefer: Annotated[
        str | None,
        Header(
            alias="Prefer",
            description="`wait=20`, with `If-None-Match`: answer once the object is at another version, else "
            "after 20 seconds (RFC 7240). `Preference-Applied` tells how long this service waits.",
            examples=["wait=20"],
        ),
    ] = None,
) -> int:
    """Return the seconds that the client would wait; 0 if it does not say so."""
    # The first of several counts (RFC 7240, section 2).
    for part in ",".join(request.headers.getlist("prefer")).split(","):
        preference = PREFERENCE.fullmatch(part)
        if preference and preference[1].lower() == "wait":
            return _seconds((preference[2] or "").strip('"'))
    return 0


def _seconds(text: str) -> int:
    if not SECONDS.fullmatch(text):
        return 0
    digits = text.lstrip("0")
    return int(digits[:MOST_DIGITS] or "0") if len(digits) <= MOST_DIGITS else 10**MOST_DIGITS


WaitPreference = Annotated[int, Depends(_wait)]

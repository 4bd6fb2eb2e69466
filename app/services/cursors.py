"""Opaque positions in a list, bound to the list's owner and its filters.

The checksum finds damage and mix-ups. It is not a secret and need not be one:
the partition is always computed from the owner, never from the cursor. So even
a forged cursor only moves within the owner's own list.
"""

import hashlib
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import Any

from app.domain.errors import InvalidCursor
from app.domain.json import compact_json

CHECKSUM_BYTES = 9


def encode_cursor(position: str, scope: Sequence[Any]) -> str:
    """Return the cursor of a position; `scope` is the list's owner and filters, as JSON values."""
    checksum = hashlib.sha256(compact_json([position, *scope]).encode()).digest()[:CHECKSUM_BYTES]
    return urlsafe_b64encode(checksum + position.encode()).rstrip(b"=").decode()


def decode_cursor(cursor: str, scope: Sequence[Any], *, of_form: re.Pattern[str]) -> str:
    """Return the position. Raises InvalidCursor for another scope, damage, or another form of position."""
    try:
        raw = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        position = raw[CHECKSUM_BYTES:].decode()
    except ValueError:
        raise InvalidCursor from None
    if encode_cursor(position, scope) != cursor or not of_form.fullmatch(position):
        raise InvalidCursor
    return position

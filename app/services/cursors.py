"""Opaque positions in a list, bound to whose list it is and how it is filtered.

The checksum finds damage and mix-ups. It is no secret and need not be one: the
partition that a position moves in is always computed from whose list it is: the
caller's or, for an admin, the one that was named.
"""

import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import Any

from app.domain.errors import InvalidCursor
from app.domain.json import compact_json

CHECKSUM_BYTES = 9


def encode_cursor(position: str, scope: Sequence[Any]) -> str:
    """`scope` names the list: its owner and filters as JSON values, in a fixed order."""
    return urlsafe_b64encode(_checksum(position, scope) + position.encode()).rstrip(b"=").decode()


def decode_cursor(cursor: str, scope: Sequence[Any]) -> str:
    """Raises InvalidCursor."""
    try:
        raw = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        position = raw[CHECKSUM_BYTES:].decode()
    except ValueError:
        raise InvalidCursor from None
    if encode_cursor(position, scope) != cursor:
        raise InvalidCursor
    return position


def _checksum(position: str, scope: Sequence[Any]) -> bytes:
    return hashlib.sha256(compact_json([position, *scope]).encode()).digest()[:CHECKSUM_BYTES]

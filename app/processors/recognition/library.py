"""Rarer formats, by the signatures that puremagic keeps.

Its table is long and of mixed quality. A signature counts if it begins the file, has a few different
bytes, and all that it is listed for is one media type. It never overrides our own tables.
"""

import re
from collections import defaultdict
from collections.abc import Mapping

from puremagic import magic_header_array

from app.domain.media_types import UNDECLARED, meant_media_type

LEAST_BYTES = 4
LEAST_DIFFERENT_BYTES = 3
#: Texts are told by their characters, since such words may begin any text.
MEDIA_TYPE = re.compile(r"(?:application|audio|font|image|model|video)/[a-z0-9][a-z0-9.+-]{0,80}")


def _types_by_start() -> Mapping[bytes, str]:
    """Return the signatures that show one type, and that type."""
    named = defaultdict(set)
    for row in magic_header_array:
        start, media_type = row.byte_match, row.mime_type.lower()
        is_long = len(start) >= LEAST_BYTES and len(set(start)) >= LEAST_DIFFERENT_BYTES
        if is_long and not row.offset and MEDIA_TYPE.fullmatch(media_type) and media_type != UNDECLARED:
            named[start].add(meant_media_type(media_type))
    return {start: next(iter(types)) for start, types in named.items() if len(types) == 1}


TYPES = _types_by_start()
LENGTHS = sorted({len(start) for start in TYPES}, reverse=True)


def listed_type(head: bytes) -> str | None:
    """Return the type of the longest signature that the file begins with."""
    starts = (head[:length] for length in LENGTHS if length <= len(head))
    return next((TYPES[start] for start in starts if start in TYPES), None)

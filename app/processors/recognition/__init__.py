"""Reads from the bytes of a file what it really is, and checks that for every kind.

* signatures  formats that their first bytes show, our own table
* media       sound and moving pictures: containers and streams
* archives    ZIP and what is made of it, tar, Office's older documents
* markup      texts: JSON, XML, HTML
* library     rarer formats, by puremagic's table
* families    which declared types go with which content

Only the first 64 KiB are looked at, and the last four bytes of Parquet. Neither the name of a file nor
its declared type is trusted.

A file that is not recognised has the type None, not `application/octet-stream`: None says
that the type is unknown, `application/octet-stream` would claim one.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NoReturn

from app.domain.errors import InvalidPayload, ProblemCode
from app.domain.media_types import HEIC, HEIF, HTML, PARQUET, PDF, UNDECLARED, ZIP, meant_media_type
from app.processors.recognition import archives, markup, media
from app.processors.recognition.families import FAMILY_OF, goes_with, is_text
from app.processors.recognition.library import listed_type
from app.processors.recognition.signatures import OTHER_SIGNATURES, SIGNATURES
from app.processors.texts import is_empty, looks_like_text, looks_like_text_with_nuls, read_head

PDF_PREAMBLE_BYTES = 1024
PARQUET_SHORTEST_BYTES = 12
Look = Callable[[bytes], str | None]
#: Formats that contain others: each look returns the innermost that it sees.
CONTAINERS: tuple[Look, ...] = (
    archives.zip_archive,
    archives.ole,
    media.iso_media,
    media.ogg,
    media.matroska,
)
#: Formats that begin with bytes of which a text may begin, too.
STREAMS: tuple[Look, ...] = (media.mpeg_audio, media.mpeg_transport_stream, archives.tar)


def recognise(path: Path) -> str | None:
    """Return the media type that the bytes show, or None if it is unknown. An empty file has no type."""
    head = read_head(path)
    if found := _signed(head, path) or _first(CONTAINERS, head):
        return found
    if looks_like_text(head):
        return markup.text_format(head, is_whole=path.stat().st_size == len(head))
    if found := _first(STREAMS, head):
        return found
    listed = listed_type(head)
    return None if listed in FAMILY_OF else listed  # our own look at it failed


def check_content(path: Path, declared: str, *, may_be_empty: bool = False) -> None:
    """Raise InvalidPayload if the file is empty or its bytes contradict the declared type."""
    if not may_be_empty:
        refuse_empty(path)
    if contradicts(path, declared):
        _refuse_as(declared, recognise(path))


def check_text(path: Path, declared: str, charset: str | None) -> None:
    """Raise InvalidPayload if the file is empty or not text, as it must be for a type such as CSV.

    Whether the text is in its declared charset, or holds NUL characters, is left to
    those who read it: they can say more.
    """
    refuse_empty(path)
    found = recognise(path)
    if not may_be_text(path, found, charset):
        _refuse_as(declared, found)


def may_be_text(path: Path, found: str | None, charset: str | None) -> bool:
    """True if a file that was recognised as `found` is for those who read texts. A page of HTML is not."""
    if found is None:
        return charset is not None or looks_like_text_with_nuls(read_head(path))
    return is_text(found) and found != HTML


def type_among(path: Path, accepted: Iterable[str]) -> str:
    """Return the type that the bytes show; raise InvalidPayload with the accepted ones if it is another."""
    refuse_empty(path)
    found = recognise(path)
    if found is None or found not in accepted:
        refuse_other_than(accepted, found)
    return found


def refuse_other_than(accepted: Iterable[str], found: str | None) -> NoReturn:
    """Raise InvalidPayload for content of which no type was declared, and which is none that is accepted."""
    would_do = ", ".join(sorted(accepted))
    detail = f"The content is {found or 'of no known type'}. It should be one of: {would_do}."
    raise InvalidPayload(ProblemCode.MEDIA_TYPE_MISMATCH, detail)


def contradicts(path: Path, declared: str) -> bool:
    """True if the file plainly is not of the declared type.

    A type that some kind takes must be carried. Any other is believed unless the content is of another
    family. An empty file contradicts no type. A PDF may begin a little late, as PDF readers allow.
    """
    expected = meant_media_type(declared)
    head = read_head(path)
    if not head or expected == UNDECLARED:
        return False
    if expected == PDF:
        return b"%PDF-" not in head[: PDF_PREAMBLE_BYTES + 5]
    if expected == ZIP:
        return not SIGNATURES[ZIP](head)
    found = recognise(path)
    if expected in SIGNATURES:
        return found != expected and (expected, found) != (HEIF, HEIC)  # every HEIC is a HEIF
    return found is not None and not goes_with(expected, found)


def _signed(head: bytes, path: Path) -> str | None:
    """Return the first type of which the file has the signature; containers are looked into elsewhere."""
    for media_type, matches in (SIGNATURES | OTHER_SIGNATURES).items():
        if matches(head) and (media_type != PARQUET or _ends_like_parquet(path)):
            return None if media_type == ZIP else media_type
    return None


def _first(looks: Iterable[Look], head: bytes) -> str | None:
    return next(filter(None, (look(head) for look in looks)), None)


def refuse_empty(path: Path) -> None:
    if is_empty(path):
        raise InvalidPayload(ProblemCode.INVALID_CONTENT, "The file is empty.")


def _refuse_as(declared: str, found: str | None) -> NoReturn:
    detail = f"Declared as {declared}, but the content is {found or 'something else'}."
    raise InvalidPayload(ProblemCode.MEDIA_TYPE_MISMATCH, detail)


def _ends_like_parquet(path: Path) -> bool:
    if path.stat().st_size < PARQUET_SHORTEST_BYTES:
        return False
    with path.open("rb") as file:
        file.seek(-4, 2)
        return file.read() == b"PAR1"

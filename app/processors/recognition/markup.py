"""Texts in a format that their first characters show: JSON, XML, HTML and a few others.

Nothing is parsed but JSON, up to the end of the first bytes. XML is known by its first element alone,
so no entity is ever expanded, and no comment costs more than a look for its end.
"""

import codecs
import re
from json import JSONDecoder

from pydantic_core import from_json

from app.domain.media_types import HTML, JSON, NDJSON, PLAIN_TEXT, XML

BLANKS = b" \t\r\n\f"
SVG = "image/svg+xml"
XHTML = "application/xhtml+xml"
#: The root elements of formats that people have, without their prefix.
ROOTS = {
    b"svg": SVG,
    b"rss": "application/rss+xml",
    b"feed": "application/atom+xml",
    b"gpx": "application/gpx+xml",
    b"kml": "application/vnd.google-earth.kml+xml",
    b"html": XHTML,
}
ROOT = re.compile(rb"<(?:[A-Za-z_][\w.-]{0,100}:)?([A-Za-z_][\w.-]{0,100})[\s/>]")
DOCTYPE = re.compile(rb"<!doctype\s+([A-Za-z_][\w:.-]{0,100})[\s>\[]", re.IGNORECASE)
#: How the first line begins.
STARTS = {
    b"{\\rtf": "text/rtf",
    b"%!PS": "application/postscript",
    b"BEGIN:VCALENDAR": "text/calendar",
    b"BEGIN:VCARD": "text/vcard",
    b"WEBVTT": "text/vtt",
}
#: Declarations, comments and instructions before the root element; a file with more is a text to us.
MOST_BEFORE_ROOT = 1_000


def text_format(head: bytes, *, is_whole: bool) -> str:
    """Return the type of a text. `is_whole` says that the head is all of it."""
    text = head.removeprefix(codecs.BOM_UTF8)
    for start, named in STARTS.items():
        if text.startswith(start):
            return named
    text = text.lstrip(BLANKS)
    match text[:1]:
        case b"<":
            return _markup(text)
        case b"{" | b"[":
            return _json(text, is_whole=is_whole) or PLAIN_TEXT
        case _:
            return PLAIN_TEXT


def _markup(text: bytes) -> str:
    """Return what the first element says; XML needs its declaration to be known without that."""
    is_xml = re.match(rb"<\?xml\s", text) is not None
    doctype, root = _beginning(text)
    if doctype == b"html" or (root == b"html" and not is_xml):
        return XHTML if is_xml else HTML
    if root == b"svg" or is_xml:
        return ROOTS.get(root, XML)
    return PLAIN_TEXT


def _beginning(text: bytes) -> tuple[bytes, bytes]:
    """Return the name in the document type, and that of the root element; in lower case, empty without."""
    at, doctype = 0, b""
    for _ in range(MOST_BEFORE_ROOT):
        if text.startswith(b"<!--", at):
            end = text.find(b"-->", at + 4) + 3
        elif text.startswith(b"<?", at):
            end = text.find(b"?>", at + 2) + 2
        elif declared := DOCTYPE.match(text, at):
            doctype = declared[1].lower()
            end = _end_of_doctype(text, at)
        else:
            root = ROOT.match(text, at)
            return doctype, root[1].lower() if root else b""
        if end < at + 2:  # cut off
            return doctype, b""
        at = end
        while at < len(text) and text[at] in BLANKS:
            at += 1
    return doctype, b""


def _end_of_doctype(text: bytes, at: int) -> int:
    """Return where a document type ends, passing over the entities that it declares; 0 if it is cut off."""
    close, subset = text.find(b">", at), text.find(b"[", at)
    if -1 < subset < close:
        close = text.find(b">", text.find(b"]", subset)) if b"]" in text[subset:] else -1
    return close + 1


def _json(text: bytes, *, is_whole: bool) -> str | None:
    """Return the type of JSON, or of JSON in lines, if the text is either."""
    if are_lines(text):
        return NDJSON
    return JSON if _is_json(text, is_whole=is_whole) else None


def _is_json(text: bytes, *, is_whole: bool) -> bool:
    """True if it is JSON, as far as the text goes."""
    try:
        from_json(text, allow_inf_nan=False, cache_strings=False, allow_partial=not is_whole)
    except ValueError:
        return False
    return is_whole or not _has_more_behind(text)


def _has_more_behind(text: bytes) -> bool:
    """True if a value ends within the text, and something else follows."""
    characters = text.decode(errors="replace")
    try:
        _, end = JSONDecoder().raw_decode(characters)
    except (ValueError, RecursionError):  # it is cut off, as it should be
        return False
    return bool(characters[end:].strip())


def are_lines(text: bytes) -> bool:
    """True if the first line is an object by itself, and another begins below it."""
    first, _, rest = text.lstrip(BLANKS).partition(b"\n")
    return first.startswith(b"{") and rest.lstrip(BLANKS).startswith(b"{") and _is_json(first, is_whole=True)

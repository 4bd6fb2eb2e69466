"""Tells which declared types go with which content, as far as the first bytes of a file show it.

Formats that are made of each other are a family: a document of Office is a ZIP, a drawing is XML, XML is
text. Within its family a declared type is believed: what would tell it apart may stand further behind.
"""

from app.domain.media_types import HEIC, HEIF, HTML, JSON, NDJSON, PLAIN_TEXT, XML, ZIP
from app.processors.recognition import archives, markup, media
from app.processors.recognition.signatures import OTHER_SIGNATURES, SIGNATURES

TEXT, ZIPPED, OLE, ISO_MEDIA, OGG = "text", "zip", "ole", "iso media", "ogg"
FAMILIES = {
    TEXT: {PLAIN_TEXT, HTML, JSON, NDJSON, XML, *markup.ROOTS.values(), *markup.STARTS.values()},
    ZIPPED: {ZIP, *archives.NAMES.values(), "image/openraster"},
    OLE: {archives.OLE, *archives.OLE_STREAMS.values()},
    ISO_MEDIA: {
        *(HEIC, HEIF, "image/avif", "image/heic-sequence", "image/heif-sequence"),
        *(*media.MAJOR_BRANDS.values(), *media.BRAND_STARTS.values(), "video/mp4"),
    },
    OGG: {*media.OGG_CODECS.values(), "application/ogg"},
    "ebml": {"video/webm", "audio/webm", "video/x-matroska", "audio/x-matroska"},
    "mpeg": {"video/mpeg", "video/mp2t"},
    # A tag like that of an MP3 may stand before the others, too.
    "sound": {"audio/mpeg", "audio/aac", "audio/flac"},
    "font": {"font/ttf", "font/otf", "font/collection"},
}
FAMILY_OF = {
    **{name: name for name in (*SIGNATURES, *OTHER_SIGNATURES, "application/x-tar")},
    **{name: family for family, names in FAMILIES.items() for name in names},
}
#: How other names of a family begin or end (RFC 6839; IANA, "Structured Syntax Suffixes").
STARTS = {
    archives.OFFICE: ZIPPED,
    "application/vnd.oasis.opendocument.": ZIPPED,
    "application/vnd.ms-word.": ZIPPED,
    "application/vnd.ms-excel.": ZIPPED,
    "application/vnd.ms-powerpoint.": ZIPPED,
}
ENDS = {"+zip": ZIPPED, "+xml": TEXT, "+json": TEXT}
#: Families of content, and those that may be declared for it. Office opens any of its formats under the
#: name of another, and writes encrypted documents in its oldest. Packed files keep their types in places.
MAY_BE_DECLARED_FOR = {
    TEXT: {OLE},
    ZIPPED: {OLE},
    OLE: {ZIPPED},
    OGG: {"sound"},
    "application/gzip": {TEXT, "application/x-tar"},
    "application/x-bzip2": {"application/x-tar"},
    "application/x-xz": {"application/x-tar"},
    "application/zstd": {"application/x-tar"},
}


def family_of(media_type: str) -> str | None:
    """Return the family of a type; None for a type that we know nothing of."""
    if family := FAMILY_OF.get(media_type):
        return family
    by_name = [family for start, family in STARTS.items() if media_type.startswith(start)]
    by_name += [family for end, family in ENDS.items() if media_type.endswith(end)]
    return by_name[0] if by_name else None


def is_text(media_type: str | None) -> bool:
    """True if the content of such a file is text."""
    return media_type is not None and family_of(media_type) == TEXT


def goes_with(declared: str, found: str) -> bool:
    """True if a file of the type that was found may be what was declared. In doubt it may.

    A text is in any encoding and begins with any word, so what is declared as text is believed.
    """
    content, named = family_of(found), family_of(declared)
    if content is None or named is None or (declared.startswith("text/") and declared != HTML):
        return True
    return content == named or named in MAY_BE_DECLARED_FOR.get(content, ())

"""Media types as people send them: the type itself, its parameters, and other names of the same type.

Clients and their machines name one type in several ways, or name none. Each of them is taken
as it comes; this module says which type is meant.
"""

import re

CSV, TSV = "text/csv", "text/tab-separated-values"
JSON, NDJSON = "application/json", "application/x-ndjson"
PARQUET = "application/vnd.apache.parquet"
PLAIN_TEXT, MARKDOWN, HTML, XML = "text/plain", "text/markdown", "text/html", "application/xml"
PDF = "application/pdf"
GZIP, ZIP = "application/gzip", "application/zip"
HEIC, HEIF = "image/heic", "image/heif"
XLS = "application/vnd.ms-excel"
#: The type of a payload that was sent without one: bytes, of which the content says more.
UNDECLARED = "application/octet-stream"

#: Other names that browsers, tools and old systems send, and the type that each means.
ALIASES = {
    "binary/octet-stream": UNDECLARED,
    "application/csv": CSV,
    "application/x-csv": CSV,
    "text/x-csv": CSV,
    "text/comma-separated-values": CSV,
    "text/tsv": TSV,
    "application/jsonl": NDJSON,
    "application/x-jsonlines": NDJSON,
    "application/ndjson": NDJSON,
    "text/json": JSON,
    "application/x-parquet": PARQUET,
    "application/x-pdf": PDF,
    "text/x-markdown": MARKDOWN,
    "text/xml": XML,
    "application/x-gzip": GZIP,
    "application/x-zip": ZIP,
    "application/x-zip-compressed": ZIP,
    "image/jpg": "image/jpeg",
    "image/pjpeg": "image/jpeg",
    "image/tif": "image/tiff",
    "image/x-tiff": "image/tiff",
    "image/x-png": "image/png",
    "image/x-ms-bmp": "image/bmp",
    "audio/mp3": "audio/mpeg",
    "audio/wave": "audio/wav",
    "audio/x-wav": "audio/wav",
    "audio/vnd.wave": "audio/wav",
    "audio/x-flac": "audio/flac",
    "audio/x-m4a": "audio/mp4",
    "video/x-m4v": "video/mp4",
    "application/x-rar-compressed": "application/vnd.rar",
    "application/x-rar": "application/vnd.rar",
    "application/x-sqlite3": "application/vnd.sqlite3",
    "application/x-zstd": "application/zstd",
    "application/font-woff": "font/woff",
    "application/x-font-ttf": "font/ttf",
    "application/x-font-otf": "font/otf",
    "application/rtf": "text/rtf",
}
#: A parameter of a media type (RFC 9110, section 5.6.6): its name, then its value, quoted or not.
PARAMETER = re.compile(r';\s*([^\s;="]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]*))')
ESCAPED = re.compile(r"\\(.)")
#: A value that needs no quotes, and what is escaped within quotes (RFC 9110, sections 5.6.2 and 5.6.4).
TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
TO_ESCAPE = re.compile(r'["\\]')


def base_media_type(media_type: str) -> str:
    """Return the type without its parameters, in lower case (RFC 9110, section 8.3.1)."""
    return media_type.partition(";")[0].strip().lower()


def media_type_parameters(media_type: str) -> dict[str, str]:
    """Return the parameters with their names in lower case and their values without quotes.

    If a name is given twice, the first counts, as in the MIME Sniffing Standard. A parameter without
    a value counts as not given.
    """
    found: dict[str, str] = {}
    for name, value in _values(media_type):
        found.setdefault(name, value)
    return found


def has_contradiction(media_type: str) -> bool:
    """True if a parameter is given twice, with different values."""
    return len(set(_values(media_type))) > len(media_type_parameters(media_type))


def _values(media_type: str) -> list[tuple[str, str]]:
    return [
        (name.lower(), value)
        for name, quoted, plain in PARAMETER.findall(media_type)
        if (value := ESCAPED.sub(r"\1", quoted) or plain)
    ]


def meant_media_type(media_type: str) -> str:
    """Return the type that is meant, without parameters: UNDECLARED if none is named."""
    base = base_media_type(media_type) or UNDECLARED
    return ALIASES.get(base, base)


def declared_or_not(media_type: str) -> str:
    """Return the type as it was sent, for a client may send it to S3 as well; UNDECLARED if none was sent."""
    return media_type.strip() or UNDECLARED


def shown_media_type(declared: str, found: str) -> str:
    """Return the one spelling of a payload's type: what was found, with the parameters that were declared.

    Names are in lower case, parameters follow after `; `, and only values that need quotes have them. The
    case of a value stays, because some parameters tell it apart.
    """
    parameters = media_type_parameters(declared).items()
    return "; ".join([found, *(f"{name}={_quoted_if_needed(value)}" for name, value in parameters)])


def _quoted_if_needed(value: str) -> str:
    return value if TOKEN.fullmatch(value) else '"' + TO_ESCAPE.sub(r"\\\g<0>", value) + '"'

"""The charsets that a media type may declare, and which encoding reads each."""

import codecs

#: Codecs of Python that are not charsets, or not safe ones: UTF-7 can spell half a surrogate pair.
NOT_CHARSETS = frozenset(
    {
        *("base64", "bz2", "hex", "quopri", "rot-13", "uu", "zlib"),
        *("charmap", "idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape", "utf-7"),
    }
)
#: Unicode in bytes; a byte order mark may precede each.
UNICODE = frozenset({"utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"})
#: What Windows writes under these names: the same, and characters where the charset itself has none
#: (Encoding Standard, section 4.2).
EXTENSIONS = {
    "shift_jis": "cp932",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "big5": "cp950",
    "euc_kr": "cp949",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
}


def encoding_of(charset: str) -> str | None:
    """Return Python's name of the encoding, or None if the charset is not known."""
    # Names that are in use, but not registered: x-sjis, windows-874.
    for name in (charset, charset.lower().removeprefix("x-").replace("windows-", "cp")):
        try:
            encoding = codecs.lookup(name).name
        except (LookupError, ValueError):
            continue
        if encoding not in NOT_CHARSETS:
            return encoding.removesuffix("-sig")
    return None


def encodings_of(charset: str) -> tuple[str, ...]:
    """Return the encodings to try in turn for a declared charset; none if it is not known."""
    encoding = encoding_of(charset)
    if encoding is None:
        return ()
    return (encoding, EXTENSIONS[encoding]) if encoding in EXTENSIONS else (encoding,)

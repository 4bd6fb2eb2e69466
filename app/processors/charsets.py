"""The charsets that a media type may declare, and which encoding reads each."""

import codecs

#: Codecs of Python that are not charsets, or not safe ones: UTF-7 can spell half a surrogate pair.
NOT_CHARSETS = frozenset(
    {
        *("base64", "bz2", "hex", "quopri", "rot-13", "uu", "zlib"),
        *("charmap", "idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape", "utf-7"),
    }
)
#: Names that IANA registers or the Encoding Standard lists, and Python does not know.
ALIASES = {
    **dict.fromkeys(("windows-31j", "cswindows31j"), "cp932"),
    **dict.fromkeys(("cseuckr", "csksc56011987", "iso-ir-149", "ks_c_5601-1989", "ksc_5601"), "cp949"),
    **dict.fromkeys(("csgb2312", "gb_2312-80"), "gb2312"),
    "cseucpkdfmtjapanese": "euc_jp",
    **dict.fromkeys(("iso-8859-6-e", "iso-8859-6-i"), "iso8859-6"),
    **dict.fromkeys(("iso-8859-8-e", "iso-8859-8-i"), "iso8859-8"),
    "csisolatin9": "iso8859-15",
    "dos-874": "cp874",
    "ibm00858": "cp858",
    "koi8-ru": "koi8-u",
    **dict.fromkeys(("mac", "csmacintosh"), "mac-roman"),
    "x-mac-ukrainian": "mac-cyrillic",
    **dict.fromkeys(("csutf8", "unicode-1-1-utf-8"), "utf-8"),
    **dict.fromkeys(("csutf16", "csunicode", "iso-10646-ucs-2", "unicode"), "utf-16"),
    "csutf16le": "utf-16-le",
    **dict.fromkeys(("csutf16be", "unicodefffe"), "utf-16-be"),
}
#: Unicode in bytes; a byte order mark may precede each.
UNICODE = frozenset({"utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"})
#: The encodings that Windows writes under these names. Each adds characters where the charset itself has none
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
    known = ALIASES.get(charset.lower(), charset)
    for name in (known, charset.lower().removeprefix("x-").replace("windows-", "cp")):
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

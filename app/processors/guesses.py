"""A guess at the encoding of a text that names none and is not UTF-8.

* UTF-16   shown by the bytes: a blank, a comma or a line end takes two, of which one is NUL
* others   read in each encoding that is in use; the one in which the text makes sense, if it is
           only one, and if for East Asian and Cyrillic ones charset-normalizer agrees

A guess may say that it does not know. To be wrong is worse: it changes a text in silence.
"""

import codecs
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator

from app.processors.plausible import CYRILLIC, EAST_ASIAN, WESTERN, is_cyrillic, is_east_asian, is_western

#: How much of a file a guess looks at.
HEAD_BYTES = 64 * 1024
#: Encodings of other scripts: the detector prefers one of them if that is what the text is in.
NOT_ACCEPTED = ("cp1253", "iso8859_7", "cp1255", "iso8859_8", "cp1256", "iso8859_6", "cp874")
#: What the detector may find strange. Its default of 0.2 also leaves out short tables: they hold few words.
MOST_CHAOS = 0.5

CONTROL_CHARACTER = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
#: All but NEXT LINE, with which some systems end a line.
C1_CONTROL = re.compile(r"[\x80-\x84\x86-\x9f]")
#: The upper byte of half of Hiragana, whose lower bytes are those of ASCII letters.
HIRAGANA_BYTE = 0x30
UPPER_BYTES = frozenset((0x0A, *range(0x20, 0x7F))) - {HIRAGANA_BYTE}
LOWER_BYTES = frozenset((0x00, 0x09, 0x0A, 0x0D, *range(0x20, 0x7F)))
EAST_ASIAN_WORDS = (
    "CJK",
    "HIRAGANA",
    "KATAKANA",
    "KATAKANA-HIRAGANA",
    "IDEOGRAPHIC",
    "BOPOMOFO",
    "FULLWIDTH",
)


def decoded(head: bytes, encoding: str) -> str | None:
    """Return the text of the first bytes of a file, or None if they are not valid in this encoding.

    A character that the end of the head cuts off is left out.
    """
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        return decoder.decode(head, final=len(head) < HEAD_BYTES)
    except UnicodeDecodeError:
        return None


def unmarked_utf_16(head: bytes) -> str | None:
    """Return `utf-16-le` or `utf-16-be` if the bytes plainly are that without a byte order mark."""
    evidence = {encoding: _latin_characters(head, encoding) for encoding in ("utf-16-le", "utf-16-be")}
    best = max(evidence, key=lambda encoding: evidence[encoding])
    return best if evidence[best] else None


def _latin_characters(head: bytes, encoding: str) -> int:
    """Return how many characters are below U+0100; 0 if the bytes are no text in this encoding."""
    text = decoded(head, encoding)
    if text is None or CONTROL_CHARACTER.search(text) or C1_CONTROL.search(text):
        return 0
    characters = Counter(text)
    latin = sum(times for character, times in characters.items() if character <= "\xff")
    others = Counter({character: times for character, times in characters.items() if character > "\xff"})
    is_of_one_script = _share_of_one_script(others) >= 0.9 if others.total() > 3 * latin else True
    is_text = (
        is_of_one_script and not _is_ascii_with_nuls(others, latin) and 20 * _unassigned(others) <= latin
    )
    return latin if is_text else 0


def _is_ascii_with_nuls(others: Counter[str], latin: int) -> bool:
    """True if four in five characters above U+00FF are two bytes of ASCII or NUL."""
    pairs = sum(times for character, times in others.items() if _is_pair_of_ascii(character))
    return 10 * pairs > latin and 5 * pairs >= 4 * others.total()


def _is_pair_of_ascii(character: str) -> bool:
    upper, lower = divmod(ord(character), 256)
    return upper in UPPER_BYTES and lower in LOWER_BYTES


def _unassigned(characters: Counter[str]) -> int:
    """Return how many are not characters of Unicode.

    Those beyond U+FFFF are not counted, because new ones are added every year.
    """
    return sum(
        times
        for character, times in characters.items()
        if character <= "\uffff" and unicodedata.category(character) in ("Cn", "Co")
    )


def _share_of_one_script(characters: Counter[str]) -> float:
    scripts = Counter[str]()
    for character, times in characters.items():
        if character.isalpha():
            scripts[_script(character)] += times
    return max(scripts.values(), default=0) / max(scripts.total(), 1)


def _script(letter: str) -> str:
    """Return the first word of the letter's name, which for most is its script."""
    first = unicodedata.name(letter, "").partition(" ")[0]
    return "CJK" if first in EAST_ASIAN_WORDS else first


def guess_encoding(sample: bytes) -> str | None:
    """Return the encoding in which alone the sample makes sense."""
    found = tuple(_plausible_encodings(sample))
    if len(found) != 1:
        return None
    [encoding] = found
    return encoding if encoding == WESTERN or _detects(encoding, sample) else None


def _plausible_encodings(sample: bytes) -> Iterator[str]:
    seen = set[str]()
    for kind in EAST_ASIAN:
        text = decoded(sample, kind.encoding)
        if text is not None and is_east_asian(text, kind):
            yield kind.encoding
    for encoding in CYRILLIC:
        text = decoded(sample, encoding)
        # Some of these read many texts alike.
        if text is not None and text not in seen and is_cyrillic(text):
            seen.add(text)
            yield encoding
    text = decoded(sample, WESTERN)
    if text is not None and is_western(text):
        yield WESTERN


def _detects(encoding: str, sample: bytes) -> bool:
    """True if the detector prefers this encoding to those of other scripts."""
    from charset_normalizer import from_bytes  # noqa: PLC0415  # few texts need it, and it takes 26 ms

    text = decoded(sample, encoding) or ""
    best = from_bytes(
        text.encode(encoding),
        cp_isolation=[encoding, *NOT_ACCEPTED],
        threshold=MOST_CHAOS,
        preemptive_behaviour=False,
    ).best()
    return best is not None and best.encoding == encoding

"""A guess at the encoding of a text that names none and is not UTF-8.

* UTF-16   shown by the bytes: a blank, a comma or a line end takes two, of which one is NUL
* UTF-32   shown by the bytes too: each character has two that are nearly always NUL
* others   read in each encoding that is in use; the one in which the text makes sense, if it is
           only one, and if for East Asian and Cyrillic ones charset-normalizer agrees

A guess may say that it does not know. To be wrong is worse: it changes a text in silence.
"""

import codecs
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator

# Few texts need it, but a sandboxed process can load no library. Python's own for East Asian charsets
# come with it.
from charset_normalizer import from_bytes

from app.processors.frequent import JAPANESE, KOREAN, SIMPLIFIED, TRADITIONAL
from app.processors.plausible import (
    CHANCE,
    CYRILLIC,
    EAST_ASIAN,
    FEWEST_LETTERS,
    FREQUENT_SHARE,
    east_asian_likeness,
    is_cyrillic,
)
from app.processors.western import CURRENCY, LATIN_9, is_western
from app.processors.western import ENCODING as WESTERN

#: How much of a file a guess looks at.
HEAD_BYTES = 64 * 1024
#: Encodings of other scripts: the detector prefers one of them if that is what the text is in.
NOT_ACCEPTED = ("cp1253", "iso8859_7", "cp1255", "iso8859_8", "cp1256", "iso8859_6", "cp874")
#: The most strangeness that the detector accepts. Its default of 0.2 also rules out tables of few words.
MOST_CHAOS = 0.5

#: The end mark of DOS is not a control character at the end of the text.
CONTROL_CHARACTER = re.compile(r"[\x00-\x08\x0e-\x19\x1c-\x1f]|\x1a(?![\x1a\r\n]*\Z)")
#: All C1 control characters but NEXT LINE, with which some systems end a line.
C1_CONTROL = re.compile(r"[\x80-\x84\x86-\x9f]")
#: The upper byte of half of Hiragana, whose lower bytes are those of ASCII letters.
HIRAGANA_BYTE = 0x30
UPPER_BYTES = frozenset((0x0A, *range(0x20, 0x7F))) - {HIRAGANA_BYTE}
LOWER_BYTES = frozenset((0x00, 0x09, 0x0A, 0x0D, *range(0x20, 0x7F)))
#: Some of these are in nearly every text.
SEPARATORS = frozenset("\n\r\t ,;\u3000\u3001\u3002")
FREQUENT = JAPANESE | KOREAN | SIMPLIFIED | TRADITIONAL
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


def unmarked_utf_32(head: bytes) -> str | None:
    """Return `utf-32-le` or `utf-32-be` if the bytes plainly are that without a byte order mark.

    Numbers of four bytes may be characters of one script too, but hardly separated ones.
    """
    for encoding in ("utf-32-le", "utf-32-be"):
        text = decoded(head, encoding)
        if text is None or len(text) < 2 or CONTROL_CHARACTER.search(text):
            continue
        characters = Counter(text)
        is_text = _is_of_one_script(characters) and not SEPARATORS.isdisjoint(characters)
        if is_text and 20 * _unassigned(characters) <= len(text):
            return encoding
    return None


def _latin_characters(head: bytes, encoding: str) -> int:
    """Return how many characters are below U+0100; 0 if the bytes are not text in this encoding."""
    text = decoded(head, encoding)
    if text is None or CONTROL_CHARACTER.search(text) or C1_CONTROL.search(text):
        return 0
    characters = Counter(text)
    latin = sum(times for character, times in characters.items() if character <= "\xff")
    others = Counter({character: times for character, times in characters.items() if character > "\xff"})
    # Characters beyond U+FFFF do not count as unassigned, because new ones are added every year.
    unassigned = _unassigned(Counter({one: times for one, times in others.items() if one <= "\uffff"}))
    is_text = _is_of_one_script(characters) and not _is_ascii_with_nuls(others, latin)
    return latin if is_text and 20 * unassigned <= latin else 0


def _is_ascii_with_nuls(others: Counter[str], latin: int) -> bool:
    """True if four in five characters above U+00FF are two bytes of ASCII or NUL, and make no sense."""
    pairs = Counter[str]()
    for character, times in others.items():
        upper, lower = divmod(ord(character), 256)
        if upper in UPPER_BYTES and lower in LOWER_BYTES:
            pairs[character] = times
    frequent = FREQUENT.intersection(pairs)
    makes_sense = len(frequent) > 1 and 4 * sum(pairs[one] for one in frequent) >= 3 * pairs.total()
    return 10 * pairs.total() > latin and 5 * pairs.total() >= 4 * others.total() and not makes_sense


def _unassigned(characters: Counter[str]) -> int:
    """Return how many are not characters of Unicode."""
    return sum(times for one, times in characters.items() if unicodedata.category(one) in ("Cn", "Co"))


def _is_of_one_script(characters: Counter[str]) -> bool:
    """True if nine in ten letters above U+00FF are of one script, or a quarter of all is below."""
    others = Counter({one: times for one, times in characters.items() if one > "\xff"})
    if others.total() <= 3 * (characters.total() - others.total()):
        return True
    scripts = Counter[str]()
    for character, times in others.items():
        if character.isalpha():
            # For most letters, the first word of the name is the script.
            first = unicodedata.name(character, "").partition(" ")[0]
            scripts["CJK" if first in EAST_ASIAN_WORDS else first] += times
    return max(scripts.values(), default=0) >= 0.9 * max(scripts.total(), 1)


def guess_encoding(sample: bytes) -> str | None:
    """Return the encoding in which alone the sample makes sense."""
    found = tuple(_plausible_encodings(sample))
    if len(found) != 1:
        return None
    [encoding] = found
    if encoding in (WESTERN, LATIN_9):
        return encoding
    text = decoded(sample, encoding) or ""
    letters = sum(1 for character in text if character > "\x7f" and character.isalpha())
    return encoding if letters >= FEWEST_LETTERS and _detects(encoding, sample) else None


def _plausible_encodings(sample: bytes) -> Iterator[str]:
    seen = set[str]()
    yield from _east_asian_encodings(sample)
    for encoding in CYRILLIC:
        text = decoded(sample, encoding)
        # Some of these encodings read many texts alike.
        if text is None or text in seen:
            continue
        # KOI8 has capitals where the other encodings have small letters.
        is_in_capitals = "".join(character for character in text if character > "\x7f").isupper()
        if is_cyrillic(text) and not (encoding in ("koi8_r", "koi8_u") and is_in_capitals):
            seen.add(text)
            yield encoding
    western = LATIN_9 if CURRENCY.encode(WESTERN) in sample else WESTERN
    text = decoded(sample, western)
    if text is not None and is_western(text):
        yield western


def _east_asian_encodings(sample: bytes) -> Iterator[str]:
    """Yield the encodings in which most letters are frequent ones, if not many less in the others."""
    likeness = {
        kind.encoding: east_asian_likeness(text, kind)
        for kind in EAST_ASIAN
        if (text := decoded(sample, kind.encoding)) is not None
    }
    best = max(likeness.values(), default=0)
    yield from (
        encoding
        for encoding, share in likeness.items()
        if share > 0 and best >= FREQUENT_SHARE and share > best - CHANCE
    )


def _detects(encoding: str, sample: bytes) -> bool:
    """True if the detector prefers this encoding to those of other scripts."""
    text = decoded(sample, encoding) or ""
    best = from_bytes(
        text.encode(encoding),
        cp_isolation=[encoding, *NOT_ACCEPTED],
        threshold=MOST_CHAOS,
        preemptive_behaviour=False,
    ).best()
    return best is not None and best.encoding == encoding

"""Decides if a text, read in a guessed encoding, looks like a language that is written in it.

Bytes of one encoding are often valid in others, so a text that decodes proves little.
These tests look for what only the right reading has.
"""

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass

from app.processors.frequent import JAPANESE, KOREAN, SIMPLIFIED, TRADITIONAL

#: Fewer letters are not enough for a guess.
FEWEST_LETTERS = 6
#: This many letters of two bytes cast doubt on another reading.
FEWEST_PAIRS = 2
WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class EastAsian:
    """An encoding with two bytes for most letters."""

    encoding: str
    #: The letters that make up nearly all of any text: kana, Hangul, the common ideographs.
    common: re.Pattern[bytes]
    #: The letters that are in most words.
    frequent: frozenset[str]


EAST_ASIAN = tuple(
    EastAsian(encoding, re.compile(common, re.DOTALL), frequent)
    for encoding, common, frequent in (
        ("cp932", rb"[\x81-\x83\x88-\x98].", JAPANESE),
        ("euc_jp", rb"[\xa1\xa3-\xa5\xb0-\xcf].", JAPANESE),
        ("gb18030", rb"[\xa3\xb0-\xd7].", SIMPLIFIED),
        ("cp950", rb"[\xa2-\xc6].", TRADITIONAL),
        ("cp949", rb"[\xa3\xb0-\xc8].", KOREAN),
    )
)
COMMON_SHARE = 0.9
#: About a tenth are frequent by chance, and well over half in real texts.
FREQUENT_SHARE, CHANCE = 0.5, 0.25

CYRILLIC = ("cp1251", "koi8_r", "koi8_u", "cp866", "iso8859_5")
VOWELS = frozenset("аеёиоуыэюяіїєў")
#: Letters of the East Slavic languages and Bulgarian, and letters of the South Slavic ones. No text has both.
EAST_SLAVIC, SOUTH_SLAVIC = frozenset("ыэюяйщъ"), frozenset("ђѓќћџљњѕ")
#: Letters of Ukrainian, and letters that it lacks.
UKRAINIAN, NOT_UKRAINIAN = frozenset("єїґ"), frozenset("ыэъё")
#: Letters that no word has beside each other: Hebrew and Arabic, read as Cyrillic, are full of them.
IMPOSSIBLE = re.compile(
    "[аеёиоуыэюяйъь]ы|[аеёиоуыэюяйъ][ьъ]|ь[ауыэ]|ъ[эй]|щ[шъыюяэ]|шщ|^[ыь]"
    "|[бвгджзклмнпрстфхцчшщъь]й(?![аеёєиіїоуюя])|^[бвгджзклмнптфхцчшщ]{3,}$"
)
#: The capitals of a Mac become these, and signs before the rest of their word.
MAC_CAPITALS = frozenset("ЂЃЉЊЌЋЏ")
SIGN_FOR_CAPITAL = re.compile(r"(?<![^\s,;|-])(?:[…†‡€‰•™›”’–—]|[„“‘](?![^\n]*[’”“]))[а-яёіїєґў]")
#: Signs that Cyrillic text has. Others, such as box drawings, show that the encoding is another one.
CYRILLIC_SIGNS = frozenset("\xa0«»–—‘’„“”…№°§")
#: A sign in the place of a letter. Quotes, dashes and dots may touch a letter, some signs on one side only.
CYRILLIC_LETTER = "[\u0400-\u04ff]"
SIGN_FOR_LETTER = re.compile(
    rf"{CYRILLIC_LETTER}[^\x00-\x7f\w\xa0«»–—‘’„“”…™®©]|[^\x00-\x7f\w\xa0«»–—‘’„“”…№§°]{CYRILLIC_LETTER}"
    rf"|{CYRILLIC_LETTER}[™®©„]{CYRILLIC_LETTER}|[А-Я]…{CYRILLIC_LETTER}"
    # Belarusian has this letter behind vowels only. It is the Ukrainian i of IBM 1125, read in IBM 866.
    "|[бвгджзйклмнпрстфхцчшщьъ]ў"
)


def east_asian_likeness(text: str, kind: EastAsian) -> float:
    """Return the share of letters that are frequent in the language; 0 if many are not even common."""
    letters = Counter(character for character in text if character > "\x7f" and character.isalpha())
    encoded = [(letter.encode(kind.encoding), times) for letter, times in letters.items()]
    common = sum(times for code, times in encoded if kind.common.fullmatch(code))
    frequent = sum(times for letter, times in letters.items() if letter in kind.frequent)
    total = letters.total()
    return frequent / total if total >= FEWEST_PAIRS and common >= COMMON_SHARE * total else 0


def is_cyrillic(text: str) -> bool:
    """True if words are wholly Cyrillic, begin with their capitals and have vowels, and signs are usual."""
    words = [word for word in WORD.findall(text) if not word.isascii()]
    good = [word for word in words if _is_cyrillic_word(word)]
    letters = Counter("".join(good).lower())
    total = letters.total()
    vowels, eastern, southern, ukrainian, others = (
        sum(letters[letter] for letter in some)
        for some in (VOWELS, EAST_SLAVIC, SOUTH_SLAVIC, UKRAINIAN, NOT_UKRAINIAN)
    )
    capitals = [word[0] for word in words if word[0].isupper()]
    mac_capitals = sum(1 for capital in capitals if capital in MAC_CAPITALS)
    odd_signs = sum(
        1
        for character in text
        if character > "\x7f" and not character.isalpha() and character not in CYRILLIC_SIGNS
    )
    return (
        total >= FEWEST_LETTERS
        and 10 * len(good) >= 9 * len(words)
        and 0.3 * total <= vowels <= 0.6 * total
        and 20 * odd_signs <= total
        and 50 * min(eastern, southern) <= total
        and 50 * min(ukrainian, others) <= total
        and (not mac_capitals or 2 * mac_capitals < len(capitals))
        and 10 * len(SIGN_FOR_CAPITAL.findall(text)) <= len(words)
        and not SIGN_FOR_LETTER.search(text)
    )


def _is_cyrillic_word(word: str) -> bool:
    is_cased = word.isupper() or word[1:].islower() or len(word) == 1
    return (
        is_cased
        and not IMPOSSIBLE.search(word.lower())
        and all(unicodedata.name(letter).startswith("CYRILLIC") for letter in set(word))
    )

"""Whether a text, read in a guessed encoding, looks like a language that is written in it.

Bytes of one encoding are often valid in others, so a text that decodes proves little.
These tests look for what only the right reading has.
"""

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass

FEWEST_LETTERS = 6
TOKEN = re.compile(r'[^\s,;|"]+')
WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class EastAsian:
    """An encoding with two bytes for most letters."""

    encoding: str
    #: The letters that make up nearly all of any text: kana, Hangul, the common ideographs.
    common: re.Pattern[bytes]
    #: Those of them that stand for rare letters, or none, in other encodings of the same bytes.
    telling: re.Pattern[bytes]


EAST_ASIAN = tuple(
    EastAsian(encoding, re.compile(common, re.DOTALL), re.compile(telling, re.DOTALL))
    for encoding, common, telling in (
        ("cp932", rb"[\x82\x83\x88-\x98].", rb".."),
        ("euc_jp", rb"[\xa3-\xa5\xb0-\xcf].", rb"[\xa4\xa5\xc9-\xcf]."),
        ("gb18030", rb"[\xa3\xb0-\xd7].", rb"[\xc9-\xd7]."),
        ("cp950", rb"[\xa2-\xc6].", rb".[@-~]"),
        ("cp949", rb"[\xa3\xb0-\xc8].", rb".."),
    )
)
COMMON_SHARE = 0.9
TELLING_SHARE = 0.15

CYRILLIC = ("cp1251", "koi8_r", "koi8_u", "cp866", "iso8859_5")
VOWELS = frozenset("аеёиоуыэюяіїєў")
#: Letters of the East Slavic languages and Bulgarian, and letters of the South Slavic ones. No text has both.
EAST_SLAVIC, SOUTH_SLAVIC = frozenset("ыэюяйщъ"), frozenset("ђѓќћџљњѕ")
#: Signs that Cyrillic text has. Others, such as box drawings, show that the encoding is another one.
CYRILLIC_SIGNS = frozenset("\xa0«»–—‘’„“”…№°§")

WESTERN = "cp1252"
#: So few say nothing: some words are one accented letter.
FEWEST_ACCENTS = 2
SIGN = "[‚ƒ„“”†‡ˆ‰‹›•˜™\xa0-\xa9\xab-\xaf\xb1\xb3\xb4\xb6\xb8\xb9\xbb-\xbf×÷]"
#: What hardly any Western word holds: a sign between letters, two signs, a capital with an accent between
#: small letters, or three letters with accents side by side.
NOT_WESTERN = re.compile(
    rf"[^\W\d_]{SIGN}[^\W\d_]|{SIGN}{{2}}|[a-z][ŠŒŽŸÀ-ÖØ-Þ][a-z]|[ŠŒŽšœžŸÀ-ÖØ-öø-ÿ]{{3}}"
)


def is_east_asian(text: str, kind: EastAsian) -> bool:
    """True if nearly all letters are common ones, and enough of them are telling."""
    letters = Counter(character for character in text if character > "\x7f" and character.isalpha())
    encoded = [(letter.encode(kind.encoding), times) for letter, times in letters.items()]
    common = sum(times for code, times in encoded if kind.common.fullmatch(code))
    telling = sum(times for code, times in encoded if kind.telling.fullmatch(code))
    total = letters.total()
    return total >= FEWEST_LETTERS and common >= COMMON_SHARE * total and telling >= TELLING_SHARE * total


def is_cyrillic(text: str) -> bool:
    """True if words are wholly Cyrillic, begin with their capitals and have vowels, and signs are usual."""
    words = [word for word in WORD.findall(text) if not word.isascii()]
    good = [word for word in words if _is_cyrillic_word(word)]
    letters = Counter("".join(good).lower())
    total = letters.total()
    vowels, eastern, southern = (
        sum(letters[letter] for letter in some) for some in (VOWELS, EAST_SLAVIC, SOUTH_SLAVIC)
    )
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
    )


def _is_cyrillic_word(word: str) -> bool:
    is_cased = word.isupper() or word[1:].islower() or len(word) == 1
    return is_cased and all(unicodedata.name(letter).startswith("CYRILLIC") for letter in set(word))


def is_western(text: str) -> bool:
    """True if letters with accents are fewer than others, and few words could not be Western ones."""
    words = [token for token in TOKEN.findall(text) if not token.isascii()]
    odd = sum(1 for word in words if NOT_WESTERN.search(word))
    accented = sum(1 for character in text if character > "\x7f" and character.isalpha())
    plain = sum(1 for character in text if character.isascii() and character.isalpha())
    return bool(words) and 10 * odd <= len(words) and accented <= plain + FEWEST_ACCENTS

"""Judges whether the letters of a text, read as Windows-1252, are those of a Western language.

Other Latin alphabets use the same bytes for other letters: `Toruń` becomes `Toruñ`. But
a letter has its place: ñ stands before vowels, and ð is beside other Icelandic letters.
"""

import re

#: The places of each letter in the words of Western languages. Where its byte means a letter of another
#: alphabet, it stands elsewhere.
PLACES = {
    "ñ": "ñ(?=[aeiouáéíóúü])",
    # Portuguese. Hungarian and Maltese have õ elsewhere, and so has Estonian: see below.
    "õ": "õ(?=e)",
    "ã": r"ã(?=[oei]|s?(?!\w))",
    "ç": r"ç(?=[aouàáâãóôõúûü]|s?(?!\w))",
    # Before a vowel, and behind `o`, it is the č of Slovenian and Lithuanian.
    "è": r"(?<!\w)è(?=res?(?!\w)|ve(?!\w)|(?!\w))|(?<=\w)(?<![aeoyáíúý])(?<![^\Wq]u)è(?![aeiouyáéíóúý])"
    r"|oè(?=[mt]|(?!\w))",
    # Polish has ê in the place of ę.
    "ê": r"(?<!i)ê(?![dgkwz]|c(?!h)|s[^\Ws])|iê(?=n[cst])",
    "ò": "(?<!e)ò",
    "ì": r"ì(?!\w)",
    "ù": r"ù(?!\w)",
    # Two dots mark a vowel that is spoken apart from the one before.
    "ë": "(?<=[aeiouyéíóúàâçè])ë",
    "ï": "(?<=[aeouéà])ï",
    "ª": r"(?<=[0-9.])ª|(?<!\w)m?ª(?!\w)|(?<=\bm)ª",
    # Czech has ø in the place of ř, beside other accents, and Lithuanian and Esperanto have other letters.
    "ø": r"(?<![áéíóúýì])(?<![áéíóúýì]\w)(?<![áéíóúýì]\w\w)(?<!i)ø(?![aou]|e[^nr\W])(?!\w{0,2}[áéíóúýìè])",
    # Polish and South Slavic languages have æ in the place of ć.
    "æ": r"(?<![aeiouyèêóñœ])(?<![èêóñœ]\w)(?:(?<=\w)|(?!æ[ei]))æ"
    r"(?!a|u(?!s(?!\w))|o(?![ln]))(?!\w{0,2}[èêóñœ])",
    "œ": "œ(?=u|il|[cdnst][aeéèioty])",
}
PLACED = {letter: re.compile(place) for letter, place in PLACES.items()}
#: How many of ten letters may stand elsewhere.
MOST_ELSEWHERE = 1

ICELANDIC, FAROESE = frozenset("áðéíóúýþæö"), frozenset("áðíóúýæø")
ESTONIAN = frozenset("äöõüšžåé")
#: Letters that Turkish, Baltic, Welsh and Esperanto words have in place of others.
NORTHERN, NORTHERN_ONLY = frozenset("ðþý"), frozenset("áíóú")
#: Icelandic has þ before vowels and few consonants.
THORN_ELSEWHERE = re.compile("þ(?![aeiouyáéíóúýæörvj])")
#: Czech, Slovak and South Slavic words have these beside š and ž.
HACEKS, NOT_BESIDE_HACEKS = frozenset("šž"), frozenset("àèæøìòïùêñ")
#: French letters that look like no Hungarian or Baltic letter, and û where Hungarian never has it.
FRENCH, FRENCH_U = frozenset("àèêçëœù"), re.compile("oû")
#: Letters that are those of Romanian and Latvian as well, and where French and Portuguese have them.
SHARED, NOT_SHARED = frozenset("âîûã"), re.compile("oû|[ao]î|ã[oe]|â(?:t|ch|ge)|îm|île")


def has_western_letters(text: str) -> bool:
    """True if nearly all letters stand where Western languages have them, and beside those that they have."""
    text = text.lower()
    letters = {character for character in text if character > "\x7f" and character.isalpha()}
    if letters & NORTHERN:
        is_one_language = letters <= ICELANDIC or letters <= FAROESE
        return is_one_language and bool(letters & NORTHERN_ONLY) and not THORN_ELSEWHERE.search(text)
    if _stand_elsewhere("õ", text):
        return letters <= ESTONIAN and "ä" in letters
    return (
        not any(_stand_elsewhere(letter, text) for letter in letters & PLACED.keys())
        and not (letters & HACEKS and letters & NOT_BESIDE_HACEKS)
        and not ("û" in letters and not (letters & FRENCH or FRENCH_U.search(text)))
        and not (letters and letters <= SHARED and not NOT_SHARED.search(text))
    )


def _stand_elsewhere(letter: str, text: str) -> bool:
    total = text.count(letter)
    return 10 * (total - len(PLACED[letter].findall(text))) > MOST_ELSEWHERE * total

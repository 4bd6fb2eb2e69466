"""Decides if a text, read as Windows-1252, was written in it.

All bytes but five are characters of Windows-1252, so bytes of any other encoding can
be read in it: `Müller` of a Mac becomes `MŸller`. A word is odd if no Western language
has it: a sign stands where a letter must be, or a letter where none can be. Few words of
a text may be odd, none may be wrong, and some must be such as hardly come from another encoding.
"""

import re

from app.processors.alphabets import has_western_letters

ENCODING = "cp1252"
#: ISO-8859-15 has the euro where Windows-1252 has `¤`, which nobody writes.
LATIN_9, CURRENCY = "iso8859_15", "¤"
#: This few accented letters say nothing: some words are one accented letter.
FEWEST_ACCENTS = 2
CELL = re.compile(r'[^\t\r\n,;|"]+')
ASCII_WORD = re.compile("(?<![^ ])[A-Za-z]{2,}(?![^ ])")
CAPITAL, SMALL = "ŠŒŽŸÀ-ÖØ-Þ", "šœžß-öø-ÿ"
ACCENTED, LETTER = f"[{CAPITAL}{SMALL}]", f"[A-Za-z{CAPITAL}{SMALL}]"
#: Words of one letter. They say something only among other words.
LONE = "àáåèéíóöøÀÁÅÈÉÍÓÖØ"
NO_LETTER_BEFORE, NO_LETTER_BEHIND = f"(?<!{LETTER})", f"(?!{LETTER})"

#: Signs that are the same in all code pages of Windows, where the letters that other encodings have
#: in their place make no sense.
SAME = re.compile(
    f"(?<=[a-z])[™®]{NO_LETTER_BEHIND}|(?<![^ ])•(?=[ \\xa0]?[A-Za-z]{{3}})|(?<![^ ])[a-z]×[a-z](?![^ ])"
)
ODD = re.compile(
    "|".join(
        (
            # Signs that touch no letter, or do not follow one, or do not stand before one.
            f"{LETTER}[ƒˆ˜†‡‰•¢£¤¥¦¨¬¯¸×÷±¼½¾§¶„‚‹¡¿©]",
            f"[ƒˆ˜†‡‰•¢£¤¥¦¨¬¯¸×÷±¼½¾€™®¹]{LETTER}",
            # Hardly any sign stands between letters; a dash does only between long words.
            f"{LETTER}[‹›«»“”„‚‘…™®ª]{{1,2}}{LETTER}",
            f"{LETTER}µ|µ(?!(?:[mgslLFAVWJNTC]|Hz|mol|Sv){NO_LETTER_BEHIND}){LETTER}",
            f"{LETTER}[–—]{LETTER}{{1,2}}{NO_LETTER_BEHIND}|{NO_LETTER_BEFORE}{LETTER}{{1,2}}[–—]{LETTER}",
            f"[¡¿](?!{LETTER}|[0-9“«‘(])",
            # Kilo-euros and millions, degrees, squares and numbers.
            f"(?<![kKMT])(?<!Mio)(?<!Mrd){LETTER}€(?<![kKMT]€)(?<!Mio€)(?<!Mrd€)",
            f"(?<![nN])°[^\\W\\d_](?<![CFKNSWOE])|°[CFKNSWOE]{LETTER}|{LETTER}°(?<![nN]°)",
            f"[²³]{LETTER}(?<!m[²³].)|{LETTER}º{LETTER}|º(?![CF]{NO_LETTER_BEHIND}){LETTER}",
            # Signs side by side, but for quotes, dashes and dots.
            "[ƒˆ˜†‡‰•¡¢£¤¥¦¨¬®¯±´µ¶¸¹¼½¾¿×÷]{2}",
            # A capital within a word, three accents side by side, nothing but accents, a rare lone letter.
            f"[a-z{SMALL}][{CAPITAL}]|{LETTER}[{CAPITAL}][a-z{SMALL}]",
            f"{ACCENTED}{{3}}|{NO_LETTER_BEFORE}{ACCENTED}{{2,}}{NO_LETTER_BEHIND}",
            f"{NO_LETTER_BEFORE}(?![{LONE}]){ACCENTED}{NO_LETTER_BEHIND}",
            # A fixed blank within a word, the low quotes and letters that the ä and á of DOS become.
            rf"{LETTER}\xa0(?:[b-df-hj-np-tv-xz]{NO_LETTER_BEHIND}|§(?![ \xa0]?[0-9]))",
            rf"{NO_LETTER_BEFORE}[B-DF-HJ-NP-TV-Z]\xa0[a-z]|„„|‚‚|aä|uä{NO_LETTER_BEHIND}|l[áú]l[aei]",
            "[áéíóú][âêîôû]",
            # A letter behind a number, but for French ones such as 3ème.
            f"[0-9](?![èé]){ACCENTED}|{NO_LETTER_BEFORE}(?!Ø){ACCENTED}[0-9]",
            # The letters that the sharp s, the accents and the i of other encodings become.
            f"[aA]á|(?:[eu]|ro)á{NO_LETTER_BEHIND}|(?:ei|ie|au)á|{NO_LETTER_BEFORE}ç(?![aouàAOU])",
            f"{NO_LETTER_BEFORE}(?![oO])[A-Za-z]’(?!t{NO_LETTER_BEHIND})[b-df-gj-np-tv-xz][a-z]",
        )
    )
)
#: The signs of Windows-1252, read in ISO-8859-15.
CONTROL = re.compile(r"[\x80-\x9f]")
UNIT = "(?:[cdhkmnN]?m|mc|ft|in|yd|CO|[xyrnRabs])"
#: One of these is too many: a sign that nothing but a letter of another encoding puts there.
WRONG = re.compile(
    "|".join(
        (
            # Between two letters; a dot only beside short words, where `à` may stand.
            f"{LETTER}[ƒˆ˜†‡‰•¢£¥¦¨¬¯¸÷±¼½¾§¶„‚‹›«»“”‘™®ª€©¡¿²³¹º]{LETTER}(?<!m[²³].)",
            f"{LETTER}(?<![a-z]{{2}})…[a-z]|[a-z]…{LETTER}{{1,2}}{NO_LETTER_BEHIND}",
            # Behind a letter, or before one.
            f"{LETTER}[ƒˆ˜‰¨¬¯¸¼½¾§¶„‚‹¡¿]|[a-z][•¢£¥]|[ƒˆ˜¢¨¬¯¸¶]{LETTER}|[¼½¾](?!kg|lb|ml|oz)[a-z]{{2}}",
            # A capital of a Mac's code page, and its dashes near the end of a word.
            f"[a-z{SMALL}][ŠŒŽŸ]|{LETTER}[ŠŒŽŸ][a-z{SMALL}]|[a-z]{{2}}[–—][a-z]{{1,2}}{NO_LETTER_BEHIND}",
            # Raised digits behind a word that is not a unit.
            f"{NO_LETTER_BEFORE}(?!{UNIT}[²³]|[nNVB]º){LETTER}+[²³¹º]",
        )
    )
)
GOOD = re.compile(
    "|".join(
        (
            "[A-Za-z][À-ÖØ-öø-ÿ]|[À-ÖØ-öø-ÿ][A-Za-z]",
            "[Œœ]u|[Œœ]il",
            # Apostrophes of English, and of French and Italian.
            f"[A-Za-z]{{2}}’(?:s|t|d|m|re|ve|ll){NO_LETTER_BEHIND}|I’(?:d|m|ve|ll){NO_LETTER_BEHIND}",
            f"{NO_LETTER_BEFORE}(?:[cdjlmnstCDJLMNST]|[Qq]u|[Dd]ell|[Aa]ll|[Nn]ell|[Uu]n)’[aeiouhyAEIOUHYÀ-öø-ÿœ]{LETTER}|O’[A-Z][a-z]",
            # Quotes that have a partner.
            "[„“”«»‹›‚‘¡¿]",
            # Signs beside numbers, units, or alone.
            r"(?<![^0-9(/+\- \xa0])[€£°©–—½¼¾](?![^0-9)/.:+\-%!? \xa0])",
            r"§[ \xa0]?[0-9]|[kKMTo]€|[nN][°º]|°[CFKNSWOE]",
            "[0-9][²³ªº¼½¾¢×%–—][0-9]?|[¥±×][0-9]|m[²³]|Mª|µ[A-Za-z]|l·l",
        )
    )
)
#: Each of these signs needs one of the others in the same line.
PARTNERS = {
    "„": "“”",
    "“": "„”",
    "”": "„“",
    "‚": "‘’",
    "‘": "‚’",
    "«": "»",
    "»": "«",
    "‹": "›",
    "›": "‹",
    "¡": "!",
    "¿": "?",
}


def is_western(text: str) -> bool:
    """True if no word is wrong, few are odd, some are good, and letters are Western, few with accents."""
    if CONTROL.search(text):
        return False
    words = odd = good = 0
    for line in text.splitlines():
        alone = _signs_without_partner(line)
        for cell in CELL.findall(line):
            if cell.isascii():
                continue
            is_good = GOOD.search(cell) is not None or SAME.search(cell) is not None
            has_ascii_word = ASCII_WORD.search(cell) is not None
            for token in cell.split(" "):
                if token.isascii():
                    continue
                words += 1
                rest = SAME.sub(" ", token)
                if WRONG.search(rest):
                    return False
                if ODD.search(rest) or not alone.isdisjoint(token):
                    odd += 1
                elif is_good or (token in LONE and has_ascii_word):
                    good += 1
    accented = sum(1 for character in text if character > "\x7f" and character.isalpha())
    plain = sum(1 for character in text if character.isascii() and character.isalpha())
    return good > 0 and 10 * odd <= words and accented <= plain + FEWEST_ACCENTS and has_western_letters(text)


def _signs_without_partner(line: str) -> set[str]:
    """Return the quotes of a line that are not opened or not closed; two that are alike are partners."""
    return {
        sign
        for sign, partners in PARTNERS.items()
        if sign in line and line.count(sign) % 2 and not any(partner in line for partner in partners)
    }

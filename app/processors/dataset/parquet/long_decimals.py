"""Decimals of 39 to 76 digits, which DuckDB has no type for, as text.

Parquet holds such a number as a whole number of up to 32 bytes. They are taken as
eight numbers of 32 bits, summed up in five digits to the base of 10^19.
"""

LONGEST_BYTES = 32
LIMBS = 8
LIMB = 2**32
BASE_DIGITS = 19
BASE = 10**BASE_DIGITS
DIGITS = 5


def decimal_text(sql: str, scale: int) -> str:
    """Return SQL for the text of a BLOB, most significant byte first, with `scale` digits after the point."""
    is_negative = f"(hex({sql})[1] >= '8')"
    full = f"lpad(hex({sql}), {2 * LONGEST_BYTES}, CASE WHEN {is_negative} THEN 'F' ELSE '0' END)"
    limbs = ", ".join(_limb(full, is_negative, place) for place in range(LIMBS))
    digits = f"list_transform([[{limbs}]], lambda limbs: {_digits('limbs')})[1]"
    padded = f"list_transform([{digits}], lambda whole: {_padded('whole', scale)})[1]"
    pointed = f"list_transform([{padded}], lambda whole: {_pointed('whole', scale)})[1]"
    text = f"CASE WHEN {is_negative} THEN '-' ELSE '' END || {pointed}"
    too_long = f"error('a decimal takes more than {LONGEST_BYTES} bytes')"
    return f"CASE WHEN octet_length({sql}) > {LONGEST_BYTES} THEN {too_long} ELSE {text} END"


def _limb(full: str, is_negative: str, place: int) -> str:
    """Return SQL for 32 bits of the number without its sign; the last one takes the 1 of two's complement."""
    bits = f"CAST(CAST('0x' || substr({full}, {8 * place + 1}, 8) AS UBIGINT) AS HUGEINT)"
    one = int(place == LIMBS - 1)
    return f"CASE WHEN {is_negative} THEN {LIMB - 1 + one} - {bits} ELSE {bits} END"


def _digits(limbs: str) -> str:
    pieces: list[str] = []
    total = "0::HUGEINT"
    for digit in range(DIGITS):
        parts = [
            f"{limbs}[{place + 1}] * {LIMB ** (LIMBS - 1 - place) // BASE**digit % BASE}::HUGEINT"
            for place in range(LIMBS)
        ]
        total = f"({' + '.join([total, *parts])})"
        pieces.insert(0, f"lpad(CAST({total} % {BASE}::HUGEINT AS VARCHAR), {BASE_DIGITS}, '0')")
        total = f"{total} // {BASE}::HUGEINT"
    return " || ".join(pieces)


def _padded(whole: str, scale: int) -> str:
    """Return SQL for the digits without zeros before them, but for one before the point."""
    longest = f"greatest(length(ltrim({whole}, '0')), {scale + 1})"
    return f"lpad(ltrim({whole}, '0'), CAST({longest} AS INTEGER), '0')"


def _pointed(whole: str, scale: int) -> str:
    if not scale:
        return whole
    return f"left({whole}, length({whole}) - {scale}) || '.' || right({whole}, {scale})"

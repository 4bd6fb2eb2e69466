"""How numbers and booleans are written, and when a double gives back their text."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from app.processors.dataset.engine import literal
from app.processors.dataset.forms.form import NOTHING, Form, sql_of

AMBIGUOUS_NUMBER = "ambiguous_number"
WHOLE = "(?:0|[1-9][0-9]*)"
EXPONENT = "(?:[eE][+-]?[0-9]+)?"
#: A number whose point cannot be a mark between groups of three digits.
DECIMAL_POINT = rf"[+-]?(?:(?:0|[0-9]{{4,}})\.[0-9]+|[0-9]+\.(?:[0-9]{{1,2}}|[0-9]{{4,}})){EXPONENT}"
DECIMAL_POINT_WITH_EXPONENT = r"[+-]?[0-9]+\.[0-9]+[eE][+-]?[0-9]+"
#: Apostrophes and fixed blanks between groups of three digits.
OTHER_GROUP_MARKS = ("'", "\u2019", "\u00a0", "\u202f")
BETWEEN_GROUPS = f"[. {''.join(OTHER_GROUP_MARKS)}]"
DECIMAL_COMMA = (
    "-?(?:(?:0|[0-9]{4,}),[0-9]+|[0-9]+,(?:[0-9]{1,2}|[0-9]{4,})"
    f"|[0-9]{{1,3}}(?:{BETWEEN_GROUPS}[0-9]{{3}})+,[0-9]+)"
)
GROUPS_OF_THREE = f"[+-]?[0-9]{{1,3}}(?:(?:,|{BETWEEN_GROUPS})[0-9]{{3}})+"

# A double gives back any 15 significant digits, if it is not near the ends of its range. Many longer texts
# give the same double, so it must be known which of them is meant: with a known number of decimals, the
# double written with as many; else the shortest text.
DIGITS = "rtrim(ltrim(regexp_replace({}, '[eE].*|[^0-9]', '', 'g'), '0'), '0')"
CELL_DIGITS, SHORTEST_DIGITS = DIGITS.format("{n}"), DIGITS.format("CAST({v} AS VARCHAR)")
IS_SHORTEST = f"{CELL_DIGITS} = {SHORTEST_DIGITS}"
IS_WRITTEN_TO_PLACES = f"""
    CASE WHEN regexp_matches({{n}}, '[eE]') THEN {IS_SHORTEST}
         ELSE format('{{{{:.<places>f}}}}', {{v}}) = ltrim({{n}}, '+') END
"""
DOUBLE_IS_EXACT = """
    CASE WHEN abs({{v}}) BETWEEN 1e-300 AND 1e300 THEN
           CASE WHEN strlen({{n}}) <= 15 THEN true ELSE {of_long_numbers} END
         WHEN {{v}} = 0 THEN NOT regexp_matches({{n}}, '^[^eE]*[1-9]')
         ELSE false END
"""
SHORTEST_IS_EXACT = DOUBLE_IS_EXACT.format(
    of_long_numbers=f"CASE WHEN CAST({{v}} AS VARCHAR) = {{n}} THEN true ELSE {IS_SHORTEST} END"
)
# Three quick proofs that most cells pass. Only the others need the one above. No two decimals of at most
# 15 digits are one double, and it costs less to print a decimal than a double.
MOST_PLACES = 14
SHORT_DECIMAL = "CAST(TRY_CAST({{v}} AS DECIMAL(15, {places})) AS VARCHAR) = {{t}}"
PRINTED = "{v} BETWEEN -1e300 AND 1e300 AND CAST({v} AS VARCHAR) = {n}"
PRINTED_SHORTER = (
    "CAST({v} AS VARCHAR) = {n} || '.0'"
    " OR ({v} BETWEEN -1e300 AND 1e300 AND CAST({v} AS VARCHAR) = {n} AND NOT suffix({n}, '.0'))"
)

INTEGER = Form(
    type="integer",
    pattern="0|-?[1-9][0-9]{0,18}",
    value="TRY_CAST({t} AS BIGINT)",
    proof="CAST({v} AS VARCHAR) = {t}",
)
# Parquet has no integer of 128 bits: DuckDB would write it as a rounded double.
LONG_INTEGER = Form(
    type="integer",
    pattern="0|-?[1-9][0-9]{0,37}",
    value="TRY_CAST({t} AS DECIMAL(38, 0))",
    proof="CAST({v} AS VARCHAR) = {t}",
)
BOOLEAN = Form(
    type="boolean",
    pattern="[tT][rR][uU][eE]|[fF][aA][lL][sS][eE]",
    value="TRY_CAST({t} AS BOOLEAN)",
    proof="lower({t}) IN ('true', 'false')",
)


def number_forms(cell: str, decimal_commas: bool, marks: Sequence[str] = ()) -> tuple[Form, ...]:
    """Return the forms of numbers, the strictest first, with as many decimals as this cell has.

    `marks` are the marks between groups of digits to think of besides points and blanks.
    """
    point, comma = (re.search(f"{mark}([0-9]+)", cell) for mark in (r"\.", ","))
    places = len(point[1]) if point else None
    return _forms(places, len(comma[1]) if comma else None, decimal_commas, tuple(marks))


@lru_cache(maxsize=128)
def _forms(
    behind_point: int | None, behind_comma: int | None, decimal_commas: bool, marks: tuple[str, ...]
) -> tuple[Form, ...]:
    forms = [INTEGER, LONG_INTEGER]
    if behind_point:
        quick = SHORT_DECIMAL.format(places=behind_point) if behind_point <= MOST_PLACES else "false"
        exact = rf"[+-]?{WHOLE}\.[0-9]{{{behind_point}}}{EXPONENT}"
        forms.append(_number(exact, decimals=behind_point, usually=quick))
    # The two ways in which most programs print doubles: with `.0` behind whole numbers, or without.
    mixed = rf"[+-]?{WHOLE}(?:\.(?:0|[0-9]*[1-9]){EXPONENT}|[eE][+-]?[0-9]+)"
    forms.append(_number(mixed, decimals="mixed", usually=PRINTED))
    shorter = rf"-?{WHOLE}(?:\.[0-9]*[1-9])?{EXPONENT}"
    forms.append(_number(shorter, decimals="mixed", usually=PRINTED_SHORTER))
    groupings = list(_groupings(marks))
    if behind_comma:
        forms += [
            _comma_number(rf"-?{whole},[0-9]{{{behind_comma}}}", behind_comma, mark, decimal_commas)
            for mark, whole in groupings
        ]
    return (
        *forms,
        *(
            _comma_number(rf"-?{whole}(?:,[0-9]*[1-9])?", "mixed", mark, decimal_commas)
            for mark, whole in groupings
        ),
    )


def _groupings(marks: Sequence[str]) -> Iterator[tuple[str | None, str]]:
    yield None, WHOLE
    for mark, pattern in ((".", r"\."), *((mark, mark) for mark in (" ", *marks))):
        yield mark, f"(?:0|[1-9][0-9]{{0,2}}(?:{pattern}[0-9]{{3}})*)"


def _number(pattern: str, *, decimals: int | str, usually: str = "false") -> Form:
    """Return a form of numbers; `usually` is SQL for a quick proof that most cells pass."""
    return Form(
        type="number",
        pattern=pattern,
        value="TRY_CAST({t} AS DOUBLE)",
        proof=_double_proof(pattern, decimals, usually),
        evidence=f"{DECIMAL_POINT}|{DECIMAL_POINT_WITH_EXPONENT}",
        doubt=AMBIGUOUS_NUMBER,
        suspicion=GROUPS_OF_THREE,
        told={"decimals": decimals},
    )


def _double_proof(pattern: str, decimals: int | str, usually: str = "false") -> str:
    """Return SQL in nested CASEs: DuckDB computes the later branches for no other cells."""
    is_exact = SHORTEST_IS_EXACT
    if isinstance(decimals, int):
        to_places = IS_WRITTEN_TO_PLACES.replace("<places>", str(decimals))
        is_exact = DOUBLE_IS_EXACT.format(of_long_numbers=to_places)
    return (
        f"CASE WHEN {usually} THEN true WHEN regexp_full_match({{t}}, {sql_of(pattern)})"
        f" THEN {is_exact} ELSE false END"
    )


def _comma_number(pattern: str, decimals: int | str, mark: str | None, decimal_commas: bool) -> Form:
    without_mark = f"replace({{t}}, {literal(mark)}, '')" if mark else "{t}"
    return Form(
        type="number",
        pattern=pattern,
        value="TRY_CAST({n} AS DOUBLE)",
        normalised=f"replace({without_mark}, ',', '.')",
        proof=_double_proof(pattern, decimals),
        evidence=DECIMAL_COMMA if decimal_commas else NOTHING,
        doubt=AMBIGUOUS_NUMBER,
        suspicion=GROUPS_OF_THREE,
        told={"decimals": decimals, "decimal_mark": ",", "thousands_mark": mark},
    )

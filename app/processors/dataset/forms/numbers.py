"""How numbers and booleans are written, and when a double gives back their text."""

import re
from collections.abc import Iterator

from app.processors.dataset.engine import literal
from app.processors.dataset.forms.form import NOTHING, Form, sql_of

AMBIGUOUS_NUMBER = "ambiguous_number"
WHOLE = "(?:0|[1-9][0-9]*)"
EXPONENT = "(?:[eE][+-]?[0-9]+)?"
#: A number whose point cannot be a mark between groups of three digits.
DECIMAL_POINT = rf"[+-]?(?:(?:0|[0-9]{{4,}})\.[0-9]+|[0-9]+\.(?:[0-9]{{1,2}}|[0-9]{{4,}})){EXPONENT}"
DECIMAL_POINT_WITH_EXPONENT = r"[+-]?[0-9]+\.[0-9]+[eE][+-]?[0-9]+"
DECIMAL_COMMA = (
    r"-?(?:(?:0|[0-9]{4,}),[0-9]+|[0-9]+,(?:[0-9]{1,2}|[0-9]{4,})|[0-9]{1,3}(?:[. ][0-9]{3})+,[0-9]+)"
)

GROUPS_OF_THREE = "[+-]?[0-9]{1,3}(?:[.,][0-9]{3})+"

# A double gives back any 15 significant digits. For 16 and 17, its shortest form or its first
# 17 digits must be those of the cell. Near the ends of its range it holds fewer.
DIGITS = "rtrim(ltrim(regexp_replace({}, '[eE].*|[^0-9]', '', 'g'), '0'), '0')"
CELL_DIGITS, SHORTEST_DIGITS = DIGITS.format("{n}"), DIGITS.format("CAST({v} AS VARCHAR)")
FIRST_17_DIGITS = DIGITS.format("format('{{:.16e}}', {v})")
DOUBLE_IS_EXACT = f"""
    CASE WHEN abs({{v}}) BETWEEN 1e-300 AND 1e300 THEN
           CASE WHEN strlen({{n}}) <= 15 THEN true
                WHEN CAST({{v}} AS VARCHAR) = {{n}} THEN true
                WHEN strlen({CELL_DIGITS}) <= 15 THEN true
                ELSE {CELL_DIGITS} IN ({SHORTEST_DIGITS}, {FIRST_17_DIGITS}) END
         WHEN {{v}} = 0 THEN NOT regexp_matches({{n}}, '^[^eE]*[1-9]')
         ELSE false END
"""
# Three quick proofs that most cells pass. Only the others need the one above.
MOST_PLACES = 14
SHORT_DECIMAL = "strlen({{t}}) <= 16 AND CAST(TRY_CAST({{t}} AS DECIMAL(18, {places})) AS VARCHAR) = {{t}}"
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


def number_forms(cell: str, decimal_commas: bool) -> Iterator[Form]:
    """Yield the forms of numbers, the strictest first, with as many decimals as this cell has."""
    yield INTEGER
    yield LONG_INTEGER
    if digits := re.search(r"\.([0-9]+)", cell):
        places = len(digits[1])
        quick = SHORT_DECIMAL.format(places=places) if places <= MOST_PLACES else "false"
        yield _number(rf"[+-]?{WHOLE}\.[0-9]{{{places}}}{EXPONENT}", decimals=places, usually=quick)
    # As most programs print doubles, with `.0` behind whole numbers or without.
    mixed = rf"[+-]?{WHOLE}(?:\.(?:0|[0-9]*[1-9]){EXPONENT}|[eE][+-]?[0-9]+)"
    yield _number(mixed, decimals="mixed", usually=PRINTED)
    yield _number(rf"-?{WHOLE}(?:\.[0-9]*[1-9])?{EXPONENT}", decimals="mixed", usually=PRINTED_SHORTER)
    if digits := re.search(",([0-9]+)", cell):
        places = len(digits[1])
        for mark, whole in _groupings():
            yield _comma_number(rf"-?{whole},[0-9]{{{places}}}", places, mark, decimal_commas)
    for mark, whole in _groupings():
        yield _comma_number(rf"-?{whole}(?:,[0-9]*[1-9])?", "mixed", mark, decimal_commas)


def _groupings() -> Iterator[tuple[str | None, str]]:
    yield None, WHOLE
    yield ".", r"(?:0|[1-9][0-9]{0,2}(?:\.[0-9]{3})*)"
    yield " ", r"(?:0|[1-9][0-9]{0,2}(?: [0-9]{3})*)"


def _number(pattern: str, *, decimals: int | str, usually: str = "false") -> Form:
    """Return a form of numbers; `usually` is SQL for a quick proof that most cells pass."""
    return Form(
        type="number",
        pattern=pattern,
        value="TRY_CAST({t} AS DOUBLE)",
        proof=_double_proof(pattern, usually),
        evidence=f"{DECIMAL_POINT}|{DECIMAL_POINT_WITH_EXPONENT}",
        doubt=AMBIGUOUS_NUMBER,
        suspicion=GROUPS_OF_THREE,
        told={"decimals": decimals},
    )


def _double_proof(pattern: str, usually: str = "false") -> str:
    """Return SQL in nested CASEs: DuckDB computes the later branches for no other cells."""
    return (
        f"CASE WHEN {usually} THEN true WHEN regexp_full_match({{t}}, {sql_of(pattern)})"
        f" THEN {DOUBLE_IS_EXACT} ELSE false END"
    )


def _comma_number(pattern: str, decimals: int | str, mark: str | None, decimal_commas: bool) -> Form:
    without_mark = f"replace({{t}}, {literal(mark)}, '')" if mark else "{t}"
    return Form(
        type="number",
        pattern=pattern,
        value="TRY_CAST({n} AS DOUBLE)",
        normalised=f"replace({without_mark}, ',', '.')",
        proof=_double_proof(pattern),
        evidence=DECIMAL_COMMA if decimal_commas else NOTHING,
        doubt=AMBIGUOUS_NUMBER,
        suspicion=GROUPS_OF_THREE,
        told={"decimals": decimals, "decimal_mark": ",", "thousands_mark": mark},
    )

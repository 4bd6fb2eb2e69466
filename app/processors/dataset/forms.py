"""The ways in which the cells of a column may be written, and the value that each gives.

A cell becomes a value only where the text can be written again from that value
and from what the profile says of the column; else the column stays text. The
only differences that count as none are

* zeros after the decimal point, if `decimals` says how many
* the exponent form of a number of at most 17 significant digits
* `+` before a number with a decimal point, and blanks around a number or a date
* the case of true and false, and `T` or a blank in a timestamp
* an offset from UTC, which `offset` names

A form is a pattern that every cell must match, and SQL for the value. Where the
pattern alone proves too little (are there days behind 12 in dd/mm/yyyy?), some
cell must also match the form's `evidence`.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from app.processors.dataset.engine import literal

BLANKS = " \t"
#: Matches no cell: the form can be suspected, but never proved.
NOTHING = r"[^\s\S]"
AMBIGUOUS_NUMBER = "ambiguous_number"
AMBIGUOUS_DATE = "ambiguous_date"

WHOLE = "(?:0|[1-9][0-9]*)"
EXPONENT = "(?:[eE][+-]?[0-9]+)?"
#: Neither the digits nor the group of three behind one mark could be a group of thousands.
DECIMAL_POINT = rf"[+-]?(?:(?:0|[0-9]{{4,}})\.[0-9]+|[0-9]+\.(?:[0-9]{{1,2}}|[0-9]{{4,}})){EXPONENT}"
DECIMAL_POINT_WITH_EXPONENT = r"[+-]?[0-9]+\.[0-9]+[eE][+-]?[0-9]+"
DECIMAL_COMMA = (
    r"-?(?:(?:0|[0-9]{4,}),[0-9]+|[0-9]+,(?:[0-9]{1,2}|[0-9]{4,})|[0-9]{1,3}(?:[. ][0-9]{3})+,[0-9]+)"
)

GROUPS_OF_THREE = "[+-]?[0-9]{1,3}(?:[.,][0-9]{3})+"

YEAR = "[1-9][0-9]{3}"
MONTH = "(?:0[1-9]|1[0-2])"
DAY = "(?:0[1-9]|[12][0-9]|3[01])"
BARE_MONTH = "(?:[1-9]|1[0-2])"
BARE_DAY = "(?:[1-9]|[12][0-9]|3[01])"
ISO_DAY = f"{YEAR}-{MONTH}-{DAY}"
MINUTES = "(?:[01][0-9]|2[0-3]):[0-5][0-9]"
SECONDS = f"{MINUTES}:[0-5][0-9]"
OFFSET = "(?:Z|[+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?)"
OFFSET_AT_THE_END = re.compile(rf":[0-9.]+({OFFSET})[ \t]*")
MICROSECOND_DIGITS = 6
WHOLE_SECONDS_LENGTH = len("2024-01-31 10:00:00")

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
# Three proofs that hold for most cells and take a fraction of the time.
MOST_PLACES = 14
SHORT_DECIMAL = "strlen({{t}}) <= 16 AND CAST(TRY_CAST({{t}} AS DECIMAL(18, {places})) AS VARCHAR) = {{t}}"
PRINTED = "{v} BETWEEN -1e300 AND 1e300 AND CAST({v} AS VARCHAR) = {n}"
PRINTED_SHORTER = (
    "CAST({v} AS VARCHAR) = {n} || '.0'"
    " OR ({v} BETWEEN -1e300 AND 1e300 AND CAST({v} AS VARCHAR) = {n} AND NOT suffix({n}, '.0'))"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """One way to write a value; `value` and `proof` are SQL, in which the braces stand for

    {t} the cell's text, {n} the text as DuckDB's casts expect it, {v} the value.
    """

    #: As in the profile: integer, number, boolean, date, timestamp, time or text.
    type: str
    #: A regular expression that Python and RE2 read alike; the whole cell must match.
    pattern: str
    value: str
    #: True for a cell that the value gives back; cells that are null need none.
    proof: str = ""
    normalised: str = "{t}"
    #: What some cell must match; empty if the pattern is proof enough.
    evidence: str = ""
    #: What the profile says of a column in which every cell fits but none is evidence,
    #: if some cell matches `suspicion`.
    doubt: str = ""
    suspicion: str = ""
    #: Blanks around the cell are left out.
    trimmed: bool = False
    #: Entries of the column in the profile.
    told: dict[str, Any] = field(default_factory=dict)

    def fits(self, cells: Sequence[str]) -> bool:
        """True if every cell is written in this form."""
        match = _compiled(self.pattern).fullmatch
        return all(match(cell.strip(BLANKS) if self.trimmed else cell) for cell in cells)

    def is_proved_by(self, cells: Sequence[str]) -> bool:
        """True if these cells hold the evidence that the form needs."""
        if not self.evidence:
            return True
        match = _compiled(self.evidence).fullmatch
        return any(match(cell.strip(BLANKS) if self.trimmed else cell) for cell in cells)

    def value_sql(self, text: str) -> str:
        """Return SQL for the value of the cell whose text is the SQL `text`."""
        return self.value.format(t=self._text(text), n=self._normalised(text))

    def proof_sql(self, text: str, value: str) -> str:
        """Return SQL that is true if the cell is null or its value gives back its text."""
        proof = self.proof.format(t=self._text(text), n=self._normalised(text), v=value)
        return f"({text} IS NULL OR ({proof}))" if proof else "true"

    def evidence_sql(self, text: str) -> str:
        """Return SQL that is true if the cell is evidence for the form."""
        return f"regexp_full_match({self._text(text)}, {literal(self.evidence)})" if self.evidence else "true"

    def suspicion_sql(self, text: str) -> str:
        """Return SQL that is true if the cell makes the column doubtful."""
        return f"regexp_full_match({self._text(text)}, {literal(self.suspicion)})" if self.doubt else "false"

    def _text(self, text: str) -> str:
        return f"trim({text}, {literal(BLANKS)})" if self.trimmed else text

    def _normalised(self, text: str) -> str:
        return self.normalised.format(t=self._text(text))


FindForms = Callable[[Sequence[str]], list[Form]]

#: Every cell is kept as it is written.
TEXT = Form(type="text", pattern=r"[\s\S]*", value="{t}")
#: No cell seen yet holds anything.
EMPTY = Form(type="text", pattern=NOTHING, value="{t}", proof="{t} IS NULL")

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


def possible_forms(cells: Sequence[str], *, decimal_commas: bool) -> list[Form]:
    """Return the forms that all these cells fit, the best first; TEXT is always the last.

    `decimal_commas` is false where the comma separates the columns.
    """
    if not cells:
        return [EMPTY]
    return _fitting(cells, [*_numbers(cells[0], decimal_commas), BOOLEAN, *_moments(cells[0])])


def moment_forms(cells: Sequence[str]) -> list[Form]:
    """Return the forms that strings of JSON fit, which are never numbers."""
    return _fitting(cells, [*_moments(cells[0])]) if cells else [EMPTY]


def json_number_forms(cells: Sequence[str]) -> list[Form]:
    """Return the forms that numbers of JSON fit, in which a point needs no other proof."""
    if not cells:
        return [EMPTY]
    return [replace(form, evidence="") for form in _fitting(cells, [*_numbers(cells[0], False)])]


def _fitting(cells: Sequence[str], forms: Sequence[Form]) -> list[Form]:
    if any(cell != cell.strip(BLANKS) for cell in cells):
        forms = [replace(form, trimmed=True) for form in forms]
    return [*(form for form in forms if form.fits(cells)), TEXT]


def with_blanks(forms: Sequence[Form]) -> list[Form]:
    """Return the forms, each followed by its twin that leaves out blanks around the cell."""
    twins = (
        [form] if form.trimmed or form is TEXT else [form, replace(form, trimmed=True)] for form in forms
    )
    return [form for some in twins for form in some]


def _numbers(cell: str, decimal_commas: bool) -> Iterator[Form]:
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
        f"CASE WHEN {usually} THEN true WHEN regexp_full_match({{t}}, {_sql(pattern)})"
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


def _moments(cell: str) -> Iterator[Form]:
    yield Form(
        type="date",
        pattern=ISO_DAY,
        value="TRY_CAST({t} AS DATE)",
        # The length keeps out `infinity`, which is a date to DuckDB.
        proof="strlen({t}) = 10 AND CAST({v} AS VARCHAR) = {t}",
    )
    digits = re.search(r":[0-9]{2}\.([0-9]{1,9})", cell)
    offset = OFFSET_AT_THE_END.search(cell)
    yield from _iso_timestamps(len(digits[1]) if digits else 0, offset[1] if offset else "")
    yield from _times(len(digits[1]) if digits else 0)
    for day, named, proved in _day_orders():
        yield _strptime("date", day, named, proved)
        yield _strptime("timestamp", f"{day} {MINUTES}", f"{named} %H:%M", proved and f"{proved} .*")
        yield _strptime("timestamp", f"{day} {SECONDS}", f"{named} %H:%M:%S", proved and f"{proved} .*")


def _iso_timestamps(digits: int, offset: str) -> Iterator[Form]:
    offsets = [("", None)] if not offset else [(re.escape(offset), offset), (OFFSET, "mixed")]
    for pattern, named in offsets:
        yield _iso_timestamp(f"{SECONDS}", pattern, named, 0)
        if digits:
            yield _iso_timestamp(rf"{SECONDS}\.[0-9]{{{digits}}}", pattern, named, digits)
        for most in (MICROSECOND_DIGITS, 9):
            yield _iso_timestamp(
                rf"{SECONDS}(?:\.[0-9]{{0,{most - 1}}}[1-9])?", pattern, named, "mixed", most
            )
        yield _iso_timestamp(MINUTES, pattern, named, None)
    yield Form(
        type="timestamp",
        pattern=f"{ISO_DAY}(?:[T ]{SECONDS})?",
        value="TRY_CAST({t} AS TIMESTAMP)",
        # A time that is left out is midnight: then no midnight may be written out.
        proof=f"regexp_full_match({{t}}, {_sql(f'{ISO_DAY}(?:[T ]{SECONDS})?')}) AND {{v}} IS NOT NULL"
        " AND NOT suffix({t}, '00:00:00')",
        told={"decimals": 0, "format": "%Y-%m-%d[ %H:%M:%S]"},
    )


def _iso_timestamp(
    clock: str, offset: str, named: str | None, decimals: int | str | None, most: int | None = None
) -> Form:
    pattern = f"{ISO_DAY}[T ]{clock}{offset}"
    nanoseconds = (most or decimals or 0) not in range(MICROSECOND_DIGITS + 1)
    kind = ("TIMESTAMPTZ" if named else "TIMESTAMP") + ("_NS" if nanoseconds else "")
    length = WHOLE_SECONDS_LENGTH + (decimals + 1 if isinstance(decimals, int) and decimals else 0)
    usually = "false"
    if not named and isinstance(decimals, int):
        usually = f"strlen({{t}}) = {length} AND CAST({{v}} AS VARCHAR) = replace({{t}}, 'T', ' ')"
    told: dict[str, Any] = {"decimals": decimals, "offset": named}
    if decimals is None:
        told["format"] = "%Y-%m-%d %H:%M"
    return Form(
        type="timestamp",
        pattern=pattern,
        value=f"TRY_CAST({{t}} AS {kind})",
        proof=f"CASE WHEN {usually} THEN true"
        f" ELSE regexp_full_match({{t}}, {_sql(pattern)}) AND {{v}} IS NOT NULL END",
        told=told,
    )


def _times(digits: int) -> Iterator[Form]:
    if digits > MICROSECOND_DIGITS:
        return
    pattern = rf"{SECONDS}\.[0-9]{{{digits}}}" if digits else SECONDS
    yield Form(
        type="time",
        pattern=pattern,
        value="TRY_CAST({t} AS TIME)",
        proof=f"regexp_full_match({{t}}, {_sql(pattern)}) AND {{v}} IS NOT NULL",
        told={"decimals": digits},
    )


def _day_orders() -> Iterator[tuple[str, str, str]]:
    """Yield the pattern of a day, its format, and what proves that day and month stand in this order.

    Between points the day comes first (DIN 5008), which needs no proof.
    """
    yield f"{YEAR}/{MONTH}/{DAY}", "%Y/%m/%d", ""
    later = "(?:1[3-9]|2[0-9]|3[01])"
    for month, day, zeros in ((MONTH, DAY, ""), (BARE_MONTH, BARE_DAY, "-")):
        yield rf"{day}\.{month}\.{YEAR}", f"%{zeros}d.%{zeros}m.%Y", ""
        for mark in "/-":
            yield f"{day}{mark}{month}{mark}{YEAR}", f"%{zeros}d{mark}%{zeros}m{mark}%Y", f"{later}{mark}.*"
            yield (
                f"{month}{mark}{day}{mark}{YEAR}",
                f"%{zeros}m{mark}%{zeros}d{mark}%Y",
                f"[0-9]+{mark}{later}{mark}.*",
            )


def _strptime(kind: str, pattern: str, named: str, evidence: str) -> Form:
    moment = f"try_strptime({{t}}, {literal(named.replace('%-', '%'))})"
    return Form(
        type=kind,
        pattern=pattern,
        value=f"CAST({moment} AS DATE)" if kind == "date" else moment,
        proof=f"regexp_full_match({{t}}, {_sql(pattern)}) AND {{v}} IS NOT NULL",
        evidence=evidence,
        doubt=AMBIGUOUS_DATE if evidence else "",
        suspicion=pattern,
        told={"format": named},
    )


def _sql(pattern: str) -> str:
    """Return a SQL string whose braces survive `str.format`."""
    return literal(pattern).replace("{", "{{").replace("}", "}}")


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)

"""How dates, timestamps and times are written."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from app.processors.dataset.engine import literal
from app.processors.dataset.forms.form import Form, sql_of

AMBIGUOUS_DATE = "ambiguous_date"
YEAR = "[1-9][0-9]{3}"
#: The years of a day that nothing proves, since such a text may be a version such as 6.1.7601.
LIKELY_YEAR = "(?:1[5-9]|2[01])[0-9]{2}"
MONTH = "(?:0[1-9]|1[0-2])"
DAY = "(?:0[1-9]|[12][0-9]|3[01])"
BARE_MONTH = "(?:[1-9]|1[0-2])"
BARE_DAY = "(?:[1-9]|[12][0-9]|3[01])"
ISO_DAY = f"{YEAR}-{MONTH}-{DAY}"
MINUTES = "(?:[01][0-9]|2[0-3]):[0-5][0-9]"
SECONDS = f"{MINUTES}:[0-5][0-9]"
OFFSET = "(?:Z|[+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?)"
OFFSET_AT_THE_END = re.compile(rf":[0-9.]+({OFFSET}) *")
MICROSECOND_DIGITS = 6
WHOLE_SECONDS_LENGTH = len("2024-01-31 10:00:00")


def forms_of_moments(cell: str) -> tuple[Form, ...]:
    """Return the forms of dates and times, with the decimals and the offset that this cell has."""
    digits = re.search(r":[0-9]{2}\.([0-9]{1,9})", cell)
    offset = OFFSET_AT_THE_END.search(cell)
    return _forms(len(digits[1]) if digits else 0, offset[1] if offset else "")


@lru_cache(maxsize=128)
def _forms(digits: int, offset: str) -> tuple[Form, ...]:
    return (
        Form(
            type="date",
            pattern=ISO_DAY,
            value="TRY_CAST({t} AS DATE)",
            # The length keeps out `infinity`, which is a date to DuckDB.
            proof="strlen({t}) = 10 AND CAST({v} AS VARCHAR) = {t}",
        ),
        *_iso_timestamps(digits, offset),
        *_times(digits),
        *_dates_in_other_orders(),
    )


def _dates_in_other_orders() -> Iterator[Form]:
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
        proof=f"regexp_full_match({{t}}, {sql_of(f'{ISO_DAY}(?:[T ]{SECONDS})?')}) AND {{v}} IS NOT NULL"
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
        f" ELSE regexp_full_match({{t}}, {sql_of(pattern)}) AND {{v}} IS NOT NULL END",
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
        proof=f"regexp_full_match({{t}}, {sql_of(pattern)}) AND {{v}} IS NOT NULL",
        told={"decimals": digits},
    )


def _day_orders() -> Iterator[tuple[str, str, str]]:
    """Yield the pattern of a day, its format, and what proves that day and month stand in this order.

    Between points the day is assumed to come first (DIN 5008), if the years are likely ones.
    """
    yield f"{YEAR}/{MONTH}/{DAY}", "%Y/%m/%d", ""
    later = "(?:1[3-9]|2[0-9]|3[01])"
    for month, day, zeros in ((MONTH, DAY, ""), (BARE_MONTH, BARE_DAY, "-")):
        for year in (YEAR, LIKELY_YEAR):
            yield rf"{day}\.{month}\.{year}", f"%{zeros}d.%{zeros}m.%Y", rf"{later}\..*"
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
        proof=f"regexp_full_match({{t}}, {sql_of(pattern)}) AND {{v}} IS NOT NULL",
        evidence=evidence,
        doubt=AMBIGUOUS_DATE if evidence else "",
        suspicion=pattern,
        is_assumed=LIKELY_YEAR in pattern,
        told={"format": named},
    )

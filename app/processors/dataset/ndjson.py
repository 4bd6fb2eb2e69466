"""Newline-delimited JSON into Parquet: every line that is not blank holds one object.

DuckDB reads numbers as doubles before anybody sees their text. So the raw lines are
searched first for numbers that a double would change. A text without them, and
without keys that DuckDB renames, is read by DuckDB; any other is read line by line
(json_rows) and its numbers are proved like the cells of a CSV. In a long text one search
also shows that all rows are like the first ones, so that DuckDB need not infer types from all.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import duckdb
from duckdb import DuckDBPyConnection

from app.domain.errors import InvalidPayload, ProblemCode
from app.processors.dataset.cells import ReadColumn, TextColumn
from app.processors.dataset.columns import Column, refuse_too_wide, unique_names
from app.processors.dataset.engine import describe, identifier, literal
from app.processors.dataset.forms import FindForms, json_number_forms, moment_forms
from app.processors.dataset.forms.form import Form
from app.processors.dataset.forms.numbers import BOOLEAN, SHORTEST_IS_EXACT
from app.processors.dataset.json_rows import count_objects, rewrite_as_texts
from app.processors.dataset.parquet.parts import COLUMNS_AT_ONCE
from app.processors.dataset.proof import LONGEST_VALUE_CHARACTERS, write_proved

SAMPLE_ROWS = 2_000
#: The sample of a wide table has fewer rows.
SAMPLE_CELLS = 2_000_000
INFERRED = "map_inference_threshold = -1, maximum_depth = 2"
#: DuckDB infers types on one thread, so they are inferred from the first rows if all are shaped like them.
FIRST_ROWS, ALL_ROWS = 20_480, -1
#: Each line is a row by its keys. DuckDB guesses it otherwise, and wrongly where few rows have any key.
ROWS = "records = true"
#: Types that DuckDB gives to the strings of JSON; all but the first lose how they were written.
STRINGS = ("VARCHAR", "UUID", "DATE", "TIME", "TIMESTAMP", '"NULL"')
NUMBERS = re.compile("BIGINT|UBIGINT|DOUBLE|BOOLEAN")
SIXTEEN_DIGITS = "|".join(f"[0-9]{{{whole}}}[.][0-9]{{{16 - whole},}}" for whole in range(1, 16))
#: Numbers that a double may change: of 16 digits or more, with a last zero behind other decimals, with an
#: exponent, and -0. Texts that are not JSON match too.
DOUBTFUL = (
    r"[:,\[]\s*(?:"
    rf"-?(?:[0-9]{{16,}}(?:[.][0-9]+)?|{SIXTEEN_DIGITS}|[0-9]+[.][0-9]+0)(?:[eE][-+]?[0-9]+)?\b"
    r"|-?[0-9.]+[eE][-+]?[0-9]+"
    r"|-0[,}\]\s]"
    r"|-?(?i:nan|inf))"
    r"|,\s*[}\]]"
)
#: The characters that may stand before a number in JSON. To cut them off is quicker than a capturing group.
BEFORE = ":,[ \t\n\r"
LONG_INTEGER = "-?[0-9]{16,18}"
SHORT_EXPONENT = "[eE][-+]?[0-9]{1,2}"
SHORTEST_DECIMAL = rf"-?[0-9]+(?:[.](?:0|[0-9]*[1-9])(?:{SHORT_EXPONENT})?|{SHORT_EXPONENT})"
#: Values of each type in which DuckDB changes nothing. Not all of them: the numbers have at most 15 digits.
WHOLE_NUMBER = "-?[1-9][0-9]{0,14}|0"
DECIMAL = "-?(?:[0-9]{1,9}[.](?:0|[0-9]{0,5}[1-9])|[0-9]{1,3}[.][0-9]{0,11}[1-9])"
SHAPES = {
    "VARCHAR": r'"(?:[^"\\]|\\.)*"',
    "BIGINT": WHOLE_NUMBER,
    "DOUBLE": f"{DECIMAL}|{WHOLE_NUMBER}",
    "BOOLEAN": "true|false",
}
#: The pattern of more columns takes longer to match than DuckDB takes to infer the types.
MOST_COLUMNS_OF_A_SHAPE = 100
RENAMED = re.compile(r"(.*)_\d+", re.DOTALL)
#: The one column of objects without any key.
WHOLE = "json"

BY_DUCKDB = Form(type="", pattern="", value="{t}")
#: Numbers as DuckDB prints them, all with a point or whole ones without: the rule of `numbers`.
DOUBLES = [
    Form(
        type="number",
        pattern="",
        value="CAST({t} AS DOUBLE)",
        proof=proof,
        told={"decimals": "mixed"},
    )
    for proof in ("contains({t}, '.') OR contains({t}, 'e')", "NOT suffix({t}, '.0')")
]
#: The form of a column that holds both, such as 1.0 and 1.
BOTH = Form(type="", pattern="", value="{t}")
JSON = Form(type="json", pattern="", value="CAST({t} AS JSON)")
FORMS_OF: dict[str, FindForms] = {
    "string": moment_forms,
    "number": json_number_forms,
    "boolean": lambda _: [BOOLEAN],
    "json": lambda _: [JSON],
}
#: The forms of columns by the types that DuckDB read them as.
READ_AS: dict[str, FindForms] = {"VARCHAR": moment_forms, "DOUBLE": lambda _: [*DOUBLES, BOTH]}


@dataclass(frozen=True, slots=True)
class NdjsonRead:
    """How the text was understood."""

    rows: int
    columns: Sequence[ReadColumn]
    #: The keys in the file, where the names had to be changed.
    original_names: Sequence[str | None]


def ndjson_to_parquet(
    connection: DuckDBPyConnection, text: Path, target: Path, scratch: Path, *, unit: str = "Line"
) -> NdjsonRead:
    """Read UTF-8 text into `target`.

    Values that are objects or lists become JSON text, and so do the values of a key
    whose rows disagree. Raises InvalidPayload with the first line (or another
    `unit`) that is not one JSON object, and duckdb.Error.
    """
    expected = count_objects(text, unit)
    read = _read_by_duckdb(connection, text, target, expected)
    if read is None or read.rows != expected:
        read = _read_by_python(connection, text, target, scratch, unit)
    if read.rows != expected:
        detail = f"Only {read.rows} of {expected} rows can be read."
        raise InvalidPayload(ProblemCode.INVALID_CONTENT, detail)
    return read


def _read_by_duckdb(
    connection: DuckDBPyConnection, text: Path, target: Path, expected: int
) -> NdjsonRead | None:
    """Return None where DuckDB refuses the text or would change something in it."""
    try:
        found = _shaped_like_first_rows(connection, text) if expected > FIRST_ROWS else None
        found = found or _inferred_from_all_rows(connection, text)
        if found is None or _may_be_renamed(found):
            return None
        types = [_stored_type(column) for column in found]
        named = ", ".join(
            f"{literal(column.name)}: {literal('VARCHAR' if kind == 'DOUBLE' else kind)}"
            for column, kind in zip(found, types, strict=True)
        )
        cells = ", ".join(f"{identifier(column.name)} AS t{place}" for place, column in enumerate(found))
        source = f"(SELECT {cells} FROM {_read_json(text, f'{ROWS}, columns = {{{named}}}')})"
        columns = _typed_columns(connection, source, found, types)
        rows, read = write_proved(connection, source, columns, target)
    except duckdb.Error:
        return None
    if any(column.form is BOTH for column in read):
        return None
    return NdjsonRead(rows, read, [None] * len(read))


def _shaped_like_first_rows(connection: DuckDBPyConnection, text: Path) -> list[Column] | None:
    """Return the columns of the first rows, or None if not all rows are known to be shaped like them."""
    found = _inferred(connection, text, FIRST_ROWS)
    shape = _shape_of(found)
    if shape is None:
        return None
    other = f"NOT regexp_full_match(json, {literal(shape)})"
    query = f"SELECT json FROM read_ndjson_objects({literal(text)}) WHERE {other} LIMIT 1"
    return None if connection.execute(query).fetchone() else found


def _shape_of(columns: Sequence[Column]) -> str | None:
    """Return the pattern of an object with some of these keys, in their order, and values of their types.

    None if there is none for a type, or if it takes too long to match.
    """
    keys = [re.escape(json.dumps(column.name, ensure_ascii=False)) for column in columns]
    values = [SHAPES.get(_stored_type(column)) for column in columns]
    if None in values or len(columns) > MOST_COLUMNS_OF_A_SHAPE:
        return None
    members = (
        rf"(?:{key}\s*:\s*(?:{value}|null)\s*(?:,\s*|[}}]$))?"
        for key, value in zip(keys, values, strict=True)
    )
    return rf"[{{]\s*{''.join(members)}"


def _inferred_from_all_rows(connection: DuckDBPyConnection, text: Path) -> list[Column] | None:
    """Return the columns, or None if DuckDB would change a number."""
    doubtful = _doubtful_numbers(connection, text)
    if doubtful.changed:
        return None
    found = _inferred(connection, text, ALL_ROWS)
    types = [_stored_type(column) for column in found]
    is_changed = (doubtful.long_integers and "DOUBLE" in types) or (
        doubtful.altered_exponents and "JSON" in types
    )
    return None if is_changed else found


def _inferred(connection: DuckDBPyConnection, text: Path, rows: int) -> list[Column]:
    found = describe(connection, _read_json(text, f"{INFERRED}, sample_size = {rows}"))
    refuse_too_wide(len(found))
    return found


class Doubtful(NamedTuple):
    """The traits of a text's numbers that keep DuckDB from reading it."""

    #: True if a double would change some number.
    changed: bool
    long_integers: bool
    #: True if there are exponents as in 1e2 and 1.0e-2, which DuckDB writes as 100.0 and 0.01 inside a value.
    altered_exponents: bool


def _doubtful_numbers(connection: DuckDBPyConnection, text: Path) -> Doubtful:
    exact = SHORTEST_IS_EXACT.format(n="t", v="number")
    query = f"""
        SELECT coalesce(bool_or(CASE
                   WHEN is_long THEN false
                   WHEN regexp_full_match(t, {literal(SHORTEST_DECIMAL)}) THEN NOT ({exact})
                   ELSE true END), false),
               coalesce(bool_or(is_long), false),
               coalesce(bool_or(regexp_matches(t, '0[eE]') OR
                                regexp_matches(t, '[eE]') AND number = trunc(number)), false)
        FROM (SELECT ltrim(token, {literal(BEFORE)}) AS t, TRY_CAST(t AS DOUBLE) AS number,
                     regexp_full_match(t, {literal(LONG_INTEGER)}) AS is_long
              FROM (SELECT unnest(regexp_extract_all(json, {literal(DOUBTFUL)})) AS token
                    FROM read_ndjson_objects({literal(text)})))
    """
    return Doubtful(*(connection.execute(query).fetchone() or (True, True, True)))


def _typed_columns(
    connection: DuckDBPyConnection, source: str, found: Sequence[Column], types: Sequence[str]
) -> list[TextColumn]:
    texts = [place for place, kind in enumerate(types) if kind == "VARCHAR"]
    cells = _sample(connection, source, texts)
    return [
        TextColumn(
            name=column.name,
            cells=cells.get(place, []),
            find_forms=READ_AS.get(kind, _by_duckdb),
        )
        for place, (column, kind) in enumerate(zip(found, types, strict=True))
    ]


def _read_by_python(
    connection: DuckDBPyConnection, text: Path, target: Path, scratch: Path, unit: str
) -> NdjsonRead:
    texts = scratch / "texts.ndjson"
    found = rewrite_as_texts(text, texts, unit)
    keys = [column.key for column in found]
    types = ", ".join(f"'{place}': 'VARCHAR'" for place in range(len(found)))
    cells = ", ".join(f'"{place}" AS t{place}' for place in range(len(found)))
    source = f"(SELECT {cells} FROM {_read_json(texts, f'{ROWS}, columns = {{{types}}}')})"
    sample = _sample(connection, source, range(len(found)))
    names = unique_names(keys, len(keys))
    columns = [
        TextColumn(name=name, cells=sample[place], find_forms=FORMS_OF[column.kind])
        for place, (name, column) in enumerate(zip(names, found, strict=True))
    ]
    rows, read = write_proved(connection, source, columns, target)
    originals = [key if key != name else None for key, name in zip(keys, names, strict=True)]
    return NdjsonRead(rows, read, originals)


def _sample(connection: DuckDBPyConnection, source: str, places: Sequence[int]) -> dict[int, list[str]]:
    """Return the filled cells of the first rows, by the place of their column."""
    found: dict[int, list[str]] = {}
    most = min(SAMPLE_ROWS, SAMPLE_CELLS // max(len(places), 1))
    for start in range(0, len(places), COLUMNS_AT_ONCE):
        some = places[start : start + COLUMNS_AT_ONCE]
        cells = ", ".join(f"left(t{place}, {LONGEST_VALUE_CHARACTERS})" for place in some)
        rows = connection.execute(f"SELECT {cells} FROM {source} LIMIT {most}").fetchall()
        for number, place in enumerate(some):
            found[place] = [row[number] for row in rows if row[number] is not None]
    return found


def _by_duckdb(_: Sequence[str]) -> list[Form]:
    return [BY_DUCKDB]


def _stored_type(column: Column) -> str:
    if column.type.startswith(STRINGS):
        return "VARCHAR"
    if column.type == "HUGEINT":
        # DuckDB takes positive and negative integers together for HUGEINT. An integer that is too long for
        # BIGINT makes it refuse the text.
        return "BIGINT"
    return column.type if NUMBERS.fullmatch(column.type) else "JSON"


def _may_be_renamed(columns: Sequence[Column]) -> bool:
    """True where DuckDB may have renamed a key (of two that differ only in case) or found none."""
    names = {column.name.casefold() for column in columns}
    if columns == [Column.of(WHOLE, "JSON")]:
        return True
    matches = (RENAMED.fullmatch(name) for name in names)
    return any(match and match[1] in names for match in matches)


def _read_json(text: Path, options: str) -> str:
    return f"read_json({literal(text)}, format = 'newline_delimited', {options})"

"""Columns of text into typed Parquet, with a proof for every cell.

The scan that writes the file reads each cell as text, casts it, and fails if a
value does not give back its text. Then one more scan finds out which columns
failed, another which of their possible forms hold for every cell, and the file is
written again. No value is ever changed because a sample looked different.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import duckdb
from duckdb import DuckDBPyConnection

from app.processors.dataset.engine import identifier, literal, write_parquet
from app.processors.dataset.forms import FindForms, with_blanks
from app.processors.dataset.forms.form import EMPTY, TEXT, Form

COLUMNS_AT_ONCE = 25
#: Cells that are looked at when the sample held none.
FIRST_CELLS = 1_000
#: No value is longer; of longer texts a sample needs no more.
LONGEST_VALUE_CHARACTERS = 100
Key = TypeVar("Key")
NOT_PROVED = "a cell is not in the form of its column"


@dataclass(frozen=True, slots=True, kw_only=True)
class TextColumn:
    """A column before its type is known: its name, and the cells of a sample that are not null."""

    name: str
    cells: Sequence[str]
    #: Return the forms that such cells fit, the best first.
    find_forms: FindForms

    def possible_forms(self) -> list[Form]:
        return self.find_forms(self.cells)


@dataclass(frozen=True, slots=True)
class ReadColumn:
    """How a column was read, as entries of the profile."""

    form: Form
    doubts: tuple[str, ...] = ()

    def told(self) -> dict[str, Any]:
        return {**self.form.told, "flags": list(self.doubts)}


def written(columns: Sequence[ReadColumn], original_names: Sequence[str | None]) -> list[dict[str, Any]]:
    """Return what the profile says of how each column was written."""
    return [
        {**column.told(), "original_name": name} for column, name in zip(columns, original_names, strict=True)
    ]


def write_proved(
    connection: DuckDBPyConnection, source: str, columns: Sequence[TextColumn], target: Path
) -> tuple[int, list[ReadColumn]]:
    """Write the source's columns t0, t1, … to `target`; return the rows and how each column was read.

    `source` is SQL for a table whose columns are text. Raises duckdb.Error if it cannot be read.
    """
    chosen = [ReadColumn(column.possible_forms()[0]) for column in columns]
    unproved = [
        place
        for place, (column, read) in enumerate(zip(columns, chosen, strict=True))
        if not read.form.is_proved_by(column.cells)
    ]
    _decide(connection, source, columns, chosen, unproved)
    try:
        return write_parquet(connection, _query(source, columns, chosen), target, len(columns)), chosen
    except duckdb.InvalidInputException as error:
        if NOT_PROVED not in str(error):
            raise
    _decide(connection, source, columns, chosen, _failing(connection, source, chosen))
    return write_parquet(connection, _query(source, columns, chosen), target, len(columns)), chosen


def _query(source: str, columns: Sequence[TextColumn], chosen: Sequence[ReadColumn]) -> str:
    forms = [read.form for read in chosen]
    places = range(len(columns))
    values = ", ".join(f"{forms[place].value_sql(f't{place}')} AS v{place}" for place in places)
    texts = ", ".join(f"t{place}" for place in places if forms[place].proof)
    named = ", ".join(f"v{place} AS {identifier(columns[place].name)}" for place in places)
    proofs = [forms[place].proof_sql(f"t{place}", f"v{place}") for place in places if forms[place].proof]
    if not proofs:
        return f"SELECT {named} FROM (SELECT {values} FROM {source})"
    return (
        f"SELECT {named} FROM (SELECT {values}, {texts} FROM {source})"
        f" WHERE CASE WHEN {' AND '.join(proofs)} THEN true ELSE error({literal(NOT_PROVED)}) END"
    )


def _failing(connection: DuckDBPyConnection, source: str, chosen: Sequence[ReadColumn]) -> list[int]:
    """Return the places of the columns in which some cell has no proof."""
    proofs = {
        place: f"coalesce(bool_and({_proof(read.form, place)}), true)"
        for place, read in enumerate(chosen)
        if read.form.proof
    }
    return [place for place, holds in _aggregates(connection, source, proofs).items() if not holds]


def _decide(
    connection: DuckDBPyConnection,
    source: str,
    columns: Sequence[TextColumn],
    chosen: list[ReadColumn],
    places: Sequence[int],
) -> None:
    """Choose for these columns the first form that every cell of the file proves."""
    possible = {place: _others(connection, source, columns[place], chosen[place], place) for place in places}
    questions = {
        (place, rank): f"[coalesce(bool_and({_proof(form, place)}), true),"
        f" coalesce(bool_or({form.evidence_sql(f't{place}')}), false),"
        f" coalesce(bool_or({form.suspicion_sql(f't{place}')}), false)]"
        for place, forms in possible.items()
        for rank, form in enumerate(forms)
    }
    answers = _aggregates(connection, source, questions)
    for place, forms in possible.items():
        held = [
            (form, *answers[place, rank][1:]) for rank, form in enumerate(forms) if answers[place, rank][0]
        ]
        form, is_proved, _ = next(found for found in held if found[1] or found[0].is_assumed)
        doubts = {form.doubt for form, proved, suspected in held if suspected and not proved}
        chosen[place] = ReadColumn(form, tuple(sorted(doubts)) if form is TEXT or not is_proved else ())


def _others(
    connection: DuckDBPyConnection, source: str, column: TextColumn, read: ReadColumn, place: int
) -> list[Form]:
    """Return the forms that may still hold; a column empty in the sample gets a sample of its own."""
    if read.form is EMPTY:
        cell = f"left(t{place}, {LONGEST_VALUE_CHARACTERS})"
        query = f"SELECT {cell} FROM {source} WHERE t{place} IS NOT NULL LIMIT {FIRST_CELLS}"
        column = replace(column, cells=[cell for (cell,) in connection.execute(query).fetchall()])
    return with_blanks(column.possible_forms())


def _proof(form: Form, place: int) -> str:
    """Return SQL that is never null, since aggregates pass over nulls."""
    text = f"t{place}"
    return f"coalesce({form.proof_sql(text, form.value_sql(text))}, false)"


def _aggregates(
    connection: DuckDBPyConnection, source: str, expressions: Mapping[Key, str]
) -> dict[Key, Any]:
    """Return the value of each aggregate, a few of them per scan: many at once take much memory."""
    keys, found = list(expressions), dict[Key, Any]()
    for start in range(0, len(keys), COLUMNS_AT_ONCE):
        some = keys[start : start + COLUMNS_AT_ONCE]
        query = f"SELECT {', '.join(expressions[key] for key in some)} FROM {source}"
        found |= zip(some, connection.execute(query).fetchone() or (), strict=True)
    return found

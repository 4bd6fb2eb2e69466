"""Columns of text into typed Parquet, with a proof for every cell.

The scan that writes the file reads each cell as text, casts it, and fails if a
value does not give back its text. Then one more scan finds out which columns
failed, another which of their possible forms hold for every cell, and the file is
written again. No value is ever changed because a sample looked different.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import duckdb
from duckdb import DuckDBPyConnection

from app.processors.dataset.cells import ReadColumn, TextColumn, Texts
from app.processors.dataset.columns import Column
from app.processors.dataset.engine import describe, identifier, literal, write_parquet
from app.processors.dataset.forms import with_blanks
from app.processors.dataset.forms.form import EMPTY, TEXT, Form
from app.processors.dataset.parquet.parts import write_in_parts
from app.processors.dataset.part import Part
from app.processors.dataset.profile.counts import as_pairs

#: Columns that are asked alike, if there are enough of them, are asked in one question about pairs of
#: column and cell. Many questions in one query take much memory.
FEWEST_ALIKE, ALIKE_AT_ONCE = 5, 200
APART_AT_ONCE = 8
#: Columns of one form that are read as a list.
FEWEST_IN_A_LIST = 20
#: Cells that are looked at when the sample held none.
FIRST_CELLS = 1_000
#: No value is longer than this, so a sample needs no more of a longer text.
LONGEST_VALUE_CHARACTERS = 100
Made = TypeVar("Made")
NOT_PROVED = "a cell is not in the form of its column"


def write_proved(
    connection: DuckDBPyConnection, source: str, columns: Sequence[TextColumn], target: Path
) -> tuple[int, list[ReadColumn]]:
    """Write the columns to `target`; return the rows and how each column was read.

    `source` is SQL for a table that has the columns as the texts t0, t1, …
    Raises duckdb.Error if it cannot be read.
    """
    chosen, texts = _likely(columns), Texts(source)

    def write(places: range, path: Path) -> int:
        def copy() -> int:
            proved = _proved(texts, chosen, places)
            named = ", ".join(
                f"{proved.cells[place]} AS {identifier(columns[place].name)}" for place in places
            )
            return write_parquet(connection, f"SELECT {named} FROM {proved.source}", path, len(columns))

        return _with_proof(connection, texts, columns, chosen, places, copy)

    return write_in_parts(len(columns), target, write), chosen


def write_proved_lists(
    connection: DuckDBPyConnection, lists: Sequence[Texts], columns: Sequence[TextColumn], target: Path
) -> tuple[int, list[ReadColumn], list[Part]]:
    """Do the same for texts in lists; return their proved values too, which stay in memory.

    Each list holds columns that are written together.
    """
    chosen, parts = _likely(columns), list[Part]()
    for number, texts in enumerate(lists):
        put = partial(_put_in_memory, connection, texts, columns, chosen, f"proved_{number}")
        parts.append(_with_proof(connection, texts, columns, chosen, texts.listed or range(0), put))
    cells = [(part.source, cell) for part in parts for cell in part.cells]

    def write(places: range, path: Path) -> int:
        named = ", ".join(f"{cells[place][1]} AS {identifier(columns[place].name)}" for place in places)
        return write_parquet(connection, f"SELECT {named} FROM {cells[places.start][0]}", path, len(columns))

    return write_in_parts(len(columns), target, write), chosen, parts


def _put_in_memory(
    connection: DuckDBPyConnection,
    texts: Texts,
    columns: Sequence[TextColumn],
    chosen: Sequence[ReadColumn],
    table: str,
) -> Part:
    places = texts.listed or range(0)
    proved = _proved(texts, chosen, places, are_listed=True)
    query = f"SELECT {', '.join(proved.lists)} FROM {proved.source}"
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS {query}")
    types = {column.name: column.type.removesuffix("[]") for column in describe(connection, table)}
    type_of = {place: types[name] for name, some in proved.lists.items() for place in some}
    return Part.listed(
        [Column.of(columns[place].name, type_of[place]) for place in places],
        table,
        {name: [place - places.start for place in some] for name, some in proved.lists.items()},
    )


def _likely(columns: Sequence[TextColumn]) -> list[ReadColumn]:
    return [ReadColumn(next(column.possible_forms())) for column in columns]


def _with_proof(
    connection: DuckDBPyConnection,
    texts: Texts,
    columns: Sequence[TextColumn],
    chosen: list[ReadColumn],
    places: Sequence[int],
    make: Callable[[], Made],
) -> Made:
    """Return what `make` makes of these columns once the form chosen for each holds for all its cells."""
    unproved = [place for place in places if not chosen[place].form.is_proved_by(columns[place].cells)]
    _decide(connection, texts, columns, chosen, unproved)
    try:
        return make()
    except duckdb.InvalidInputException as error:
        if NOT_PROVED not in str(error):
            raise
    _decide(connection, texts, columns, chosen, _failing(connection, texts, chosen, places))
    return make()


@dataclass(frozen=True, slots=True)
class Proved:
    """SQL for values, which fails if a cell has no proof."""

    #: SQL for the rows, and SQL for the cell of each column in them.
    source: str
    cells: Mapping[int, str]
    #: The places of the columns in each list of values.
    lists: Mapping[str, Sequence[int]]


def _proved(
    texts: Texts, chosen: Sequence[ReadColumn], places: Sequence[int], *, are_listed: bool = False
) -> Proved:
    """Return SQL for the values of these columns. Those of one form are in a list if they are many."""
    cells, values, proofs = list[str](), list[str](), list[str]()
    named, lists = dict[int, str](), dict[str, Sequence[int]]()
    for number, some in enumerate(_alike(chosen, places)):
        form = chosen[some[0]].form
        if not are_listed and (len(some) < FEWEST_IN_A_LIST or not form.proof):
            cells += [texts.cell(place) for place in some]
            values += [f"{form.value_sql(f't{place}')} AS v{place}" for place in some]
            proofs += [form.proof_sql(f"t{place}", f"v{place}") for place in some if form.proof]
            named |= {place: f"v{place}" for place in some}
        else:
            # DuckDB plans the form once for all cells of a list, and the columns one by one.
            text, name = f"texts{number}", f"list{number}"
            cells.append(f"{texts.list_of(some)} AS {text}")
            values.append(f"list_transform({text}, lambda cell: {form.value_sql('cell')}) AS {name}")
            if form.proof:
                proof = form.proof_sql("pair[1]", "pair[2]")
                pairs = f"list_zip({text}, {name})"
                proofs.append(
                    f"list_bool_and(list_transform({pairs}, lambda pair: coalesce({proof}, false)))"
                )
            named |= {place: f"{name}[{at}]" for at, place in enumerate(some, start=1)}
            lists[name] = some
    source = f"(SELECT *, {', '.join(values)} FROM (SELECT {', '.join(cells)} FROM {texts.source}))"
    if proofs:
        source += f" WHERE CASE WHEN {' AND '.join(proofs)} THEN true ELSE error({literal(NOT_PROVED)}) END"
    return Proved(source, named, lists)


def _alike(chosen: Sequence[ReadColumn], places: Sequence[int]) -> list[list[int]]:
    """Return the places in groups, one for each form."""
    groups = dict[tuple[str, str], list[int]]()
    for place in places:
        form = chosen[place].form
        groups.setdefault((form.value_sql("t"), form.proof_sql("t", "v")), []).append(place)
    return list(groups.values())


def _failing(
    connection: DuckDBPyConnection, texts: Texts, chosen: Sequence[ReadColumn], places: Sequence[int]
) -> list[int]:
    """Return those of the places whose columns hold some cell without a proof."""
    forms = {place: [chosen[place].form] for place in places if chosen[place].form.proof}
    answers = _answers(connection, texts, forms)
    return [place for place, [(is_proved, *_)] in answers.items() if not is_proved]


def _decide(
    connection: DuckDBPyConnection,
    texts: Texts,
    columns: Sequence[TextColumn],
    chosen: list[ReadColumn],
    places: Sequence[int],
) -> None:
    """Choose for these columns the first form that every cell of the file proves."""
    possible = _possible_forms(connection, texts, columns, chosen, places)
    for place, answers in _answers(connection, texts, possible).items():
        held = [
            (form, has_evidence, is_suspect)
            for form, (is_proved, has_evidence, is_suspect) in zip(possible[place], answers, strict=True)
            if is_proved
        ]
        form, is_proved, _ = next(found for found in held if found[1] or found[0].is_assumed)
        doubts = {form.doubt for form, proved, suspected in held if suspected and not proved}
        chosen[place] = ReadColumn(form, tuple(sorted(doubts)) if form is TEXT or not is_proved else ())


def _possible_forms(
    connection: DuckDBPyConnection,
    texts: Texts,
    columns: Sequence[TextColumn],
    chosen: Sequence[ReadColumn],
    places: Sequence[int],
) -> dict[int, list[Form]]:
    """Return the forms that may still hold; columns empty in the sample get a sample of their own."""
    cells = dict[int, list[str]]()
    for some in _chunks([place for place in places if chosen[place].form is EMPTY], ALIKE_AT_ONCE):
        beginnings = (
            f"list_transform({texts.list_of(some)}, lambda cell: left(cell, {LONGEST_VALUE_CHARACTERS}))"
        )
        pairs = as_pairs(texts.source, some, beginnings)
        query = (
            f"SELECT place, min(value, {FIRST_CELLS}) FROM ({pairs}) WHERE value IS NOT NULL GROUP BY place"
        )
        cells |= {place: [] for place in some} | dict(connection.execute(query).fetchall())
    sampled = {
        place: replace(columns[place], cells=cells.get(place, columns[place].cells)) for place in places
    }
    return {place: with_blanks(column.possible_forms()) for place, column in sampled.items()}


def _answers(
    connection: DuckDBPyConnection, texts: Texts, forms: Mapping[int, Sequence[Form]]
) -> dict[int, list[tuple[bool, bool, bool]]]:
    """Tell of each column's forms if all cells prove it, if some is evidence, and if some is suspect.

    Columns with the same forms share a question, which DuckDB then plans once.
    """
    alike = dict[str, list[int]]()
    for place, possible in forms.items():
        alike.setdefault(_question(possible, "value"), []).append(place)
    found = dict[int, list[tuple[bool, bool, bool]]]()
    few = [place for places in alike.values() if len(places) < FEWEST_ALIKE for place in places]
    for some in _chunks(few, APART_AT_ONCE):
        questions = ", ".join(_question(forms[place], texts.cell(place)) for place in some)
        query = f"SELECT {questions} FROM {texts.source}"
        found |= zip(some, connection.execute(query).fetchone() or (), strict=True)
    for question, places in alike.items():
        for some in _chunks(places, ALIKE_AT_ONCE) if len(places) >= FEWEST_ALIKE else ():
            pairs = as_pairs(texts.source, some, texts.list_of(some))
            rows = connection.execute(f"SELECT place, {question} FROM ({pairs}) GROUP BY place").fetchall()
            # Without any row there is no cell that speaks against a form.
            nothing = [(True, False, False) for _ in forms[some[0]]]
            found |= dict.fromkeys(some, nothing) | dict(rows)
    return found


def _question(forms: Sequence[Form], text: str) -> str:
    """Return SQL for a list of answers; never null, since aggregates pass over nulls."""
    answers = (
        f"[coalesce(bool_and(coalesce({form.proof_sql(text, form.value_sql(text))}, false)), true),"
        f" coalesce(bool_or({form.evidence_sql(text)}), false),"
        f" coalesce(bool_or({form.suspicion_sql(text)}), false)]"
        for form in forms
    )
    return f"[{', '.join(answers)}]"


def _chunks(places: Sequence[int], most: int) -> Iterator[Sequence[int]]:
    return (places[start : start + most] for start in range(0, len(places), most))

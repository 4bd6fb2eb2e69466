"""A table of a seed and a number, and its bytes as CSV, TSV, NDJSON or a JSON array.

`written_table(seed, number)` always returns the same table. Two of five tables are
late: they have one hostile cell in each column, behind row 20,480. Leading forms
take turns, so that every form leads many tables.
"""

import csv
import gzip
import io
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from .columns import (
    FIRST_LATE_ROW,
    LATE_ROWS,
    PLAIN,
    TextColumn,
    early_column,
    late_column,
)
from .forms import FORMS, JSON_NUMBERS, JSON_VALUES, Family, Form

MEDIA_TYPES = {
    "csv": "text/csv",
    "tsv": "text/tab-separated-values",
    "ndjson": "application/x-ndjson",
    "json": "application/json",
    "parquet": "application/vnd.apache.parquet",
}
FORMATS = tuple(MEDIA_TYPES)
NAMES = ["name", "amount", "day", "id", "city", "count", "note", "price", "start", "code", "rate", "label"]
HOSTILE_NAMES = (
    "",
    "name",
    "Name",
    "2019",
    "2020",
    "1.5",
    "a b",
    'say "x"',
    "é",
    "select",
    "col\nbreak",
    "x,y",
)
ODD_KEYS = ("name", "Name", "NAME_1", "id_2", "id", "2019", "a.b", "", "é", "a b", "a\nb", 'q"x')
ABSENT = "absent"
NUMBER = re.compile(r"[0-9.]+")
ENCODINGS = ("utf-8",) * 8 + ("utf-8-sig", "utf-16")


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A column as it was written: texts in CSV and TSV, tokens in JSON, None for what is empty."""

    name: str
    cells: list[Any]
    label: str
    hostile: dict[int, Form]
    type: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    seed: int
    number: int
    format: str
    payload: bytes
    columns: list[Written]
    late: bool
    #: The reason why the table must be refused, if it must.
    refusal: str | None = None

    @property
    def media_type(self) -> str:
        return MEDIA_TYPES[self.format]

    @property
    def parameters(self) -> dict[str, str]:
        """Say that there is a header where a name is a number, since nobody could tell it from data."""
        is_text = self.format in ("csv", "tsv")
        names_a_number = any(NUMBER.fullmatch(column.name) for column in self.columns)
        return {"header": "present"} if is_text and names_a_number else {}


def is_late(number: int) -> bool:
    return number % 5 in (0, 2)


def written_table(seed: int, number: int) -> Table:
    from .parquet_tables import parquet_table  # noqa: PLC0415

    random = Random(f"{seed}-{number}")
    format_ = FORMATS[number // 5 % len(FORMATS)]
    late = is_late(number)
    make: Callable[[Random, int, bool], tuple[list[Written], bytes]] = {
        "csv": _csv_table,
        "tsv": _tsv_table,
        "ndjson": _ndjson_table,
        "json": _json_table,
        "parquet": parquet_table,
    }[format_]
    columns, payload = make(random, number, late)
    return Table(seed=seed, number=number, format=format_, payload=payload, columns=columns, late=late)


def leading_form(random: Random, number: int, place: int, allowed: Callable[[str], bool]) -> Form:
    """Return the form whose turn it is in the first column, and a random one in others."""
    form = FORMS[number * 7 % len(FORMS)] if place == 0 else random.choice(FORMS)
    while not allowed(form.text):
        form = random.choice(FORMS)
    return form


def text_columns(
    random: Random, number: int, late: bool, allowed: Callable[[str], bool] = lambda _: True
) -> list[TextColumn]:
    count = random.randint(1, 3) if late else random.randint(1, 8)
    rows = LATE_ROWS if late else random.choice((1, 2, 3, *range(5, 41)))
    columns = []
    for place in range(count):
        form = leading_form(random, number, place, allowed)
        column = late_column(random, form) if late else early_column(random, rows, form)
        columns.append(column)
    return columns


def _named(columns: Sequence[TextColumn], names: Sequence[str]) -> list[Written]:
    return [
        Written(name=name, cells=column.cells, label=column.label, hostile=column.hostile, type=column.type)
        for name, column in zip(names, columns, strict=True)
    ]


def _csv_table(random: Random, number: int, late: bool) -> tuple[list[Written], bytes]:
    columns = text_columns(random, number, late)
    written = _named(columns, _column_names(random, len(columns)))
    delimiter = "," if len(columns) == 1 else random.choice(",,,,;;\t|")
    text = io.StringIO(newline="")
    # Python's csv leaves a carriage return without quotes, and then refuses to read it.
    has_returns = any("\r" in (cell or "") for column in columns for cell in column.cells)
    is_quoted = random.choices((False, True), (4, 1))[0] or has_returns
    writer = csv.writer(
        text,
        delimiter=delimiter,
        quoting=csv.QUOTE_ALL if is_quoted else csv.QUOTE_MINIMAL,
        lineterminator=random.choice(("\r\n", "\n")),
    )
    writer.writerow([column.name for column in written])
    writer.writerows(zip(*(column.cells for column in written), strict=True))
    payload = text.getvalue().encode(random.choice(ENCODINGS))
    return written, gzip.compress(payload, 1) if random.random() < 0.1 else payload


def _tsv_table(random: Random, number: int, late: bool) -> tuple[list[Written], bytes]:
    """Write lines and tabs, without quotes (IANA text/tab-separated-values)."""
    columns = text_columns(random, number, late, lambda text: not set(text) & set("\t\n\r"))
    columns = [_without_breaks(column) for column in columns]
    names = [name.replace("\n", " ") for name in _column_names(random, len(columns))]
    written = _named(columns, names)
    rows = zip(*(column.cells for column in written), strict=True)
    lines = ["\t".join(names), *("\t".join(cell or "" for cell in row) for row in rows)]
    return written, ("\n".join(lines) + "\n").encode(random.choice(ENCODINGS))


def _without_breaks(column: TextColumn) -> TextColumn:
    """Return the column with line breaks and tabs taken out, which TSV cannot hold."""
    cells = [cell and cell.translate({9: "_", 10: "_", 13: "_"}) for cell in column.cells]
    return TextColumn(cells=cells, label=column.label, hostile=column.hostile, type=column.type)


def _column_names(random: Random, count: int) -> list[str]:
    if random.random() < 0.06 and count > 2:
        return ["name", *random.choices(HOSTILE_NAMES, k=count - 1)]
    return random.sample(NAMES, count)


def _ndjson_table(random: Random, number: int, late: bool) -> tuple[list[Written], bytes]:
    columns = _json_columns(random, number, late)
    return columns, "".join(f"{line}\n" for line in _objects(random, columns)).encode()


def _json_table(random: Random, number: int, late: bool) -> tuple[list[Written], bytes]:
    columns = _json_columns(random, number, late)
    separator = random.choice((",", ", ", ",\n", "\n  ,  "))
    return columns, f"[{separator.join(_objects(random, columns))}]".encode()


def _json_columns(random: Random, number: int, late: bool) -> list[Written]:
    texts = text_columns(random, number, late)
    columns = [_json_column(random, column, late) for column in texts]
    if random.random() < 0.1:
        columns = [_sparse(random, columns[0])]
    odd = random.random() < 0.06
    names = ["row", *random.sample(ODD_KEYS if odd else NAMES, len(columns) - 1)]
    return [
        Written(name=name, cells=column.cells, label=column.label, hostile=column.hostile, type=column.type)
        for name, column in zip(names, columns, strict=True)
    ]


def _sparse(random: Random, column: TextColumn) -> TextColumn:
    """Return the column with null in all rows but one, which is a hostile one if there is any."""
    filled = [row for row, cell in enumerate(column.cells) if cell is not None]
    kept = random.sample(sorted(column.hostile) or filled, k=min(1, len(filled)))
    cells = [cell if row in kept else None for row, cell in enumerate(column.cells)]
    return replace(column, cells=cells, label=f"sparse {column.label}")


def _json_column(random: Random, column: TextColumn, late: bool) -> TextColumn:
    """Return the column as JSON strings, or one of numbers or other values in its place."""
    draw = random.random()
    rows = len(column.cells)
    if draw < 0.5:
        cells = [None if cell is None else _string(random, cell) for cell in column.cells]
        return TextColumn(cells=cells, label=f"strings: {column.label}", hostile=column.hostile)
    family = JSON_NUMBERS if draw < 0.8 else JSON_VALUES
    base = _native_column(random, rows, random.choice(family.near))
    if not late and draw < 0.55:
        return base
    return _with_token(random, base, family, FIRST_LATE_ROW if late else 0)


def _native_column(random: Random, rows: int, kind: str) -> TextColumn:
    """Return numbers and booleans as JSON has them, and all others as strings."""
    of_type, make = PLAIN[kind]
    pool = [make(random) for _ in range(min(rows, 60))]
    native = of_type in ("integer", "number", "boolean")
    cells = [cell if native else json.dumps(cell) for cell in random.choices(pool, k=rows)]
    return TextColumn(cells=[*cells], label=f"json {kind}", type=of_type if native else None)


def _with_token(random: Random, column: TextColumn, family: Family, first: int) -> TextColumn:
    form = Form(family.name, family.near, random.choice(family.texts))
    several = not first and random.random() < 0.3
    places = range(len(column.cells)) if several else [random.randrange(first, len(column.cells))]
    cells = [*column.cells]
    for place in places:
        cells[place] = form.text
    return TextColumn(
        cells=cells, label=f"{family.name} in {column.label}", hostile=dict.fromkeys(places, form)
    )


def _string(random: Random, cell: str) -> str:
    return json.dumps(cell, ensure_ascii=random.random() < 0.5)


def _objects(random: Random, columns: Sequence[Written]) -> list[str]:
    """Write one object per row; some tables leave out the keys of nulls.

    The first key stays where there are others, so that rows of nulls are objects with a key.
    """
    leave_out = random.random() < 0.3
    is_sparse = len(columns) == 1 and any(cell is not None for cell in columns[0].cells)
    keys = [json.dumps(column.name) for column in columns]
    colon, comma = random.choice(((":", ","), (": ", ", ")))
    return [
        "{"
        + comma.join(
            f"{key}{colon}{'null' if cell is None else cell}"
            for place, (key, cell) in enumerate(zip(keys, row, strict=True))
            if not (leave_out and cell is None and (place or is_sparse))
        )
        + "}"
        for row in zip(*(column.cells for column in columns), strict=True)
    ]

"""A written table against what the processor made of it.

`check(table, folder)` processes a table and returns every difference: a cell that
cannot be written again, a name, row or type that is lost, a refusal that nothing
justifies, a profile or preview that says something else than data.parquet.
"""

import json
import math
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from app.domain.errors import InvalidPayload

from .json_rendering import is_token
from .rendering import EXPONENT, Described, is_written
from .statements import preview_differences, profile_differences
from .stored import StoredColumn, StoredTable, process
from .tables import Table, Written


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """`where` names the family of the form or the make of the column; `came` is what came out."""

    table: str
    format: str
    where: str
    cell: str
    came: str
    late: bool

    def __str__(self) -> str:
        late = ", late" if self.late else ""
        return f"{self.table} ({self.format}{late}) {self.where}: {self.cell} came out as {self.came}"


@dataclass(frozen=True, slots=True)
class Pair:
    """A column as written, as stored, and as the profile describes it."""

    written: Written
    stored: StoredColumn
    described: Described
    profile: dict[str, Any]


def check(table: Table, folder: Path) -> list[Difference]:
    try:
        stored = process(table.payload, table.media_type, table.parameters, folder)
    except InvalidPayload as refused:
        found = [] if table.refusal else [("refused", _leading(table), str(refused.detail))]
    except Exception as error:  # noqa: BLE001 - a crash is a difference too, with the table that caused it
        found = [("crashed", _leading(table), f"{type(error).__name__}: {error}")]
    else:
        found = [("not refused", table.refusal, "ready")] if table.refusal else [*_differences(table, stored)]
    return [
        Difference(
            table=f"{table.seed}-{table.number}",
            format=table.format,
            where=where,
            cell=_shown(cell),
            came=_shown(came),
            late=table.late,
        )
        for where, cell, came in found
    ]


#: The place of a difference, the cell as written, and the value that came out.
Found = tuple[str, Any, Any]


def _differences(table: Table, stored: StoredTable) -> Iterator[Found]:
    table = _without_blank_lines(table, stored)
    rows = len(table.columns[0].cells)
    found = {len(column.values) for column in stored.columns} | {stored.profile["rows"]}
    if found != {rows}:
        yield f"rows, with {_leading(table)}", f"{rows} rows", f"{sorted(found)} rows"
        return
    pairs = _pairs(table, stored)
    if pairs is None:
        names = [column["name"] for column in stored.profile["columns"]]
        yield f"names, with {_leading(table)}", [column.name for column in table.columns], names
        return
    for pair in pairs:
        yield from _unlike_cells(table, pair)
        yield from _lost_type(pair)
        if table.format != "parquet":
            yield from _ambiguous(table, pair)
        yield from profile_differences(pair.stored, pair.profile)
    yield from preview_differences(stored)


def _without_blank_lines(table: Table, stored: StoredTable) -> Table:
    """Return the table as a reader sees it to whom a line without a character is not a row, but counted.

    Only TSV of one column has such rows; csv quotes them.
    """
    column = table.columns[0]
    blank = column.cells.count(None)
    if table.format != "tsv" or len(table.columns) > 1 or stored.profile.get("blank_lines") != blank:
        return table
    rows = [row for row, cell in enumerate(column.cells) if cell is not None]
    hostile = {place: column.hostile[row] for place, row in enumerate(rows) if row in column.hostile}
    cells = [column.cells[row] for row in rows]
    return replace(table, columns=[replace(column, cells=cells, hostile=hostile)])


def _pairs(table: Table, stored: StoredTable) -> list[Pair] | None:
    """Return the columns side by side, or None if a name or column is lost; JSON's order does not matter."""
    profiles = stored.profile["columns"]
    if [column.name for column in stored.columns] != [column["name"] for column in profiles]:
        return None
    names = [profile.get("original_name") for profile in profiles]
    names = [
        name if name is not None else profile["name"] for name, profile in zip(names, profiles, strict=True)
    ]
    written = {column.name: column for column in table.columns} if table.format in ("ndjson", "json") else {}
    if written:
        filled = {name for name, column in written.items() if any(cell is not None for cell in column.cells)}
        if not filled <= set(names) <= written.keys():
            return None
        columns = [written[name] for name in names]
    elif names != [column.name for column in table.columns]:
        return None
    else:
        columns = table.columns
    return [
        Pair(column, read, Described.of(profile), profile)
        for column, read, profile in zip(columns, stored.columns, profiles, strict=True)
    ]


def _unlike_cells(table: Table, pair: Pair) -> Iterator[Found]:
    same = {"csv": is_written, "tsv": is_written, "ndjson": is_token, "json": is_token}.get(table.format)
    seen: set[Any] = set()
    for row, (value, cell) in enumerate(zip(pair.stored.values, pair.written.cells, strict=True)):
        key = (repr(value), repr(cell))
        if key in seen:
            continue
        seen.add(key)
        if value is None or cell is None:
            alike = value is cell
        else:
            alike = same(value, cell, pair.described) if same else _same_value(value, cell)
        if not alike:
            yield _where(pair.written, row), cell, f"{value!r} ({pair.profile['type']})"


def _where(column: Written, row: int) -> str:
    form = column.hostile.get(row)
    return f"{form.family}" if form else f"[{column.label}]"


def _same_value(value: Any, cell: Any) -> bool:
    """True for equal values of Parquet; NaN equals itself, and zero does not equal its negative."""
    match value, cell:
        case float(), float():
            return struct.pack("d", value) == struct.pack("d", cell) or (
                math.isnan(value) and math.isnan(cell)
            )
        case list(), list():
            return len(value) == len(cell) and all(map(_same_value, value, cell))
        case tuple(), tuple():
            return len(value) == len(cell) and all(map(_same_value, value, cell))
        case dict(), dict():
            return list(value) == list(cell) and all(_same_value(value[key], cell[key]) for key in value)
        case str(), dict():
            # Members that differ only in case are given as JSON text.
            return _same_value(json.loads(value), cell)
        case Decimal(), Decimal():
            return str(value) == str(cell)
    return bool(value == cell)


def _lost_type(pair: Pair) -> Iterator[Found]:
    """Yield columns that lost their type. Plain columns keep it, and so does every column of Parquet."""
    filled = any(value is not None for value in pair.stored.values)
    if pair.written.type not in (None, pair.profile["type"]) and filled:
        yield f"type of [{pair.written.label}]", pair.written.type, pair.profile["type"]
    if pair.stored.type != pair.profile["type"] and pair.profile["type"] != "json":
        yield "the profile's type", pair.stored.type, pair.profile["type"]


def _ambiguous(table: Table, pair: Pair) -> Iterator[Found]:
    """Yield the columns in which two different cells became one value, which no single cell shows."""
    cells = {cell for cell in pair.written.cells if cell is not None}
    match pair.profile["type"]:
        case "number" | "integer":
            numbers = {cell.strip(" ") for cell in cells}
            exponents = [cell for cell in numbers if EXPONENT.fullmatch(cell)]
            is_text = table.format in ("csv", "tsv")
            if is_text and exponents and not any("." in cell for cell in numbers):
                yield f"exponents alone in [{pair.written.label}]", exponents[:3], pair.profile["type"]
            yield from _equal_numbers(pair, numbers)
        case "text" if table.format in ("ndjson", "json"):
            kinds = {cell.startswith('"') for cell in cells}
            if len(kinds) > 1:
                yield f"strings and others in [{pair.written.label}]", sorted(cells)[:4], "text"


def _equal_numbers(pair: Pair, numbers: set[str]) -> Iterator[Found]:
    """Numbers that differ only by zeros at the end are texts, such as versions."""
    comma = pair.described.decimal_mark or "."
    by_value: dict[str, str] = {}
    for number in sorted(numbers):
        if EXPONENT.fullmatch(number) or comma not in number:
            continue
        value = number.rstrip("0")
        if by_value.setdefault(value, number) != number:
            yield (
                f"zeros at the end in [{pair.written.label}]",
                [by_value[value], number],
                pair.profile["type"],
            )
            return


def _leading(table: Table) -> str:
    """Return what the table's columns are made of, by which a whole table's fault is told."""
    return "; ".join(
        sorted({column.label for column in table.columns if column.hostile} or {"no hostile cell"})
    )


def _shown(value: Any, longest: int = 120) -> str:
    text = value if isinstance(value, str) else repr(value)
    text = repr(text)[1:-1] if not text.isprintable() else text
    return text if len(text) <= longest else f"{text[:longest]}[…]"


def first_differences(differences: Sequence[Difference], most: int = 20) -> str:
    shown = "\n".join(map(str, differences[:most]))
    return f"{len(differences)} differences\n{shown}"

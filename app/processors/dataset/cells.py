"""Columns of text before their types are known: SQL for their cells, a sample, and how each was read."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from app.processors.dataset.engine import literal
from app.processors.dataset.forms import FindForms
from app.processors.dataset.forms.form import Form

#: DuckDB's buffers for JSON are twice as large as the longest object may be.
FEWEST_BYTES_AT_ONCE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Texts:
    """Columns of text, and SQL for their cells."""

    #: SQL for a table whose columns are called t0, t1, …, or that holds a list `texts` of cells.
    source: str
    #: The places of the columns that are wanted of the list, and the place of its first.
    listed: range | None = None
    listed_from: int = 0

    @classmethod
    def in_list(cls, path: Path, places: range, longest_line: int) -> Self:
        """Return the texts of a file with a JSON array for each row."""
        reader = f"read_json({literal(path)}, format = 'newline_delimited', records = false"
        size = max(longest_line, FEWEST_BYTES_AT_ONCE)
        columns = "columns = {'texts': 'VARCHAR[]'}"
        return cls(f"{reader}, {columns}, maximum_object_size = {size})", places, places.start)

    def cell(self, place: int) -> str:
        return f"t{place}" if self.listed is None else f"texts[{place - self.listed_from + 1}]"

    def list_of(self, places: Sequence[int]) -> str:
        """Return SQL for a list of the cells of these columns."""
        if self.listed is None:
            return f"[{', '.join(map(self.cell, places))}]"
        return f"list_select(texts, [{', '.join(str(place - self.listed_from + 1) for place in places)}])"


@dataclass(frozen=True, slots=True, kw_only=True)
class TextColumn:
    """A column before its type is known: its name, and the cells of a sample that are not null."""

    name: str
    cells: Sequence[str]
    #: Return the forms that such cells fit, the best first.
    find_forms: FindForms

    def possible_forms(self) -> Iterator[Form]:
        return iter(self.find_forms(self.cells))


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

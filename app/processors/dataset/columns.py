"""What holds of the columns of every table: how many there may be, and what they are called."""

from collections.abc import Sequence

from app.domain.errors import InvalidPayload, ProblemCode

MOST_COLUMNS = 2_000


def refuse_too_wide(columns: int) -> None:
    if columns > MOST_COLUMNS:
        detail = f"The data has {columns} columns; {MOST_COLUMNS} are allowed."
        raise InvalidPayload(ProblemCode.LIMIT_EXCEEDED, detail)


def unique_names(cells: Sequence[str], columns: int) -> list[str]:
    """Return one name per column: empty ones become `column_<n>`, repeated ones get `_2`, `_3`.

    Names that differ only in case count as repeated, as they do for most readers
    of Parquet.
    """
    names: list[str] = []
    taken: set[str] = set()
    for position in range(columns):
        wanted = cells[position] if position < len(cells) else ""
        name = _not_taken(wanted or f"column_{position + 1}", taken)
        taken.add(name.casefold())
        names.append(name)
    return names


def _not_taken(wanted: str, taken: set[str]) -> str:
    name, number = wanted, 1
    while name.casefold() in taken:
        number += 1
        name = f"{wanted}_{number}"
    return name

"""Tables of more columns than one query takes: written in parts, joined, and described like others."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from app.domain.errors import InvalidPayload, ProblemCode
from app.processors.dataset.cells import TextColumn
from app.processors.dataset.csv.rectangle import write_lists
from app.processors.dataset.csv.rows import COMMA, LONGEST_ROW_BYTES
from app.processors.dataset.forms import possible_forms
from app.processors.dataset.parquet.parts import COLUMNS_AT_ONCE, join, parts_of, write_in_parts
from app.processors.dataset.part import (
    FEWEST_COLUMNS_IN_LISTS,
    MOST_CELLS_IN_LISTS,
    MOST_ROWS_IN_LISTS,
    Part,
    described,
)
from app.processors.dataset.profile.statistics import statistics_of
from app.processors.dataset.proof import ALIKE_AT_ONCE, write_proved

from .conftest import ProcessDataset

WIDTH = 2 * COLUMNS_AT_ONCE + 7
NDJSON, PARQUET = "application/x-ndjson", "application/vnd.apache.parquet"
NAMES: Sequence[str] = [f"n{place}" for place in range(WIDTH)]
#: Columns of texts and of integers take turns.
ROWS: Sequence[Sequence[str | int]] = [
    [f"é{row}" if place % 2 else row + place for place in range(WIDTH)] for row in range(3)
]


def as_csv(folder: Path) -> bytes:
    return "\n".join([",".join(NAMES), *(",".join(map(str, row)) for row in ROWS)]).encode()


def as_ndjson(folder: Path) -> bytes:
    return "\n".join(json.dumps(dict(zip(NAMES, row, strict=True))) for row in ROWS).encode()


def as_parquet(folder: Path) -> bytes:
    path = folder / "wide.parquet"
    columns = map(list, zip(*ROWS, strict=True))
    pq.write_table(pa.table(dict(zip(NAMES, columns, strict=True))), path)
    return path.read_bytes()


@pytest.mark.parametrize(
    ("make", "media_type"), [(as_csv, "text/csv"), (as_ndjson, NDJSON), (as_parquet, PARQUET)]
)
def test_every_cell_of_a_wide_table_is_where_it_was(
    process: ProcessDataset, tmp_path: Path, make: Callable[[Path], bytes], media_type: str
) -> None:
    result = process(make(tmp_path), media_type)

    table = pq.read_table(result.data)
    assert table.column_names == NAMES
    assert [list(row.values()) for row in table.to_pylist()] == ROWS
    assert result.preview == {"columns": NAMES, "rows": ROWS}
    found = [
        (column["type"], column["min"], column["max"], column["distinct"])
        for column in result.profile["columns"]
    ]
    assert found == [
        ("text" if place % 2 else "integer", ROWS[0][place], ROWS[-1][place], 3) for place in range(WIDTH)
    ]


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_table_of_many_columns_is_read_as_one_of_few_is(process: ProcessDataset, line_end: str) -> None:
    cells = ["7", "1.50", '"a, ""b"""', '"two\nlines"', "", '""', "2024-01-31", "true"]
    repeats = 1_000 // len(cells) + 1
    header = [f"n{place}" for place in range(repeats * len(cells))]

    def read(times: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        lines = [header[: times * len(cells)], *[cells * times] * 3, [*cells * (times - 1), *cells[:-1], "0"]]
        result = process(line_end.join(map(",".join, lines)), "text/csv; header=present")
        return result.profile, pq.read_table(result.data).to_pylist()

    (profile, rows), (narrow, few) = read(repeats), read(1)

    assert {key: value for key, value in profile.items() if key != "columns"} == {
        key: value for key, value in narrow.items() if key != "columns"
    }
    # The last column alone holds another cell.
    period = [{**column, "name": None} for column in narrow["columns"]][:-1]
    for place, column in enumerate(profile["columns"]):
        if place % len(cells) < len(cells) - 1:
            assert {**column, "name": None} == period[place % len(cells)], place
    assert profile["columns"][-1]["top"] == narrow["columns"][-1]["top"]
    for row, short in zip(rows, few, strict=True):
        assert list(row.values())[-len(cells) :] == list(short.values())
        assert list(row.values())[: len(cells) - 1] == list(short.values())[:-1]


def test_columns_of_unequal_length_are_written_in_the_same_groups_of_rows(process: ProcessDataset) -> None:
    width, rows = 1_001, 1_000
    lines = [
        [f"n{place}" for place in range(width)],
        *[["7"] * (width - 1) + ["x" * 5_000]] * rows,
        ["1", "2"],
    ]

    result = process("\n".join(map(",".join, lines)), "text/csv; header=present")

    written = pq.ParquetFile(result.data).metadata
    assert (written.num_rows, written.num_columns) == (rows + 1, width)


def test_parts_of_an_earlier_attempt_are_not_the_tables(tmp_path: Path) -> None:
    def write(places: range, path: Path) -> int:
        pq.write_table(pa.table({f"n{place}": [place] for place in places}), path)
        return 1

    target = tmp_path / "data.parquet"
    write_in_parts(WIDTH, target, write)
    assert [pq.read_table(part).num_columns for part in parts_of(target)] == [COLUMNS_AT_ONCE] * 2 + [7]

    write_in_parts(3, target, write)

    assert parts_of(target) == [target]


def test_a_wide_table_without_rows_has_a_profile(process: ProcessDataset) -> None:
    column = process(",".join(NAMES) + "\n", "text/csv; header=present").profile["columns"][-1]

    assert (column["nulls"], column["distinct"], column["min"], column["histogram"]) == (0, 0, None, None)
    assert column["formula_like"] == 0


def test_a_column_in_doubt_in_one_part_leaves_the_others_alone(process: ProcessDataset) -> None:
    plain, odd = ["7"] * WIDTH, ["7"] * (WIDTH - 1) + ["0x7"]
    rows = [NAMES, *[plain] * 3_000, odd]

    columns = process("\n".join(map(",".join, rows))).profile["columns"]

    assert [column["type"] for column in columns] == ["integer"] * (WIDTH - 1) + ["text"]


@dataclass
class Asked:
    """A connection that counts its statements."""

    connection: duckdb.DuckDBPyConnection
    statements: int = 0

    def execute(self, query: str) -> duckdb.DuckDBPyConnection:
        self.statements += 1
        return self.connection.execute(query)


@pytest.mark.parametrize("cells", [[], ["1.234"], ["7"]])
def test_columns_that_are_alike_are_decided_together(tmp_path: Path, cells: Sequence[str]) -> None:
    width = ALIKE_AT_ONCE
    connection = Asked(duckdb.connect())
    texts = ", ".join(f"'1.234' AS t{place}" for place in range(width))
    connection.connection.execute(f"CREATE TABLE texts AS SELECT {texts}")
    find = partial(possible_forms, decimal_commas=False)
    columns = [TextColumn(name=f"n{place}", cells=cells, find_forms=find) for place in range(width)]

    counted = cast(duckdb.DuckDBPyConnection, connection)
    _, read = write_proved(counted, "texts", columns, tmp_path / "data")

    assert {(column.form.type, column.doubts) for column in read} == {("text", ("ambiguous_number",))}
    assert connection.statements <= 5


def test_files_whose_row_groups_differ_are_not_joined(tmp_path: Path) -> None:
    paths = [tmp_path / "some.parquet", tmp_path / "others.parquet"]
    for path, size in zip(paths, (2, 3), strict=True):
        pq.write_table(pa.table({path.stem: list(range(6))}), path, row_group_size=size)

    with pytest.raises(InvalidPayload) as refused:
        join(paths, tmp_path / "joined.parquet")

    assert refused.value.code == ProblemCode.LIMIT_EXCEEDED


def test_row_groups_are_joined_one_by_one(tmp_path: Path) -> None:
    paths = [tmp_path / "some.parquet", tmp_path / "others.parquet"]
    for path in paths:
        pq.write_table(pa.table({path.stem: [f"{path.stem} {n}" for n in range(6)]}), path, row_group_size=4)

    join(paths, tmp_path / "joined.parquet")

    joined = pq.ParquetFile(tmp_path / "joined.parquet")
    assert [joined.metadata.row_group(number).num_rows for number in range(2)] == [4, 2]
    assert joined.read().to_pylist() == [{"some": f"some {n}", "others": f"others {n}"} for n in range(6)]


MOST_ROWS = 5


def lists_of(tmp_path: Path, text: str, *, header: bool = True) -> tuple[int, list[str]]:
    source = tmp_path / "text.csv"
    source.write_text(text, encoding="utf-8", newline="")
    targets = {tmp_path / "first": range(2), tmp_path / "second": range(2, 3)}
    longest = write_lists(source, COMMA, targets, MOST_ROWS, header=header)
    return longest, [target.read_text(encoding="utf-8") for target in targets]


def test_groups_of_columns_are_written_as_lists(tmp_path: Path) -> None:
    longest, texts = lists_of(tmp_path, 'a,b,c\n1,"é, ""y""",\n')

    assert texts == ['["1", "é, \\"y\\""]\n', "[null]\n"]
    assert longest == len(texts[0].encode())
    assert lists_of(tmp_path, "a,b,c\n", header=False)[1] == ['["a", "b"]\n', '["c"]\n']


@pytest.mark.parametrize(
    "text",
    [
        "a,b,c\n1,2\n",
        "a,b,c\n1,2,3,4\n",
        'a,b,c\n1,2,"3\n',
        "a,b,c\n" * (MOST_ROWS + 1),
        f"a,b,{'c' * (LONGEST_ROW_BYTES // 4)}\n",
    ],
    ids=["short", "long", "open quote", "many rows", "many bytes in a row"],
)
def test_rows_that_are_uneven_or_large_are_not_written_as_lists(tmp_path: Path, text: str) -> None:
    longest, _ = lists_of(tmp_path, text)

    assert longest == 0


PLAIN = ["7", "1.50", "", "2024-01-31", "true", "null", "[]", "\\", " x ", "\u2028"]
AWKWARD = [*PLAIN, '"a, ""b"""', '"two\nlines"', '"\x01"']


@pytest.mark.parametrize("late", ["8", "late", "1.500", "0x1F", "=1"])
@pytest.mark.parametrize("rows", [0, 1, 30])
@pytest.mark.parametrize("kinds", [PLAIN, ['"7"', '"x"'], AWKWARD], ids=["plain", "quoted", "awkward"])
def test_a_wide_table_is_read_from_lists_as_from_columns(
    process: ProcessDataset, monkeypatch: pytest.MonkeyPatch, kinds: Sequence[str], late: str, rows: int
) -> None:
    monkeypatch.setattr("app.processors.dataset.csv.SAMPLE_ROWS", 1 + rows)
    cells = [kinds[place % len(kinds)] for place in range(WIDTH)]
    lines = [NAMES, *[cells] * rows, [*cells[:-8], *[late] * 8]]
    payload = "\n".join(map(",".join, lines))

    listed = process(payload, "text/csv; header=present")
    monkeypatch.setattr("app.processors.dataset.csv.MOST_ROWS_IN_LISTS", 0)
    read = process(payload, "text/csv; header=present")

    assert (listed.profile, listed.preview) == (read.profile, read.preview)
    assert pq.read_table(listed.data).equals(pq.read_table(read.data))


def test_rows_of_a_wide_table_that_are_uneven_behind_the_sample_are_told(
    process: ProcessDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.processors.dataset.csv.SAMPLE_ROWS", 3)
    rows = [["7"] * WIDTH] * 3
    text = "\n".join(map(",".join, [NAMES, *rows, ["7"] * (WIDTH - 1)]))

    result = process(text, "text/csv; header=present")

    assert (result.profile["rows"], result.profile["ragged_rows"]) == (4, 1)
    assert result.profile["columns"][-1]["nulls"] == 1


@pytest.mark.parametrize("longest", [1, 1_900])
def test_parts_of_rows_of_unequal_length_are_joined(process: ProcessDataset, longest: int) -> None:
    rows = [["7"] * WIDTH + ["x" * (1 + row % longest)] for row in range(WIDTH)]
    header = [f"n{place}" for place in range(WIDTH + 1)]

    result = process("\n".join(map(",".join, [header, *rows])), "text/csv; header=present")

    written = pq.ParquetFile(result.data)
    assert written.metadata.num_row_groups == 1
    assert written.read([header[-1]]).column(0).to_pylist() == [row[-1] for row in rows]


@pytest.mark.parametrize("files", [1, 3])
def test_cells_in_lists_are_those_of_the_files(tmp_path: Path, files: int) -> None:
    width = FEWEST_COLUMNS_IN_LISTS
    columns = {f"n{place}": [place, None] if place % 3 else [f"x{place}", "y"] for place in range(width)}
    paths = [tmp_path / f"part-{number}.parquet" for number in range(files)]
    for path in paths:
        pq.write_table(pa.table(columns), path)
    connection = duckdb.connect()

    (part,) = described(connection, paths, rows=2)

    cells = [list(column) for _ in paths for column in columns.values()]
    for places in (range(1, width, 3), range(0, width, 3), [5, 2], range(files * width)):
        groups = list(part.alike(places))
        assert sorted(place for some, _ in groups for place in some) == sorted(places)
        for some, asked in groups:
            rows = connection.execute(f"SELECT {asked} FROM {part.source}").fetchall()
            assert [list(column) for column in zip(*(row[0] for row in rows), strict=True)] == [
                cells[place] for place in some
            ]
    for place, cell in enumerate(part.cells):
        assert connection.execute(f"SELECT {cell} FROM {part.source}").fetchall() == [
            (value,) for value in cells[place]
        ]


def test_files_of_many_cells_are_parts_of_their_own(tmp_path: Path) -> None:
    paths = [tmp_path / f"part-{number}.parquet" for number in range(3)]
    half = MOST_CELLS_IN_LISTS // MOST_ROWS_IN_LISTS // 2
    for path in paths:
        columns = {f"n{place}": [place] * MOST_ROWS_IN_LISTS for place in range(half)}
        pq.write_table(pa.table(columns), path)
    connection = duckdb.connect()

    rows = MOST_ROWS_IN_LISTS
    assert [len(part.columns) for part in described(connection, paths, rows)] == [2 * half, half]
    assert not any(part.lists for part in described(connection, paths, rows + 1))


def test_a_deviation_is_summed_in_the_order_of_the_file(tmp_path: Path) -> None:
    numbers = [7.0] * 900 + [1.0] + [7.0] * 100
    table = pa.table({f"n{place}": numbers for place in range(FEWEST_COLUMNS_IN_LISTS)})
    pq.write_table(table, tmp_path / "wide.parquet", row_group_size=574)
    connection = duckdb.connect()
    (part,) = described(connection, [tmp_path / "wide.parquet"], len(numbers))

    found = statistics_of(connection, part, len(numbers))

    assert found == statistics_of(connection, Part.of(connection, tmp_path / "wide.parquet"), len(numbers))

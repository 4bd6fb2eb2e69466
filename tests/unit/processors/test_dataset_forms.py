"""A cell is given as the file wrote it, or as a value from which it can be written again."""

import csv
import io
import re
from typing import Any

import pytest

from app.processors.dataset.forms import possible_forms
from app.processors.dataset.forms.form import TEXT
from app.processors.dataset.forms.moments import forms_of_moments
from app.processors.dataset.forms.numbers import BOOLEAN, OTHER_GROUP_MARKS, number_forms
from tests.unit.processors.conftest import ProcessDataset

LATE = 30_000


def column_of(cells: list[str], *, delimiter: str = ",") -> str:
    """One column `c` beside numbers, so that the table has a delimiter."""
    file = io.StringIO()
    writer = csv.writer(file, delimiter=delimiter, lineterminator="\n")
    writer.writerows([["c", "n"], *([cell, place] for place, cell in enumerate(cells))])
    return file.getvalue()


@pytest.mark.parametrize(
    "cells",
    [
        ["01234", "98765"],
        ["007.1", "8.45"],
        ["+4930123456", "+4930123457"],
        ["0x1F", "0xFF"],
        ["1_000", "2_000"],
        ["1E5", "2E3"],
        ["12e4567", "1234567"],
        ["1e400", "2.5"],
        ["1e-400", "2.5"],
        ["nan", "inf"],
        ["NaN", "1.5"],
        ["-0", "1"],
        [".5", "1.5"],
        ["1.", "1.5"],
        ["٣", "٤"],
        ["１", "２"],
        ["1\u00a0", "2"],
        ["12345678901234567890.12", "0.10"],
        ["9007199254740993.0", "2.5"],
        ["170141183460469231731687303715884105727", "1"],
        ["1.9", "1.10"],
        ["1.1", "1.10"],
        ["1.5", "1.50", "2"],
        ["1,234.50", "12.25"],
        ["1-2-3", "3-1-2"],
        ["1 2 3", "4 5 6"],
        ["4/5/6", "7/8/9"],
        ["31.12.23", "01.02.23"],
        ["12.04.1", "14.04.2"],
        ["10-11-12", "09-08-07"],
        ["2024-02-30", "2024-01-31"],
        ["31/02/2023", "30/01/2023"],
        ["31/12/2023", "12/31/2023"],
        ["99999-12-31", "2024-01-31"],
        ["0044-03-15 (BC)", "2024-01-31"],
        ["infinity", "2024-01-31"],
        [" true", "false"],
        ["true", "false "],
        ["5\t", "6"],
        ["2024-01-31T10:00:00+02:00", "2024-06-30T10:00:00"],
        ["2024-01-31T24:00:00", "2024-01-31T10:00:00"],
        ["2024-01-31", "2024-01-31T00:00:00"],
        ["10:00", "11:30"],
        ["10:00:00.123456789", "11:00:00.987654321"],
        ["10:00+05:00", "11:00+05:00"],
        ["550E8400-E29B-41D4-A716-446655440000"],
        ["yes", "no"],
        ["t", "f"],
        [" ", "1"],
        [" x", "y "],
    ],
)
def test_what_a_value_would_change_stays_text(process: ProcessDataset, cells: list[str]) -> None:
    result = process(column_of(cells))

    assert result.column("c")["type"] == "text"
    assert result.cells("c") == cells


@pytest.mark.parametrize(
    ("cells", "kind", "values", "told"),
    [
        (["1", "-2"], "integer", [1, -2], {}),
        (["12345678901234567890", "1"], "integer", ["12345678901234567890", 1], {}),
        (["1.50", "2.25"], "number", [1.5, 2.25], {"decimals": 2}),
        (["1.0", "2.25"], "number", [1.0, 2.25], {"decimals": "mixed"}),
        (["1", "2.25"], "number", [1.0, 2.25], {"decimals": "mixed"}),
        (["+0.5", "-0.5"], "number", [0.5, -0.5], {"decimals": 1}),
        (["1.5e-07", "2.5e+10"], "number", [1.5e-07, 2.5e10], {"decimals": 1}),
        (["1e-07", "2.5"], "number", [1e-07, 2.5], {"decimals": "mixed"}),
        (["0.30000000000000004", "0.1"], "number", [0.30000000000000004, 0.1], {"decimals": "mixed"}),
        (["TRUE", "false"], "boolean", [True, False], {}),
        ([" 1", "2 "], "integer", [1, 2], {}),
        (["2024-01-31", "1999-12-01"], "date", ["2024-01-31", "1999-12-01"], {"format": None}),
        (["2024/01/31"], "date", ["2024-01-31"], {"format": "%Y/%m/%d"}),
        (["31.01.2024", "01.02.2024"], "date", ["2024-01-31", "2024-02-01"], {"format": "%d.%m.%Y"}),
        (["1.2.2024", "31.1.2024"], "date", ["2024-02-01", "2024-01-31"], {"format": "%-d.%-m.%Y"}),
        (["31/01/2024", "01/02/2024"], "date", ["2024-01-31", "2024-02-01"], {"format": "%d/%m/%Y"}),
        (["01/31/2024", "02/01/2024"], "date", ["2024-01-31", "2024-02-01"], {"format": "%m/%d/%Y"}),
        (["2024-01-31 10:00:00"], "timestamp", ["2024-01-31T10:00:00"], {"decimals": 0, "offset": None}),
        (["2024-01-31T10:00:00.250"], "timestamp", ["2024-01-31T10:00:00.25"], {"decimals": 3}),
        (
            ["2024-01-31 10:00:00.123456789"],
            "timestamp",
            ["2024-01-31T10:00:00.123456789"],
            {"decimals": 9},
        ),
        (["2024-01-31T10:00:00+02:00"], "timestamp", ["2024-01-31T08:00:00Z"], {"offset": "+02:00"}),
        (
            ["2024-01-31T10:00:00+02:00", "2024-01-31T10:00:00Z"],
            "timestamp",
            ["2024-01-31T08:00:00Z", "2024-01-31T10:00:00Z"],
            {"offset": "mixed"},
        ),
        (["2024-01-31 10:05"], "timestamp", ["2024-01-31T10:05:00"], {"format": "%Y-%m-%d %H:%M"}),
        (["31.01.2024 10:05"], "timestamp", ["2024-01-31T10:05:00"], {"format": "%d.%m.%Y %H:%M"}),
        (
            ["2024-01-31", "2024-02-01 23:59:59"],
            "timestamp",
            ["2024-01-31T00:00:00", "2024-02-01T23:59:59"],
            {"format": "%Y-%m-%d[ %H:%M:%S]"},
        ),
        (["10:00:00", "23:59:59"], "time", ["10:00:00", "23:59:59"], {"decimals": 0}),
    ],
)
def test_a_value_is_told_so_that_its_text_can_be_written_again(
    process: ProcessDataset, cells: list[str], kind: str, values: list[Any], told: dict[str, Any]
) -> None:
    result = process(column_of(cells))
    column = result.column("c")

    assert (column["type"], result.cells("c")) == (kind, values)
    assert {key: column[key] for key in told} == told
    assert column["flags"] == []


@pytest.mark.parametrize(
    ("cells", "values", "told"),
    [
        (["1,50", "12,25"], [1.5, 12.25], {"decimals": 2, "thousands_mark": None}),
        (["1.234,56", "0,50"], [1234.56, 0.5], {"decimals": 2, "thousands_mark": "."}),
        *(
            ([f"1{mark}234,56", "0,50"], [1234.56, 0.5], {"decimals": 2, "thousands_mark": mark})
            for mark in (" ", "'", "\u2019", "\u00a0", "\u202f")
        ),
        (["1,5", "12"], [1.5, 12.0], {"decimals": "mixed", "thousands_mark": None}),
    ],
)
def test_decimal_commas_are_read_where_the_column_proves_them(
    process: ProcessDataset, cells: list[str], values: list[float], told: dict[str, Any]
) -> None:
    result = process(column_of(cells, delimiter=";"))

    assert result.cells("c") == values
    assert {key: result.column("c")[key] for key in told} == told
    assert result.column("c")["decimal_mark"] == ","


@pytest.mark.parametrize("delimiter", [",", ";"])
@pytest.mark.parametrize(
    "cells",
    [
        *([f"1{mark}234", f"12{mark}500"] for mark in (".", ",", " ", "'", "\u2019", "\u00a0", "\u202f")),
        ["1.234.567", "1.000"],
        ["1.234.567", "12.345.678"],
        ["1'234'567", "12'345'678"],
    ],
)
def test_groups_of_three_digits_without_other_proof_are_text(
    process: ProcessDataset, cells: list[str], delimiter: str
) -> None:
    result = process(column_of(cells, delimiter=delimiter))

    assert result.cells("c") == cells
    assert result.column("c")["flags"] == ["ambiguous_number"]


@pytest.mark.parametrize("cells", [["0.125", "1.500"], ["1234.567", "1.250"], ["1.234", "2.5"]])
def test_three_decimals_are_a_number_where_another_cell_proves_the_point(
    process: ProcessDataset, cells: list[str]
) -> None:
    assert process(column_of(cells)).cells("c") == [float(cell) for cell in cells]


@pytest.mark.parametrize("cells", [["03/04/2023", "01/02/2023"], ["3-4-2023", "1-2-2023"]])
def test_days_that_may_be_months_are_text(process: ProcessDataset, cells: list[str]) -> None:
    result = process(column_of(cells))

    assert result.cells("c") == cells
    assert result.column("c")["flags"] == ["ambiguous_date"]


@pytest.mark.parametrize(
    ("cells", "flags"),
    [
        (["03.04.2023", "01.02.2023"], ["ambiguous_date"]),
        (["3.4.2023", "1.2.2023"], ["ambiguous_date"]),
        (["03.04.2023"] * LATE + ["13.04.2023"], []),
        (["3.4.2023", "31.12.2023"], []),
    ],
    ids=["zeros", "bare", "proved late", "proved"],
)
def test_between_points_the_day_is_first_and_a_column_without_proof_says_so(
    process: ProcessDataset, cells: list[str], flags: list[str]
) -> None:
    column = process(column_of(cells)).column("c")

    assert column["type"] == "date"
    assert column["flags"] == flags


def test_without_proof_days_of_unlikely_years_are_text(process: ProcessDataset) -> None:
    builds = ["10.1.1909", "10.1.2004", "6.1.7601"]

    result = process(column_of(builds))
    assert (result.cells("c"), result.column("c")["flags"]) == (builds, ["ambiguous_date"])
    assert process(column_of(["1.2.2023", "31.12.9999"])).column("c")["type"] == "date"


def test_only_the_column_in_doubt_is_text(process: ProcessDataset) -> None:
    result = process("id,d,amount\n1,31/12/2023,2.5\n2,12/31/2023,3.5\n")

    assert [column["type"] for column in result.profile["columns"]] == ["integer", "text", "number"]


@pytest.mark.parametrize(
    ("usual", "late"),
    [
        ("98765", "01234"),
        ("7", "0x1F"),
        ("7", "1E5"),
        ("1.5", "9007199254740993"),
        ("1.50", "1.5"),
        ("2024-01-31 10:00:00", "2024-02-01 10:00:00+05:00"),
        ("2024-01-31", "2024-02-30"),
        ("2024-01-31", "infinity"),
        ("2024-01-31", "-infinity"),
        ("2024-01-31 10:00:00", "infinity"),
        ("10:00:00", "10:00+05:00"),
        ("true", "yes"),
        ("2024-01-31 10:00:00.123", "2024-01-31 10:00:00.1234567891"),
    ],
)
def test_a_late_cell_that_its_column_would_change_makes_it_text(
    process: ProcessDataset, usual: str, late: str
) -> None:
    result = process(column_of([*[usual] * LATE, late]))

    column = result.column("c")
    assert (column["type"], column["distinct"]) == ("text", 2)
    assert {entry["value"] for entry in column["top"]} == {usual, late}


@pytest.mark.parametrize(
    ("usual", "late", "kind", "greatest"),
    [
        ("1", "3.7", "number", 3.7),
        ("1", "12345678901234567890", "integer", "12345678901234567890"),
        ("", "3.7", "number", 3.7),
        ("03/04/2023", "31/12/2023", "date", "2023-12-31"),
        ("03/04/2023", "12/31/2023", "date", "2023-12-31"),
        ("1.234", "1234.5", "number", 1234.5),
        ("1", " 3", "integer", 3),
        ("2024-01-31", "2024-02-01 23:59:59", "timestamp", "2024-02-01T23:59:59"),
    ],
)
def test_a_late_cell_may_decide_how_a_column_is_read(
    process: ProcessDataset, usual: str, late: str, kind: str, greatest: Any
) -> None:
    column = process(column_of([*[usual] * LATE, late])).column("c")

    assert (column["type"], column["max"]) == (kind, greatest)


@pytest.mark.parametrize(
    "cells",
    [
        ("0.1", "0.10000000000000001"),
        ("0.10000000000000000", "0.10000000000000001"),
        ("0.30000000000000004", "0.3000000000000000444"),
        ("100.5", "100.500000000000001"),
        ("1.5", "12345678901234567.5"),
    ],
)
@pytest.mark.parametrize("ndjson", [False, True])
def test_no_two_numbers_become_one(process: ProcessDataset, cells: tuple[str, ...], ndjson: bool) -> None:
    lines = [f'{{"a":{cell}}}' for cell in cells] if ndjson else ["a", *cells]

    result = process("\n".join(lines), "application/x-ndjson" if ndjson else "text/csv")

    assert (result.column("a")["type"], result.cells("a")) == ("text", list(cells))


@pytest.mark.parametrize(
    ("cells", "decimals"),
    [
        (("0.1", "0.30000000000000004"), "mixed"),
        (("0.10000000000000001", "0.20000000000000001"), 17),
        (("+0.30000000000000004", "0.10000000000000001"), 17),
        (("1234567890123456.8", "0.5"), 1),
    ],
)
def test_a_long_number_that_its_double_gives_back_is_a_number(
    process: ProcessDataset, cells: tuple[str, ...], decimals: int | str
) -> None:
    column = process("\n".join(("a", *cells))).column("a")

    assert (column["type"], column["decimals"]) == ("number", decimals)


CELLS = [
    *[
        "7",
        "-7",
        "+7.5",
        "1.50",
        "1e5",
        "1,5",
        "1.234,5",
        "1 234,5",
        "1'234,5",
        "1\u2019234,5",
        "1\u00a0234,5",
    ],
    *["true", "FALSE", "2024-01-31", "31.12.2023", "12/31/2023", "10:00:00", "10:00:00.25", "1\u202f234,5"],
    *["2024-01-31 10:00", "2024-01-31T10:00:00Z", "2024-01-31T10:00:00.5+02:00", "31.12.2023 10:00"],
    *["x", "7x", "1\n2", "7\n", "\n", "e", "", "7\r", "1\t2", "true\n"],
]


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("blanks", ["", " "])
def test_a_cell_has_all_forms_whose_pattern_it_matches(cell: str, blanks: str) -> None:
    marks = [mark for mark in OTHER_GROUP_MARKS if mark in cell]
    forms = [*number_forms(cell, True, marks), BOOLEAN, *forms_of_moments(cell)]
    expected = [form.pattern for form in forms if re.fullmatch(form.pattern, cell)]
    if blanks and cell:
        expected = [pattern for pattern in expected if pattern != BOOLEAN.pattern]

    found = possible_forms([blanks + cell] * 2, decimal_commas=True)

    assert {form.pattern for form in found} == {*expected, TEXT.pattern}

"""The delimiter, quotes, header and rows of a CSV: nothing is torn, and no row taken for a title."""

from typing import Any

import pytest

from app.domain.errors import InvalidPayload

from .conftest import ProcessDataset

ROWS = 3_000


@pytest.mark.parametrize(
    ("text", "columns", "rows"),
    [
        (
            'name,city,note\n"Doe, John",Berlin\nAnn,Paris,ok\n',
            ["name", "city", "note"],
            [["Doe, John", "Berlin", None], ["Ann", "Paris", "ok"]],
        ),
        ("id,tags,n\n1,a;b,5\n2,c;d\n", ["id", "tags", "n"], [[1, "a;b", 5], [2, "c;d", None]]),
        ("id;note\n1;a, b\n2, c\n", ["id", "note"], [["1", "a, b"], ["2, c", None]]),
        (
            "name;at;n\nA;Str. 1, X\nB;Str. 2, Y;5\n",
            ["name", "at", "n"],
            [["A", "Str. 1, X", None], ["B", "Str. 2, Y", 5]],
        ),
        ("a;b;c\n1,5;x;2\n2,5\n", ["a", "b", "c"], [[1.5, "x", 2], [2.5, None, None]]),
        ('"a";"b"\n"1"\n"2"\n', ["a", "b"], [[1, None], [2, None]]),
        ("a;b\nx\n", ["a", "b"], [["x", None]]),
        ('a\tb\nx\t"y\nz"\tv\nw\tu\n', ["a", "b", "column_3"], [["x", "y\nz", "v"], ["w", "u", None]]),
    ],
)
def test_ragged_rows_do_not_hide_quotes_or_delimiter(
    process: ProcessDataset, text: str, columns: list[str], rows: list[list[Any]]
) -> None:
    assert process(text).preview == {"columns": columns, "rows": rows}


@pytest.mark.parametrize(
    "cells",
    [
        ["betrag", "1,05", "22,50"],
        ["emails", "a@x;b@x", "c@x;d@x"],
        ["tag", "x|y", "z|w"],
        ["zeit", "12:00:00,123", "13:00:00,456"],
        ["place", "52.5,13.4", "48.1,11.5"],
        ["name", "Ann", "Doe, John", "Bob"],
        ["name", *["Ann"] * ROWS, "Doe, John"],
        ["name", "a, b; c | d\te"],
    ],
)
def test_a_header_without_marks_stands_above_one_column(process: ProcessDataset, cells: list[str]) -> None:
    result = process("\n".join(cells) + "\n")

    assert result.preview["columns"] == cells[:1]
    assert result.report.summary == {"format": "csv", "rows": len(cells) - 1, "columns": 1}
    assert result.cells(cells[0])[:100] == cells[1:101]


@pytest.mark.parametrize(
    "text", ["1,2\n3,4,5\n6,7,8\n", "0,1,2\nx,y,z\np,q,r\n", "2024-01-01,5\n2024-01-02,x\n2024-01-03,y\n"]
)
def test_a_first_row_without_words_is_data(process: ProcessDataset, text: str) -> None:
    result = process(text)

    assert (result.profile["header"], result.report.summary["rows"]) == (False, 3)
    assert result.profile["lines_above"] == []


def test_numbers_behind_an_empty_first_cell_are_names(process: ProcessDataset) -> None:
    assert process(",0,1\n0,a,b\n1,c,d\n").preview["columns"] == ["column_1", "0", "1"]


@pytest.mark.parametrize(
    ("above", "table"),
    [
        ("A report\n\n", "name,city\nAnn,Rome\nBob,Oslo\n"),
        ("A report\n", '"name","city"\n"Ann","Rome, Italy"\n'),
        ("Sales, final\nBerlin\n", "id;name;n\n1;Ann;2,5\n2;Bob\n"),
        ("Country;Italy\nDay;2024-01-31\n\n", "id;name;n\n1;Ann;5\n2;Bob;6\n"),
        ("# today, by me\n", "id,name\nx,Ann\ny,Bob\n"),
        ("A report\n", "city,2019,2020\nRome,1,2\nOslo,3\n"),
    ],
)
def test_titles_are_told_where_a_header_stands_below(process: ProcessDataset, above: str, table: str) -> None:
    result = process(above + table)

    assert result.profile["lines_above"] == above.removesuffix("\n").split("\n")
    assert result.preview["columns"][0] in ("id", "name", "city")
    assert result.report.summary["rows"] == table.count("\n") - 1


@pytest.mark.parametrize(
    "text",
    [
        "a,b\nx,y,z\n1,2\n3,4\n",
        "name,,\nAnn,Rome,x\nBob,Oslo,y\n",
        "name, age\nAnn,Rome\nBob,Oslo\n",
        "title\nname,city\nAnn,Rome\n",
        "a,b\nx;y,z,w\nn;n,r\n\nh|r\ng|C,O\nOslo; note\n",
    ],
)
def test_what_may_be_a_header_is_no_title(process: ProcessDataset, text: str) -> None:
    result = process(text)

    assert result.profile["lines_above"] == []
    assert result.report.summary["rows"] == sum(map(bool, text.split("\n"))) - 1


@pytest.mark.parametrize(
    ("first", "usual", "odd", "cell"),
    [
        ("1,x", "1,x", '2,"x"y', '"x"y'),
        ("1,x", "1,x", '2,"say \\"hi\\", bob"', 'say "hi", bob'),
        ('1,"x"', "1,x", '2,"x"y', None),
        ("1,x", '1,"x, z"', '2,"x"y', None),
    ],
)
@pytest.mark.parametrize("is_late", [False, True])
def test_text_behind_a_closing_quote_has_one_rule_for_all_rows(
    process: ProcessDataset, first: str, usual: str, odd: str, cell: str | None, is_late: bool
) -> None:
    rows = [first, *[usual] * ROWS]
    rows.insert(len(rows) if is_late else 1, odd)
    text = "a,b\n" + "\n".join(rows) + "\n"

    if cell is None:
        with pytest.raises(InvalidPayload, match="text stands behind a closing quote"):
            process(text)
    else:
        assert cell in [entry["value"] for entry in process(text).column("b")["top"]]


def test_a_mark_between_two_quotes_of_one_row_is_no_delimiter(process: ProcessDataset) -> None:
    with pytest.raises(InvalidPayload, match="line 2, text stands behind a closing quote"):
        process('id,note\n1,"a";"b"\n2,"x, y"\n')


@pytest.mark.parametrize(
    "text",
    ['a, b\n1, "x, z"\n', 'a, b\n1, "say ""x"", z"\n', "a,b\n" + "1,x\n" * ROWS + '1, "x, z"\n'],
)
def test_a_quote_behind_blanks_that_holds_a_delimiter_is_refused(process: ProcessDataset, text: str) -> None:
    line = text.count("\n")

    with pytest.raises(InvalidPayload, match=f"line {line}, blanks stand before a quote"):
        process(text)


@pytest.mark.parametrize("cell", [' "x"', ' "say ""x"""', ' "say \\" x"', ' "x" y"', ' "x" y'])
def test_a_quote_behind_blanks_that_holds_nothing_together_is_kept(
    process: ProcessDataset, cell: str
) -> None:
    assert process(f"a,b\n1,{cell}\n2\n").cells("b") == [cell, None]


@pytest.mark.parametrize(
    ("text", "media_type"),
    [
        ("a,b\n1,x\ry\n2,z\n", "text/csv"),
        ("a,b\r\n1,x\ry\r\n2,z\r\n", "text/csv"),
        ("a,b\n" + "1,z\n" * ROWS + "1,x\ry\n", "text/csv"),
        ('a,b\n1,x\ry\n2,"z\r\n"\n', "text/csv"),
        ("a\tb\n1\tx\ry\n2\tz\n", "text/tab-separated-values"),
    ],
)
def test_a_bare_carriage_return_is_part_of_its_cell(
    process: ProcessDataset, text: str, media_type: str
) -> None:
    result = process(text, media_type)

    assert result.report.summary["rows"] == text.count("\n") - 1 - text.count('"') // 2
    assert "x\ry" in [entry["value"] for entry in result.column("b")["top"]]


@pytest.mark.parametrize("text", ["a,b\r\n1,2\n3,4\r5,6\n", "a,b\r1,2\r3,4\r5,6\n", 'a,b\r1,"2\n"\r3\r5,6\r'])
def test_a_carriage_return_that_makes_equal_rows_ends_a_row(process: ProcessDataset, text: str) -> None:
    assert process(text).cells("a") == [1, 3, 5]

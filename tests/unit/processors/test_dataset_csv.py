"""Every row of a CSV file arrives, or the file is refused and the detail says why."""

import codecs
import csv
import io
import tempfile
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from app.domain.errors import InvalidPayload, ProblemCode
from app.processors.dataset.columns import unique_names

from .conftest import ProcessDataset, Result, new_task, processed

TSV = "text/tab-separated-values"


def types(result: Result) -> dict[str, str]:
    return {column["name"]: column["type"] for column in result.profile["columns"]}


def written(rows: list[list[str]], **dialect: Any) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, **dialect).writerows(rows)
    return text.getvalue()


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", [True, False])
def test_any_line_end_will_do(process: ProcessDataset, end: str, last: bool) -> None:
    text = end.join(["a,b", "1,x", '2,"y, z"']) + (end if last else "")

    assert process(text).preview == {"columns": ["a", "b"], "rows": [[1, "x"], [2, "y, z"]]}


def test_line_ends_may_be_mixed(process: ProcessDataset) -> None:
    assert process("a,b\n1,2\r\n3,4\n").cells("a") == [1, 3]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(process: ProcessDataset, delimiter: str) -> None:
    result = process(f"a{delimiter}b\n1{delimiter}x\n2{delimiter}y\n")

    assert result.preview == {"columns": ["a", "b"], "rows": [[1, "x"], [2, "y"]]}
    assert result.profile["delimiter"] == delimiter


@pytest.mark.parametrize("text", ["id\t,name\n1\t,x\n2\t,y\n", "1,\tx\n2,\ty\n3,\tz\n", "a ,\tb\nx ,\ty\n"])
def test_tabs_that_pad_cells_are_no_delimiters(process: ProcessDataset, text: str) -> None:
    result = process(text)

    assert result.profile["delimiter"] == ","
    cells = [row.split(",") for row in text.splitlines()][result.profile["header"] :]
    assert [[str(cell) for cell in row] for row in result.preview["rows"]] == cells


@pytest.mark.parametrize("header", ["", "a,b\n", "a\t,b\n", "a;,b\n"])
@pytest.mark.parametrize("pad", ["\t", ";", " |"])
def test_a_mark_between_a_closing_quote_and_the_delimiter_is_refused(
    process: ProcessDataset, header: str, pad: str
) -> None:
    rows = "".join(f'"{number}"{pad},"{letter}"\n' for number, letter in enumerate("xyz"))

    with pytest.raises(InvalidPayload, match="text stands behind a closing quote"):
        process(header + rows)


def test_a_quoted_cell_may_end_with_another_delimiter(process: ProcessDataset) -> None:
    result = process('"Doe,";"x"\n"Roe,";"y"\n')

    assert result.profile["delimiter"] == ";"


def test_tsv_is_split_at_tabs_only(process: ProcessDataset) -> None:
    result = process("a,b\tc\nx,y\t3\n", TSV)

    assert result.preview == {"columns": ["a,b", "c"], "rows": [["x,y", 3]]}


def test_tsv_without_a_tab_is_one_column(process: ProcessDataset) -> None:
    assert process("a,b\nx,y\n", TSV).preview == {"columns": ["a,b"], "rows": [["x,y"]]}


@pytest.mark.parametrize("text", ['name\tnote\nA\t"open\nB\tx\n', 'name\tnote\nA\t"open\nB\tx"\n'])
def test_a_quote_in_tsv_is_a_character_like_any_other(process: ProcessDataset, text: str) -> None:
    result = process(text, TSV)

    assert result.report.summary["rows"] == 2
    assert result.cells("note")[0] == '"open'
    assert result.profile["quote"] is None


@pytest.mark.parametrize("text", ["a,b\n", "a,b", "a,b\r\n"])
def test_a_header_alone_has_no_rows(process: ProcessDataset, text: str) -> None:
    result = process(text)

    assert result.report.summary == {"format": "csv", "rows": 0, "columns": 2}
    assert result.preview == {"columns": ["a", "b"], "rows": []}


def test_a_first_row_of_numbers_is_no_header(process: ProcessDataset) -> None:
    result = process("1,2\n3,4\n")

    assert result.preview == {"columns": ["column_1", "column_2"], "rows": [[1, 2], [3, 4]]}
    assert result.profile["header"] is False


@pytest.mark.parametrize("text", ["\n", "\n\n\n", "\r\n\r\n"])
def test_blank_lines_alone_are_refused(process: ProcessDataset, text: str) -> None:
    with pytest.raises(InvalidPayload, match="no rows"):
        process(text)


@pytest.mark.parametrize("text", ["a\n1\n\n2\n", "\na\n1\n2\n", "a\n1\n2\n\n\n", "a\r\n\r\n1\r\n2\r\n"])
def test_blank_lines_between_rows_are_no_rows(process: ProcessDataset, text: str) -> None:
    assert process(text).preview == {"columns": ["a"], "rows": [[1], [2]]}


def test_an_empty_quoted_cell_is_a_null_row_of_one_column(process: ProcessDataset) -> None:
    assert process('a\n1\n""\n2\n').cells("a") == [1, None, 2]


def test_ragged_rows_are_filled_up_and_counted(process: ProcessDataset) -> None:
    result = process("a,b\n1,2\n3,4,5\n6\n")

    assert result.preview == {
        "columns": ["a", "b", "column_3"],
        "rows": [[1, 2, None], [3, 4, 5], [6, None, None]],
    }
    assert result.profile["ragged_rows"] == 2


@pytest.mark.parametrize("text", ["a,b\n'tis,x,1\nrock,n',2\n", "a,b,c\n'x,1,2\n3,4\n5',6,7\n8,9,10\n"])
def test_an_apostrophe_never_joins_lines(process: ProcessDataset, text: str) -> None:
    result = process(text)

    assert result.profile["rows"] == text.count("\n") - 1
    assert result.profile["quote"] == '"'


def test_backslashes_that_escape_quotes_are_told(process: ProcessDataset) -> None:
    result = process('p,q\n"say \\"hi\\", bob",1\n"a \\\\ b",2\n')

    assert result.cells("p") == ['say "hi", bob', "a \\ b"]
    assert (result.profile["quote"], result.profile["escape"]) == ('"', "\\")


@pytest.mark.parametrize("row", ['"C:\\temp\\new",2', '"a ""b"" c",2'])
def test_backslashes_beside_another_use_are_no_escapes(process: ProcessDataset, row: str) -> None:
    with pytest.raises(InvalidPayload, match="text stands behind a closing quote"):
        process(f'p,q\n"say \\"hi\\", bob",1\n{row}\n')


@pytest.mark.parametrize(
    "text",
    [
        'a,b,c\nx,"C:\\",1\n"D",2\n',
        'a,b,c\n1,2,3\n4,"C:\\",5\n"","x"\n6,7,8\n',
        'n,dir\n1,"C:\\",x\n2,"D:\\"\n',
        'a;b;c\nx;"C:\\";1\n"D";2\n',
        'a,b,c\nx,"C:\\",1\n5",2\n',
        'a,b,c,d\n1,"C:\\",x\n2,",\\",\n',
        'a;b,c,d\n"C:\\",x\n";y","z\\"\n',
        "a,b,c\n" + "1,2,3\n" * 2_000 + 'x,"C:\\",1\n"D",2\n',
    ],
)
def test_a_backslash_before_a_closing_quote_never_joins_rows(process: ProcessDataset, text: str) -> None:
    result = process(text)

    assert result.profile["rows"] == text.count("\n") - 1
    assert result.profile["escape"] is None


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('a,b\n"C:\\",x\n"say \\"hi\\"",y\n', 3),
        ("dir,n\n" + '"C:\\",3\n' * 2_000 + '"q \\"z\\"",4\n', 2_002),
        ('a,b\n"p\\",x\n"q\\"r",y\n"s",z\n', 3),
        ('a,b\n"C:\\",x\n5",y\n"say \\"hi\\"",z\n', 4),
        ('a,b,c\nx,"C:\\",1\n5",2\n"say \\"hi\\"",y,z\n', 4),
    ],
)
def test_backslashes_of_two_meanings_are_refused(process: ProcessDataset, text: str, line: int) -> None:
    with pytest.raises(InvalidPayload, match=f"line {line}, text stands behind a closing quote"):
        process(text)


@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC])
def test_a_text_written_with_backslashes_is_read_as_it_was_written(
    process: ProcessDataset, quoting: int
) -> None:
    cells = [
        '5", heavy',
        '5"\nheavy',
        '5", big\nheavy',
        'say "hi", bob',
        'say "hi"\nbob',
        'C:\\, "D:\\"',
        "x, y",
        '",',
    ]
    rows = [["n", "cell"], *([str(number), cell] for number, cell in enumerate(cells))]

    result = process(written(rows, quoting=quoting, doublequote=False, escapechar="\\"))

    assert result.cells("cell") == cells
    assert result.profile["escape"] == "\\"


def test_bare_quotes_within_a_cell_may_stand_beside_backslashes(process: ProcessDataset) -> None:
    result = process('a,b\n5" disk,1\n"say \\"hi\\", bob",2\n')

    assert result.cells("a") == ['5" disk', 'say "hi", bob']


def test_years_may_fall(process: ProcessDataset) -> None:
    assert process("name,2021,2020\nx,1,2\n").preview["columns"] == ["name", "2021", "2020"]


def test_a_title_that_is_cut_ends_in_an_ellipsis(process: ProcessDataset) -> None:
    title = "x" * 501

    assert process(f"{title}\na,b\n1,2\n").profile["lines_above"] == ["x" * 500 + "…"]


def test_a_header_may_lack_the_names_of_empty_columns(process: ProcessDataset) -> None:
    result = process("a,b\n1,x,\n2,y,\n")

    assert result.preview == {"columns": ["a", "b", "column_3"], "rows": [[1, "x", None], [2, "y", None]]}
    assert result.profile["lines_above"] == []


@pytest.mark.parametrize("text", ["a,b\nr1,1,2\nr2,3,4\n", '"a","b"\n"r1",1,2\n"r2",3,4\n'])
def test_a_header_that_lacks_one_name_stands_above_names_of_rows(process: ProcessDataset, text: str) -> None:
    result = process(text)

    assert result.preview == {"columns": ["column_1", "a", "b"], "rows": [["r1", 1, 2], ["r2", 3, 4]]}
    assert result.column("column_1")["original_name"] == ""
    assert (result.profile["lines_above"], result.profile["ragged_rows"]) == ([], 0)


def test_a_mark_in_a_few_rows_of_a_list_is_no_delimiter(process: ProcessDataset) -> None:
    names = ["a", "b;c", "d", "e\tf", "g|h", "i"]
    result = process("name\n" + "\n".join(names) + "\n")

    assert result.cells("name") == names


@pytest.mark.parametrize(
    ("above", "lines"),
    [
        ("A report of 2024\n\n", ["A report of 2024", ""]),
        ("# exported today\n# by me\n", ["# exported today", "# by me"]),
        ("A report,,\n,,\n", ["A report,,", ",,"]),
    ],
)
def test_a_title_above_the_table_is_told_and_is_no_row(
    process: ProcessDataset, above: str, lines: list[str]
) -> None:
    result = process(above + "a,b,c\n" + "1,2,x\n" * 50)

    assert result.report.summary == {"format": "csv", "rows": 50, "columns": 3}
    assert types(result) == {"a": "integer", "b": "integer", "c": "text"}
    assert result.profile["lines_above"] == lines


def test_a_header_of_which_one_name_is_missing_is_no_title(process: ProcessDataset) -> None:
    result = process("id,,\n1,2,x\n3,4,y\n")

    assert result.preview["columns"] == ["id", "column_2", "column_3"]
    assert result.profile["lines_above"] == []


@pytest.mark.parametrize("word", ["Total", "Summe:", "Total général", "Итого", "合計"])
def test_a_row_of_totals_stays_a_row_and_is_told(process: ProcessDataset, word: str) -> None:
    result = process(f"city,units\nRome,1\nOslo,2\n{word},3\n")

    assert result.report.summary["rows"] == 3
    assert result.profile["total_rows"] == [3]


@pytest.mark.parametrize(
    ("first", "mark"),
    [
        ("sep=;,,", ";"),
        ("sep=;;;", ";"),
        ('"sep=;",,', ";"),
        ("sep=;,,", ","),
        ("sep=,,,", ","),
        ("sep=;\t\t", "\t"),
    ],
)
def test_a_line_that_named_the_delimiter_before_it_became_a_row_names_none(
    process: ProcessDataset, first: str, mark: str
) -> None:
    result = process(f"{first}\n" + "a;b;c\n1;2;3\n".replace(";", mark))

    assert result.preview == {"columns": ["a", "b", "c"], "rows": [[1, 2, 3]]}
    assert (result.profile["delimiter"], result.profile["lines_above"]) == (mark, [first])


@pytest.mark.parametrize("name", ["a", "a,b"])
def test_a_comma_is_no_decimal_mark_where_nothing_separates_columns(
    process: ProcessDataset, name: str
) -> None:
    result = process(f"{name}\n1,2\n3,4\n", "text/tab-separated-values")

    assert result.cells(name) == ["1,2", "3,4"]


@pytest.mark.parametrize("text", ["sep=;\na;b\n1;2\n", "sep=|\r\na|b\r\n1|2\r\n", '"sep=,"\na,b\n1,2\n'])
def test_the_line_that_names_the_delimiter_is_no_row(process: ProcessDataset, text: str) -> None:
    assert process(text).preview == {"columns": ["a", "b"], "rows": [[1, 2]]}


def test_a_control_character_may_be_named_as_the_delimiter(process: ProcessDataset) -> None:
    result = process("sep=\x1f\na\x1fb\n1\x1f2\n")

    assert (result.profile["delimiter"], result.preview["rows"]) == ("\x1f", [[1, 2]])


def test_a_tsv_may_name_its_delimiter_too_and_no_other(process: ProcessDataset) -> None:
    table = "a\tb\tc\n1\t2\t3\n"
    own, other = process(f"sep=\t\n{table}", TSV), process(f"sep=;\n{table}", TSV)

    assert own.preview == other.preview == {"columns": ["a", "b", "c"], "rows": [[1, 2, 3]]}
    assert (own.profile["lines_above"], other.profile["lines_above"]) == ([], ["sep=;"])


@pytest.mark.parametrize("end", ["\x1a", "\r\n\x1a", "\r\n\x1a\r\n", "\x1a\x1a", "\n\x1a\n\x1a\n"])
def test_the_end_mark_of_dos_is_no_row(process: ProcessDataset, end: str) -> None:
    assert process(f"a,b\r\n1,2\r\n3,4{end}").preview["rows"] == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        ("b,a\n2,\x1a\n3,x\n", ["\x1a", "x"]),
        ("b,a\n2,5\x1a\n", ["5\x1a"]),
        ("b,a\r\n2,5\x1a\r\n\x1a", ["5\x1a"]),
    ],
)
def test_an_end_mark_elsewhere_is_data(process: ProcessDataset, text: str, cells: list[str]) -> None:
    assert process(text).cells("a") == cells


@pytest.mark.parametrize(
    ("text", "media_type"),
    [
        ('{"a": 1, "b": 2}\n{"a": 3, "b": 4}\n', "application/json"),
        ('[\n  {"a": 1}\n]\n', "application/json"),
        ('<?xml version="1.0"?>\n<a/>\n', "application/xml"),
        ('<svg xmlns="http://www.w3.org/2000/svg"/>', "image/svg.xml"),
    ],
)
@pytest.mark.parametrize("declared", ["text/csv", TSV])
def test_other_formats_are_no_tables(
    process: ProcessDataset, text: str, media_type: str, declared: str
) -> None:
    with pytest.raises(InvalidPayload, match=media_type) as refused:
        process(text, declared)

    assert refused.value.code == ProblemCode.MEDIA_TYPE_MISMATCH


@pytest.mark.parametrize("text", ["{a},b\n1,2\n", '"{""a"": 1}",b\nx,2\n', "[1],b\nx,2\n"])
def test_braces_alone_are_no_json(process: ProcessDataset, text: str) -> None:
    assert process(text).report.summary["columns"] == 2


@pytest.mark.parametrize(
    ("header", "rows"),
    [
        ("country,2019,2020", "A,1,2\nB,3,4"),
        ("country,2019-01-01,2020-01-01", "A,1,2\nB,3,4"),
        ("day,0,1,2", "mon,5,6,7\ntue,1,2,3"),
        ("name,2020,2019", "A,x,y\nB,z,1-2"),
        ("id,2019,price", "1,2.5,3.25\n2,3.5,4.25"),
    ],
)
def test_a_header_may_be_made_of_years_days_or_counts(
    process: ProcessDataset, header: str, rows: str
) -> None:
    result = process(f"{header}\n{rows}\n")

    assert result.preview["columns"] == header.split(",")
    assert result.report.summary["rows"] == 2


@pytest.mark.parametrize(("header", "rows"), [("absent", 2), ("present", 1), ("Present", 1)])
def test_the_media_type_says_if_there_is_a_header(process: ProcessDataset, header: str, rows: int) -> None:
    result = process("Ann,Berlin\nBob,Paris\n", f"text/csv; header={header}")

    assert result.report.summary["rows"] == rows
    assert result.profile["header_guessed"] is False


def test_another_value_for_the_header_is_refused(process: ProcessDataset) -> None:
    with pytest.raises(InvalidPayload, match="must be present or absent"):
        process("a,b\n1,2\n", "text/csv; header=maybe")


def test_titles_above_a_declared_header_are_told(process: ProcessDataset) -> None:
    result = process("A report\n\na,b\n1,2\n", "text/csv; header=present")

    assert result.preview == {"columns": ["a", "b"], "rows": [[1, 2]]}
    assert result.profile["lines_above"] == ["A report", ""]


@pytest.mark.parametrize(
    ("text", "above", "names"),
    [
        (",,\na,b,c\n1,2,3\n4,5,6\n", [",,"], ["a", "b", "c"]),
        (",\n,\nname,age\nAnn,3\nBob,5\n", [",", ","], ["name", "age"]),
        (",,\nx,y,z\np,q,r\n", [",,"], ["x", "y", "z"]),
        (";;\nReport;;\nid;name;price\n1;x;2,5\n2;y;3,5\n", [";;", "Report;;"], ["id", "name", "price"]),
    ],
)
def test_rows_of_empty_cells_above_a_header_are_told(
    process: ProcessDataset, text: str, above: list[str], names: list[str]
) -> None:
    result = process(text)

    assert result.preview["columns"] == names
    assert result.profile["lines_above"] == above


@pytest.mark.parametrize("text", [",,\n1,2,3\n4,5,6\n", ",,\n,,\n1,2,3\n"])
def test_a_first_row_of_empty_cells_is_a_row_without_a_header_below(
    process: ProcessDataset, text: str
) -> None:
    result = process(text)

    assert result.profile["lines_above"] == []
    assert result.report.summary["rows"] == text.count("\n")


def test_a_title_is_a_row_if_there_is_no_header(process: ProcessDataset) -> None:
    result = process("A report\na,b\n1,2\n", "text/csv; header=absent")

    assert result.report.summary["rows"] == 3
    assert result.profile["lines_above"] == []


@pytest.mark.parametrize("text", ["Ann,2019,2020\nBob,2018,2021\n", "x,3\ny,4\n", "N/A,5\n3,6\n"])
def test_a_first_row_like_the_others_is_no_header(process: ProcessDataset, text: str) -> None:
    assert process(text).report.summary["rows"] == 2


def test_a_remark_above_ragged_rows_does_not_hide_their_delimiter(process: ProcessDataset) -> None:
    result = process("# clean this!\nid,name,people\n1,Ireland,67\n2,3,France,n/a\n3,,Italy\n4\n")

    assert result.profile["delimiter"] == ","
    assert result.profile["lines_above"] == ["# clean this!"]
    assert result.report.summary == {"format": "csv", "rows": 4, "columns": 4}


def test_prose_loses_no_line(process: ProcessDataset) -> None:
    assert process("Dear all,\nthis is no table.\nBest, us\n").report.summary["rows"] == 2


def test_a_comment_sign_is_data(process: ProcessDataset) -> None:
    assert process("a,b\n#1,2\n3,4\n").cells("a") == ["#1", "3"]


def test_embedded_line_ends_and_quotes_stay_in_their_cells(process: ProcessDataset) -> None:
    result = process('a,b\n1,"x\ny"\n2,"say ""hi"""\n3,"z\r\nw"\n')

    assert result.cells("b") == ["x\ny", 'say "hi"', "z\r\nw"]


def test_a_quote_that_appears_late_still_quotes(process: ProcessDataset) -> None:
    result = process("a,b\n" + "1,x\n" * 30_000 + '2,"y, z"\n3,"line\nbreak"\n')

    assert result.report.summary == {"format": "csv", "rows": 30_002, "columns": 2}
    assert result.column("b")["distinct"] == 3


def test_a_type_that_changes_late_becomes_text(process: ProcessDataset) -> None:
    result = process("a,b\n" + "1,2\n" * 30_000 + "x,3\n")

    assert types(result) == {"a": "text", "b": "integer"}
    assert result.report.summary["rows"] == 30_001


def test_a_late_ragged_row_is_not_lost(process: ProcessDataset) -> None:
    result = process("a,b\n" + "1,2\n" * 30_000 + "3,4,5\n6\n")

    assert result.report.summary == {"format": "csv", "rows": 30_002, "columns": 3}
    assert result.column("column_3")["nulls"] == 30_001


def test_stray_quotes_do_not_swallow_rows(process: ProcessDataset) -> None:
    result = process('a,b\n1,5" pipe\n2,"x"y\n3,6" pipe\n')

    assert result.cells("b") == ['5" pipe', '"x"y', '6" pipe']


def test_two_stray_quotes_do_not_swallow_the_rows_between(process: ProcessDataset) -> None:
    result = process('name,note\nA,"open quote\nB,x\nC,"another\nD,z\n')

    assert result.cells("name") == ["A", "B", "C", "D"]


def test_a_stray_quote_among_quoted_cells_is_refused_with_its_line(process: ProcessDataset) -> None:
    with pytest.raises(InvalidPayload, match="line 3, text stands behind a closing quote"):
        process('a,b\n1,"x, y"\n2,"x"y\n')


@pytest.mark.parametrize("rows", [2, 3_000])
def test_blanks_before_a_quote_are_part_of_the_cell(process: ProcessDataset, rows: int) -> None:
    result = process("a,b\n" + "1,x\n" * rows + '2, "y"\n')

    assert {entry["value"] for entry in result.column("b")["top"]} == {"x", ' "y"'}


def test_blanks_elsewhere_leave_quotes_alone(process: ProcessDataset) -> None:
    result = process('a,b\n 1," x "\n 2,"y, z"\n')

    assert result.cells("b") == [" x ", "y, z"]


def test_a_blank_behind_a_late_closing_quote_is_refused_with_its_line(process: ProcessDataset) -> None:
    with pytest.raises(InvalidPayload, match="line 3002, text stands behind a closing quote"):
        process("a,b\n" + '1,"x"\n' * 3_000 + '2,"y" \n')


def test_a_very_long_number_may_stand_in_the_first_row(process: ProcessDataset) -> None:
    assert process("name," + "1" * 5_000 + "\nx,2\ny,3\n").report.summary["rows"] == 3


def test_blank_lines_are_counted(process: ProcessDataset) -> None:
    result = process("a\n1\n\n2\n\n")

    assert result.report.summary["rows"] == 2
    assert result.profile["blank_lines"] == 2


def test_a_late_line_end_of_another_kind_changes_no_cell(process: ProcessDataset) -> None:
    result = process("a,b\n" + "1,x\n" * 30_000 + "2,x\r\n")

    assert result.column("b")["distinct"] == 1
    assert result.report.summary["rows"] == 30_001


def test_a_quote_never_closed_is_refused_with_its_line(process: ProcessDataset) -> None:
    with pytest.raises(InvalidPayload, match="line 3 is never closed") as refused:
        process('a,b\n1,x\n2,"y\n' + "3,z\n" * 100)

    assert refused.value.code == ProblemCode.INVALID_CONTENT


def test_a_cell_without_measure_is_refused_with_its_line(process: ProcessDataset) -> None:
    with pytest.raises(InvalidPayload, match="line 2 is longer than 2,000,000 bytes") as refused:
        process('a,b\n1,"' + "x\n" * 1_200_000 + '"\n')

    assert refused.value.code == ProblemCode.LIMIT_EXCEEDED


@pytest.mark.parametrize("columns", [3, 150])
def test_a_row_without_measure_is_refused_with_its_line(process: ProcessDataset, columns: int) -> None:
    cells = ["é" * (1_000_100 // columns)] * columns

    with pytest.raises(InvalidPayload, match="line 3 is longer than 2,000,000 bytes") as refused:
        process(written([["a"] * columns, ["1"] * columns, cells, ["2"] * columns]))

    assert refused.value.code == ProblemCode.LIMIT_EXCEEDED


@pytest.mark.parametrize("end", ["1,2\n", "1\n"])
def test_a_row_of_the_greatest_length_is_read(process: ProcessDataset, end: str) -> None:
    assert process("a,b\n" + '"' * 1_999_990 + ",x\n" + end).report.summary["rows"] == 2


@pytest.mark.parametrize(
    ("mark", "encoding", "name"),
    [
        (b"", "utf-8", "utf-8"),
        (codecs.BOM_UTF8, "utf-8", "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le", "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be", "utf-16-be"),
        (b"", "utf-16-le", "utf-16-le"),
        (b"", "utf-16-be", "utf-16-be"),
        (b"", "cp1252", "cp1252"),
    ],
)
def test_any_usual_encoding_gives_the_same_table(
    process: ProcessDataset, mark: bytes, encoding: str, name: str
) -> None:
    result = process(mark + "größe,b\n1,100 €\n2,naïve\n".encode(encoding))

    assert result.preview == {"columns": ["größe", "b"], "rows": [[1, "100 €"], [2, "naïve"]]}
    assert result.profile["encoding"] == name


def test_a_text_that_is_not_utf_8_only_near_its_end_is_read_again(process: ProcessDataset) -> None:
    result = process(b"a,b\n" + b"1,e\n" * 40_000 + b"2,caf\xe9\n")

    assert result.report.summary["rows"] == 40_001
    assert result.column("b")["max"] == "e"
    assert result.column("b")["min"] == "café"
    assert result.profile["encoding"] == "cp1252"


def test_names_are_made_unique_and_never_empty() -> None:
    assert unique_names(["a", "a", "", "A", "a_2"], 6) == ["a", "a_2", "column_3", "A_3", "a_2_2", "column_6"]


def test_naughty_names_survive(process: ProcessDataset) -> None:
    names = ['a"b', "select", "x'); DROP TABLE t; --", "Größe", "two\nlines", "c1", " "]
    result = process(written([names, ["v"] * len(names)]))

    assert result.preview == {"columns": names, "rows": [["v"] * len(names)]}


def test_duplicate_and_empty_names_keep_their_values(process: ProcessDataset) -> None:
    result = process("a,a,,A\n1,2,3,4\n")

    assert result.preview == {"columns": ["a", "a_2", "column_3", "A_3"], "rows": [[1, 2, 3, 4]]}
    assert [column["original_name"] for column in result.profile["columns"]] == [None, "a", "", "A"]


def test_leading_zeros_and_long_integers_survive(process: ProcessDataset) -> None:
    result = process("zip,id\n01234,12345678901234567890\n00501,-1\n")

    assert result.preview["rows"] == [["01234", "12345678901234567890"], ["00501", -1]]
    assert types(result) == {"zip": "text", "id": "integer"}


@pytest.mark.parametrize("word", ["infinity", "-Infinity", "epoch"])
@pytest.mark.parametrize(("day", "moment"), [("31/01/2020", "31/01/2020 10:00:00"), ("2020-01-31", "")])
def test_a_word_among_dates_is_no_date(process: ProcessDataset, word: str, day: str, moment: str) -> None:
    result = process(f"a,b,c\n{day},{moment},{day}\n{word},{word},{day}\n")

    assert result.cells("a") == [day, word]
    assert result.cells("b") == [moment or None, word]
    assert result.cells("c") == ["2020-01-31", "2020-01-31"]


def test_the_first_day_of_1900_is_a_date(process: ProcessDataset) -> None:
    result = process("a,b\n1900-01-01,1900-01-01T00:00:00\n2020-01-31,2020-01-31T10:00:00\n")

    assert result.cells("a") == ["1900-01-01", "2020-01-31"]
    assert result.cells("b") == ["1900-01-01T00:00:00", "2020-01-31T10:00:00"]


def test_a_quote_can_be_an_apostrophe(process: ProcessDataset) -> None:
    result = process("a,b\n'x, y',2\n'z',3\n")

    assert result.preview["rows"] == [["x, y", 2], ["z", 3]]
    assert result.profile["quote"] == "'"


def test_many_columns_are_allowed(process: ProcessDataset) -> None:
    names = ",".join(f"c{place}" for place in range(150))

    assert process(names + "\n" + "1," * 149 + "1\n").report.summary["columns"] == 150


CELLS = st.text(
    st.characters(codec="utf-8", exclude_characters="\0", exclude_categories=["Cs"]), max_size=12
) | st.sampled_from(["", "1", "2.5", "true", "2024-01-31", "a,b", 'say "x"', "two\nlines", "'", "\\", "=1+1"])


@st.composite
def tables(draw: st.DrawFn) -> list[list[str]]:
    width = draw(st.integers(2, 4))
    header = [f"name{place}" for place in range(width)]
    rows = draw(st.lists(st.lists(CELLS, min_size=width, max_size=width), max_size=12))
    return [header, *rows]


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(table=tables(), end=st.sampled_from(["\n", "\r\n"]))
@example(table=[["a", "b"], ["", ""], ["", ""]], end="\n")
@example(table=[["a", "b"], ["", "'"], ["", "'"]], end="\n")
@example(table=[["a", "b"], ["x", "1\r2"], ["y"]], end="\r\n")
@example(table=[["a", "b"], ["x", "1\r2"], ["y"]], end="\n")
def test_a_table_written_by_python_arrives_whole(table: list[list[str]], end: str) -> None:
    text = written(table, lineterminator=end, quoting=csv.QUOTE_ALL)
    width = max(map(len, table))
    with tempfile.TemporaryDirectory() as folder:
        result = processed(new_task(Path(folder) / "task", text, "text/csv"))
        rows, columns = duckdb.read_parquet(str(result.data)).shape

    header = result.profile["header"]
    assert (rows + header, columns) == (len(table), width)
    assert result.report.summary == {"format": "csv", "rows": rows, "columns": columns}
    if all(column["type"] == "text" for column in result.profile["columns"]):
        padded = [row + [""] * (width - len(row)) for row in table[header:]]
        assert result.preview["rows"] == [[cell or None for cell in row] for row in padded]

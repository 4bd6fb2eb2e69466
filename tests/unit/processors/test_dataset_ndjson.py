"""Every line that is not blank is one object, or the file is refused with the line."""

import json

import duckdb
import pytest

from app.domain.errors import InvalidPayload, ProblemCode
from app.processors.dataset import ndjson
from app.processors.dataset.ndjson import FIRST_ROWS

from .conftest import ProcessDataset

NDJSON = "application/x-ndjson"
JSON = "application/json"


@pytest.mark.parametrize(
    "text", ['{"a":1}\n{"a":2}\n', '{"a":1}\r\n{"a":2}', '\n {"a":1}\n\n  \n{"a":2}\n\n']
)
def test_blank_lines_and_line_ends_do_not_matter(process: ProcessDataset, text: str) -> None:
    result = process(text, NDJSON)

    assert result.preview == {"columns": ["a"], "rows": [[1], [2]]}
    assert result.profile["rows"] == 2


@pytest.mark.parametrize(("encoding", "name"), [("utf-8-sig", "utf-8"), ("utf-16", "utf-16-le")])
def test_a_byte_order_mark_is_understood(process: ProcessDataset, encoding: str, name: str) -> None:
    result = process('{"a":"é"}\n'.encode(encoding), NDJSON)

    assert result.cells("a") == ["é"]
    assert result.profile["encoding"] == name


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ('{"a":1}\n[1]\n', "Line 2 is not a JSON object."),
        ('{"a":1}\n2\n', "Line 2 is not a JSON object."),
        ("null\n", "Line 1 is not a JSON object."),
        ('{"a":1}\n\n{"a":NaN}\n', "Line 3 is not valid JSON: NaN is not a JSON number."),
        ('{"a":-Infinity}\n', "Line 1 is not valid JSON: -Infinity is not a JSON number."),
        ('{"a":nan}\n', "Line 1 is not valid JSON: Expecting value at column 6."),
        ('{"a":1}{"a":2}\n', "Line 1 is not valid JSON: Extra data at column 8."),
        ('{"a":1}\n{"a":', "Line 2 is not valid JSON: Expecting value at column 6."),
        ('{"a":1}\n{"a":"\\ud800"}\n', "Line 2 is not valid JSON: half of a surrogate pair."),
        ('[{"a":1},\n{"a":2}]\n', "Line 1 is not valid JSON: Expecting value at column 10."),
        ("\n\n", "The file holds no rows."),
    ],
)
def test_what_is_not_one_object_is_refused_with_its_line(
    process: ProcessDataset, text: str, detail: str
) -> None:
    with pytest.raises(InvalidPayload) as refused:
        process(text, NDJSON)

    assert (refused.value.code, refused.value.detail) == (ProblemCode.INVALID_CONTENT, detail)


def test_bytes_that_are_not_utf_8_are_refused(process: ProcessDataset) -> None:
    with pytest.raises(InvalidPayload, match="not valid UTF-8"):
        process(b'{"a":"\xe9"}\n', NDJSON)


def test_words_like_infinity_are_fine_within_text(process: ProcessDataset) -> None:
    assert process('{"a":"nan and Infinity"}\n', NDJSON).cells("a") == ["nan and Infinity"]


def test_nested_values_are_json_text(process: ProcessDataset) -> None:
    result = process('{"a":{"b":[1,2]},"c":[true]}\n{"a":{"b":[3]},"c":[]}\n', NDJSON)

    assert [json.loads(cell) for cell in result.cells("a")] == [{"b": [1, 2]}, {"b": [3]}]
    assert result.column("a")["type"] == result.column("c")["type"] == "json"


def test_values_that_disagree_are_json_text(process: ProcessDataset) -> None:
    result = process('{"a":1}\n{"a":"x"}\n{"a":[1]}\n', NDJSON)

    assert result.cells("a") == ["1", '"x"', "[1]"]
    assert result.column("a")["distinct"] == 3


def test_a_key_that_is_missing_is_null(process: ProcessDataset) -> None:
    result = process('{"a":1}\n{}\n{"b":"x","c":null}\n', NDJSON)

    assert result.preview == {
        "columns": ["a", "b", "c"],
        "rows": [[1, None, None], [None, None, None], [None, "x", None]],
    }


@pytest.mark.parametrize("empty", ['{"a":null}', "{}"])
@pytest.mark.parametrize("value", ["1.10", "1", '{"x":1}', "9007199254740993123", '"text"', "[1.50]", "true"])
def test_a_key_that_hardly_any_row_has_keeps_its_value(
    process: ProcessDataset, empty: str, value: str
) -> None:
    result = process(f"{empty}\n" * 3000 + f'{{"a":{value}}}\n', NDJSON)

    [cell] = duckdb.execute(f"SELECT a::VARCHAR FROM '{result.data}' WHERE a IS NOT NULL").fetchall()
    assert cell[0] == value.strip('"') or float(cell[0]) == float(value)


def test_keys_that_differ_only_in_case_keep_their_values(process: ProcessDataset) -> None:
    assert process('{"a":1,"A":2}\n{"a":3,"A":4}\n', NDJSON).preview["rows"] == [[1, 2], [3, 4]]


def test_objects_without_a_key_stay_whole(process: ProcessDataset) -> None:
    assert process("{}\n", NDJSON).preview == {"columns": ["json"], "rows": [["{}"]]}


def test_an_empty_key_gets_a_name(process: ProcessDataset) -> None:
    result = process('{"":1,"b":2}\n', NDJSON)

    assert result.preview == {"columns": ["column_1", "b"], "rows": [[1, 2]]}
    assert result.column("column_1")["original_name"] == ""


def test_naughty_keys_survive(process: ProcessDataset) -> None:
    row = {'a"b': 1, "select": 2, "x'); DROP TABLE t; --": 3, "a_1": 4, "nul\0": 5, "{}": 6}

    assert process(json.dumps(row) + "\n", NDJSON).preview == {
        "columns": list(row),
        "rows": [[1, 2, 3, 4, 5, 6]],
    }


def test_long_integers_survive(process: ProcessDataset) -> None:
    result = process('{"a":18446744073709551615,"b":9007199254740993}\n', NDJSON)

    assert result.preview["rows"] == [["18446744073709551615", "9007199254740993"]]


@pytest.mark.parametrize(("opening", "closing"), [('{"a":', "}"), ("[", "]")])
def test_nesting_is_read_up_to_a_limit_that_a_refusal_names(
    process: ProcessDataset, opening: str, closing: str
) -> None:
    def nested(levels: int) -> str:
        return '{"a":' + opening * (levels - 1) + "1e400" + closing * (levels - 1) + "}"

    assert process(nested(400), NDJSON).report.summary["rows"] == 1
    for levels in (600, 20_000):
        for text, media_type, unit in (
            (nested(levels), NDJSON, "Line"),
            (f"[{nested(levels)}]", "application/json", "Item"),
        ):
            with pytest.raises(InvalidPayload) as refused:
                process(text, media_type)
            assert refused.value.code == ProblemCode.LIMIT_EXCEEDED
            assert refused.value.detail == f"{unit} 1 is nested too deeply: 400 levels are allowed."


@pytest.mark.parametrize("numbers", [("1.0", "1"), ("2.5", "1.0", "1"), ("1e2", "100.0", "100")])
def test_numbers_that_differ_by_zeros_are_text_as_in_a_csv(
    process: ProcessDataset, numbers: tuple[str, ...]
) -> None:
    ndjson = process("".join(f'{{"a":{number}}}\n' for number in numbers), NDJSON)
    csv = process("\n".join(("a", *numbers)))

    assert ndjson.cells("a") == csv.cells("a") == list(numbers)
    assert ndjson.column("a")["type"] == csv.column("a")["type"] == "text"


@pytest.mark.parametrize("numbers", [("1.0", "2.5"), ("1", "2.5"), ("0.1", "1.5e-7")])
def test_numbers_with_or_without_a_point_throughout_are_numbers(
    process: ProcessDataset, numbers: tuple[str, ...]
) -> None:
    result = process("".join(f'{{"a":{number}}}\n' for number in numbers), NDJSON)

    assert result.cells("a") == [float(number) for number in numbers]


@pytest.mark.parametrize(
    "number", ["1e2", "1E5", "1.50", "-0", "2e+16", "1e400", "1.0e-2", "10e-3", "2.0E-1"]
)
def test_a_number_inside_a_value_keeps_its_form(process: ProcessDataset, number: str) -> None:
    assert process(f'{{"a":[{number}]}}\n', NDJSON).cells("a") == [f"[{number}]"]


@pytest.mark.parametrize(
    ("text", "line"), [('{"a": "x\ny"}\n', 1), ('{"a":1}\n{"a":\n2}\n', 2), (' {"a":1}\n\n [1]\n', 3)]
)
def test_the_first_line_that_is_wrong_is_named(process: ProcessDataset, text: str, line: int) -> None:
    with pytest.raises(InvalidPayload, match=f"^Line {line} is "):
        process(text, NDJSON)


@pytest.mark.parametrize("text", ['{"a":"v",}', '{"a":[1, ]}'])
def test_a_comma_at_the_end_is_refused(process: ProcessDataset, text: str) -> None:
    with pytest.raises(InvalidPayload, match="Line 1 is not valid JSON"):
        process(text + "\n", NDJSON)


def test_a_repeated_key_is_refused_by_its_name_without_its_values(process: ProcessDataset) -> None:
    with pytest.raises(InvalidPayload) as refused:
        process('{"b":1}\n{"a":"secret","a":2}\n', NDJSON)

    assert refused.value.detail == 'Line 2 is not valid JSON: the key "a" stands twice.'


@pytest.mark.parametrize("number", ["1", "12345678901234567890123"])
def test_a_key_that_stands_twice_inside_a_value_stays(process: ProcessDataset, number: str) -> None:
    value = f'{{"a":{number},"a":2}}'

    assert process(f'{{"x":{value}}}\n', NDJSON).cells("x") == [value]


@pytest.mark.parametrize(
    ("numbers", "cells", "kind"),
    [
        (["18446744073709551617", "1"], ["18446744073709551617", 1], "integer"),
        (["-9223372036854775809", "1"], ["-9223372036854775809", 1], "integer"),
        (["9007199254740993", "2.5"], ["9007199254740993", "2.5"], "text"),
        (["9007199254740993.0", "2.5"], ["9007199254740993.0", "2.5"], "text"),
        (["0.30000000000000004", "2.5"], [0.30000000000000004, 2.5], "number"),
        (["1e400", "2.5"], ["1e400", "2.5"], "text"),
        (["-0", "1"], [-0.0, 1.0], "number"),
        (["1.9", "1.10"], ["1.9", "1.10"], "text"),
        (["1.234", "1.250"], [1.234, 1.25], "number"),
        (["1", "2.5"], [1.0, 2.5], "number"),
    ],
)
def test_numbers_are_given_as_they_are_written(
    process: ProcessDataset, numbers: list[str], cells: list[object], kind: str
) -> None:
    result = process("".join(f'{{"a":{number},"b":"x"}}\n' for number in numbers), NDJSON)

    assert result.cells("a") == cells
    assert result.column("a")["type"] == kind


@pytest.mark.parametrize(
    ("last", "row", "kinds"),
    [
        ('{"a":2.5,"b":"x"}', (2.5, "x"), ["number", "text"]),
        ('{"a":-0,"b":"x"}', (-0.0, "x"), ["number", "text"]),
        ('{"a":1e2,"b":"x"}', (100.0, "x"), ["number", "text"]),
        ('{"a":9007199254740993,"b":"x"}', (9007199254740993, "x"), ["integer", "text"]),
        ('{"a":"1","b":"x"}', ('"1"', "x"), ["json", "text"]),
        ('{"a":true,"b":"x"}', ("true", "x"), ["json", "text"]),
        ('{"a":1,"b":5}', (1, "5"), ["integer", "json"]),
        ('{"a":1,"b":[5]}', (1, "[5]"), ["integer", "json"]),
        ('{"b":"x","a":2}', (2, "x"), ["integer", "text"]),
        ('{ "a" : 2 , "b" : null }', (2, None), ["integer", "text"]),
        ('{"b":"\\"}"}', (None, '"}'), ["integer", "text"]),
        ("{}", (None, None), ["integer", "text"]),
        ('{"a":1,"b":"x","c":true}', (1, "x", True), ["integer", "text", "boolean"]),
    ],
)
def test_the_last_of_many_rows_may_be_unlike_the_first(
    process: ProcessDataset, last: str, row: tuple[object, ...], kinds: list[str]
) -> None:
    result = process('{"a":1,"b":"y"}\n' * (FIRST_ROWS + 1) + last, NDJSON)

    assert duckdb.read_parquet(str(result.data)).fetchall()[-1] == row
    assert [column["type"] for column in result.profile["columns"]] == kinds


@pytest.mark.parametrize(
    "last", ['{"a":1,"a":2}', '{"a":1,}', '{"a":NaN}', '{"a":01}', '{"b":"\\x"}', '{"a":1}}']
)
def test_the_last_of_many_lines_is_refused_if_it_is_wrong(process: ProcessDataset, last: str) -> None:
    with pytest.raises(InvalidPayload, match=f"^Line {FIRST_ROWS + 2} is not valid JSON"):
        process('{"a":1,"b":"y"}\n' * (FIRST_ROWS + 1) + last, NDJSON)


def test_the_types_of_many_rows_are_inferred_from_the_first_if_all_are_alike(
    process: ProcessDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ndjson, "_inferred_from_all_rows", lambda *_: pytest.fail("all rows are asked"))
    rows = [
        '{"a":1,"b":"y","c":0.25,"d":null}',
        '{"b":"\u00e9 \\" \\u00e9","c":-12.0,"d":true}',
        '{"a": -17, "c": 3.5}',
    ]

    result = process("\n".join(rows * FIRST_ROWS), NDJSON)

    assert result.preview["rows"][:3] == [
        [1, "y", 0.25, None],
        [None, '\u00e9 " \u00e9', -12.0, True],
        [-17, None, 3.5, None],
    ]


def test_how_many_decimals_numbers_have_is_told(process: ProcessDataset) -> None:
    result = process('{"a":1.50,"b":1.5}\n{"a":2.25,"b":2}\n', NDJSON)

    assert (result.column("a")["decimals"], result.column("b")["decimals"]) == (2, "mixed")


def test_numbers_within_other_values_keep_their_digits(process: ProcessDataset) -> None:
    result = process('{"a":{"x":[123456789012345678901234567890, 2.50]}}\n', NDJSON)

    assert result.cells("a") == ['{"x":[123456789012345678901234567890,2.50]}']


@pytest.mark.parametrize(
    "cells", [["12-10-15", "09-08-07"], ["10:00", "11:30"], ["550E8400-E29B-41D4-A716-446655440000"], ["007"]]
)
def test_strings_that_only_look_like_values_stay_text(process: ProcessDataset, cells: list[str]) -> None:
    result = process("".join(json.dumps({"a": cell}) + "\n" for cell in cells), NDJSON)

    assert result.cells("a") == cells
    assert result.column("a")["type"] == "text"


def test_strings_in_iso_form_are_dates(process: ProcessDataset) -> None:
    result = process('{"a":"2024-01-31","b":"2024-01-31T10:00:00+02:00"}\n', NDJSON)

    assert result.preview["rows"] == [["2024-01-31", "2024-01-31T08:00:00Z"]]
    assert result.column("b")["offset"] == "+02:00"


def test_an_empty_string_is_not_null(process: ProcessDataset) -> None:
    assert process('{"a":"","b":1.50}\n{"a":null,"b":2.50}\n', NDJSON).cells("a") == ["", None]


@pytest.mark.parametrize("text", ['{"o":{"x":1,"X":2}}\n', '{"o":{"x":1}}\n{"o":{"X":4}}\n'])
def test_keys_within_values_may_differ_only_in_case(process: ProcessDataset, text: str) -> None:
    assert process(text, NDJSON).cells("o") == [
        json.dumps(json.loads(line)["o"], separators=(",", ":")) for line in text.splitlines()
    ]


def test_a_nested_object_is_given_with_its_own_keys_only(process: ProcessDataset) -> None:
    assert process('{"o":{"x":1}}\n{"o":{"y":2}}\n', NDJSON).cells("o") == ['{"x":1}', '{"y":2}']


@pytest.mark.parametrize(
    "text",
    ['[{"a":1},{"a":2}]', ' [\n{"a":\r\n1}\n,\n{"a":2}\n] \n', "[" + '{"a":1},' * 200_000 + '{"a":2}]'],
)
def test_an_array_of_objects_is_a_table(process: ProcessDataset, text: str) -> None:
    result = process(text, JSON)

    assert result.report.summary == {"format": "json", "rows": len(json.loads(text)), "columns": 1}
    assert (result.column("a")["min"], result.column("a")["max"]) == (1, 2)


def test_an_array_may_be_one_long_line(process: ProcessDataset) -> None:
    text = json.dumps([{"a": number, "b": "x" * 99} for number in range(25_000)])

    assert process(text, JSON).report.summary["rows"] == 25_000


@pytest.mark.parametrize(
    ("start", "end", "media_type", "unit"), [("", "\n", NDJSON, "Line"), ("[", "]", JSON, "Item")]
)
def test_an_object_may_be_long_up_to_a_limit_that_a_refusal_names(
    process: ProcessDataset, start: str, end: str, media_type: str, unit: str
) -> None:
    def long(megabytes: int) -> str:
        return f'{start}{{"a":"{"x" * megabytes * 1_000_000}"}}{end}'

    assert process(long(3), media_type).report.summary["rows"] == 1
    with pytest.raises(InvalidPayload) as refused:
        process(long(17), media_type)
    assert (refused.value.code, refused.value.detail) == (
        ProblemCode.LIMIT_EXCEEDED,
        f"{unit} 1 is longer than 16 MiB.",
    )


@pytest.mark.parametrize(("start", "end", "media_type"), [("", "\n", NDJSON), ("[", "]", JSON)])
def test_numbers_of_any_length_are_read(
    process: ProcessDataset, start: str, end: str, media_type: str
) -> None:
    number = "1" * 5_000
    result = process(f'{start}{{"a":{number},"b":[{number}.5]}}{end}', media_type)

    [row] = duckdb.execute(f"SELECT a, b FROM '{result.data}'").fetchall()
    assert row == (number, f"[{number}.5]")


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ('{"a":1}', "The file is not a JSON array of objects: at its beginning there is no [."),
        ('[{"a":1},2]', "The file is not a JSON array of objects: item 2 is not an object."),
        ('[{"a":1},]', "The file is not a JSON array of objects: item 2 is not an object."),
        ('[{"a":1}', "The file is not a JSON array of objects: after item 1 there is no , or ]."),
        ('[{"a":1}] x', "The file is not a JSON array of objects: something follows its end."),
        ('[{"a":1} {"a":2}]', "The file is not a JSON array of objects: after item 1 there is no , or ]."),
        ("[]", "The file holds no rows."),
        ('[{"a":1},{"a":}]', "Item 2 is not valid JSON: Expecting value at its character 6."),
        ('[{"a":1},{"a":NaN}]', "Item 2 is not valid JSON: NaN is not a JSON number."),
        ('[{"a":1},{"a":1,"a":2}]', 'Item 2 is not valid JSON: the key "a" stands twice.'),
        ('[{"a":"x', "Item 1 is not valid JSON: Unterminated string starting at its character 6."),
    ],
)
def test_json_that_is_not_an_array_of_objects_is_refused(
    process: ProcessDataset, text: str, detail: str
) -> None:
    with pytest.raises(InvalidPayload) as refused:
        process(text, JSON)

    assert (refused.value.code, refused.value.detail) == (ProblemCode.INVALID_CONTENT, detail)

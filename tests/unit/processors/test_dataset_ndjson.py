"""Every line that is not blank is one object, or the file is refused with the line."""

import json

import pytest

from app.domain.errors import InvalidPayload, ProblemCode

from .conftest import ProcessDataset

NDJSON = "application/x-ndjson"


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
        ('{"a":1}\n\n{"a":NaN}\n', "Line 3 is not valid JSON: NaN is no JSON number."),
        ('{"a":-Infinity}\n', "Line 1 is not valid JSON: -Infinity is no JSON number."),
        ('{"a":nan}\n', "Line 1 is not valid JSON: Expecting value at column 6."),
        ('{"a":1}{"a":2}\n', "Line 1 is not valid JSON: Extra data at column 8."),
        ('{"a":1}\n{"a":', "Line 2 is not valid JSON: Expecting value at column 6."),
        ('{"a":1}\n{"a":"\\ud800"}\n', "Line 2 is not valid JSON: half of a surrogate pair."),
        ('[{"a":1},\n{"a":2}]\n', "Line 1 is not valid JSON: Expecting value at column 1."),
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


def test_keys_that_differ_only_in_case_keep_their_values(process: ProcessDataset) -> None:
    assert process('{"a":1,"A":2}\n{"a":3,"A":4}\n', NDJSON).preview["rows"] == [[1, 2], [3, 4]]


@pytest.mark.parametrize("text", ['{"":1,"b":2}\n', "{}\n"])
def test_objects_without_usable_keys_stay_whole(process: ProcessDataset, text: str) -> None:
    result = process(text, NDJSON)

    assert result.preview == {"columns": ["json"], "rows": [[text.strip()]]}


def test_naughty_keys_survive(process: ProcessDataset) -> None:
    row = {'a"b': 1, "select": 2, "x'); DROP TABLE t; --": 3, "a_1": 4, "nul\0": 5, "{}": 6}

    assert process(json.dumps(row) + "\n", NDJSON).preview == {
        "columns": list(row),
        "rows": [[1, 2, 3, 4, 5, 6]],
    }


def test_long_integers_survive(process: ProcessDataset) -> None:
    result = process('{"a":18446744073709551615,"b":9007199254740993}\n', NDJSON)

    assert result.preview["rows"] == [["18446744073709551615", "9007199254740993"]]


@pytest.mark.parametrize("depth", [50, 500])
def test_deep_nesting_is_read_or_refused(process: ProcessDataset, depth: int) -> None:
    text = '{"a":' * depth + "1" + "}" * depth + "\n"
    if depth < 128:
        assert process(text, NDJSON).report.summary["rows"] == 1
        return

    with pytest.raises(InvalidPayload) as refused:
        process(text, NDJSON)
    assert refused.value.code == ProblemCode.INVALID_CONTENT


def test_a_repeated_key_is_refused_without_a_path_in_the_detail(process: ProcessDataset) -> None:
    with pytest.raises(InvalidPayload, match="duplicate key") as refused:
        process('{"a":1,"a":2}\n', NDJSON)

    assert "/" not in refused.value.detail

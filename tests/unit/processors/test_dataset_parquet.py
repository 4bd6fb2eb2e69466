"""Parquet files written by another program (pyarrow), and footers that do not tell the truth."""

import hashlib
import json
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from app.domain.errors import InvalidPayload, ProblemCode
from app.processors.dataset.parquet.footer import Changes, patched
from app.processors.dataset.parquet.thrift import (
    BINARY,
    I32,
    I64,
    LIST,
    STRUCT,
    TRUE,
    Items,
    Reader,
    Struct,
    written,
)

from .conftest import ProcessDataset, Result, parquet_bytes

PARQUET = "application/vnd.apache.parquet"
#: 2024-01-31T10:00:00.123456789.
NANOSECONDS = 1_706_695_200_123_456_789
ENCRYPTED = "The Parquet file is encrypted. Only files that need no key can be read."
SCHEMA, ROWS, GROUPS, PAIRS = 2, 3, 4, 5
COLUMNS, METADATA, STATISTICS = 1, 3, 12


def of_arrow(array: pa.Array, **options: Any) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"c": array}), sink, **options)
    return bytes(sink.getvalue().to_pybytes())


def with_footer(payload: bytes, change: Callable[[Struct], None]) -> bytes:
    start = len(payload) - 8 - int.from_bytes(payload[-8:-4], "little")
    footer = Reader(payload, start).struct()
    change(footer)
    data = written(footer)
    return payload[:start] + data + len(data).to_bytes(4, "little") + b"PAR1"


def chunks(footer: Struct) -> list[Struct]:
    return [
        chunk.value(METADATA)
        for group in footer.value(GROUPS).values
        for chunk in group.value(COLUMNS).values
    ]


def arrow_values(result: Result) -> list[Any]:
    return list(pq.read_table(result.data)["c"].to_pylist())


def refusal(process: ProcessDataset, payload: bytes) -> InvalidPayload:
    with pytest.raises(InvalidPayload) as refused:
        process(payload, PARQUET)
    return refused.value


def test_a_footer_that_is_read_and_written_is_the_same(tmp_path: Path) -> None:
    payload = parquet_bytes(tmp_path, "SELECT range AS a, [true] AS b, {'x': 0.5} AS c FROM range(40000)")

    assert with_footer(payload, lambda footer: None) == payload


@pytest.mark.parametrize(
    "array",
    [
        pa.array([2**64 - 1, 2**63, None], pa.uint64()),
        pa.array([Decimal("1.10"), Decimal("-0.05")], pa.decimal128(38, 2)),
        pa.array([Decimal("12345678901234567890.123456789012345678")]),
        pa.array([1.5, float("inf"), -0.0], pa.float16()),
        pa.array([0.1, 5e-324, 1e300, None], pa.float64()),
        pa.array(["a", "b", None, "a"]).dictionary_encode().cast(pa.string()),
        pa.array([b"\xff\x00a", b""], pa.binary()),
        pa.array([[("a", [1, None])], None], pa.map_(pa.string(), pa.list_(pa.int64()))),
        pa.array([date(1, 1, 1), date(9999, 12, 31)]),
        pa.array(
            [{"u": 2**64 - 1, "d": Decimal("1.10")}],
            pa.struct([("u", pa.uint64()), ("d", pa.decimal128(9, 2))]),
        ),
        pa.nulls(2),
    ],
)
def test_values_come_out_as_another_program_wrote_them(process: ProcessDataset, array: pa.Array) -> None:
    assert arrow_values(process(of_arrow(array), PARQUET)) == array.to_pylist()


@pytest.mark.parametrize("unit", ["ns", "us", "ms"])
@pytest.mark.parametrize(("zone", "end"), [(None, ""), ("UTC", "Z"), ("Europe/Berlin", "Z")])
def test_timestamps_of_every_unit_and_zone_have_a_profile(
    process: ProcessDataset, unit: str, zone: str | None, end: str
) -> None:
    moments = pa.array([NANOSECONDS, None], pa.timestamp("ns", zone)).cast(
        pa.timestamp(unit, zone), safe=False
    )
    column = (result := process(of_arrow(moments), PARQUET)).column("c")
    digits = {"ns": "123456789", "us": "123456", "ms": "123"}[unit]

    assert result.cells("c") == [f"2024-01-31T10:00:00.{digits}{end}", None]
    assert (column["type"], column["nulls"], column["non_finite"]) == ("timestamp", 1, 0)
    assert column["min"] == column["max"] == f"2024-01-31T10:00:00.{digits}{end}"


def int96(array: pa.Array) -> bytes:
    return of_arrow(array, use_deprecated_int96_timestamps=True)


@pytest.mark.parametrize(
    ("nanoseconds", "kind", "cell"),
    [
        (NANOSECONDS, "TIMESTAMP_NS", "2024-01-31T10:00:00.123456789"),
        (NANOSECONDS - 789, "TIMESTAMP", "2024-01-31T10:00:00.123456"),
        (-NANOSECONDS, "TIMESTAMP_NS", "1915-12-02T13:59:59.876543211"),
        (-1, "TIMESTAMP_NS", "1969-12-31T23:59:59.999999999"),
        (2**63 - 1, "TIMESTAMP_NS", "2262-04-11T23:47:16.854775807"),
        (-(2**63) + 1_001, "TIMESTAMP_NS", "1677-09-21T00:12:43.145225193"),
    ],
)
def test_int96_keeps_its_nanoseconds(process: ProcessDataset, nanoseconds: int, kind: str, cell: str) -> None:
    result = process(int96(pa.array([nanoseconds, None], pa.timestamp("ns"))), PARQUET)

    assert result.cells("c") == [cell, None]
    assert (result.column("c")["min"], result.column("c")["type"]) == (cell, "timestamp")
    assert duckdb.read_parquet(str(result.data)).types == [kind]


def raw_int96(*values: tuple[int, int]) -> bytes:
    """A file of INT96 values: days since 1970 and nanoseconds, as pyarrow cannot write them."""
    twelve = [
        nanoseconds.to_bytes(8, "little", signed=True) + ((day + 2_440_588) % 2**32).to_bytes(4, "little")
        for day, nanoseconds in values
    ]

    def change(footer: Struct) -> None:
        leaf = footer.value(SCHEMA).values[1]
        leaf[1] = I32, 3
        for chunk in chunks(footer):
            chunk[1] = I32, 3
            chunk.pop(STATISTICS)

    return with_footer(of_arrow(pa.array(twelve, pa.binary(12))), change)


def test_int96_holds_any_year(process: ProcessDataset) -> None:
    result = process(raw_int96((-719_528 - 365, 0), (2_932_897, 1_000), (-135_140, 5_000_000)), PARQUET)

    assert result.cells("c") == [
        "-0001-01-01T00:00:00",
        "10000-01-01T00:00:00.000001",
        "1600-01-01T00:00:00.005",
    ]


def test_int96_beyond_64_bits_of_microseconds_is_read_as_spark_wrote_it(process: ProcessDataset) -> None:
    turned, nanoseconds = divmod(9_089_380_393_200_000_000 - 2**64, 86_400_000_000)

    assert process(raw_int96((turned, nanoseconds * 1_000)), PARQUET).cells("c") == ["290000-12-30T23:00:00"]


def test_int96_that_is_both_far_and_fine_is_text(process: ProcessDataset) -> None:
    result = process(raw_int96((2_932_897, 1), (-719_528, 86_399_999_999_999)), PARQUET)

    assert result.cells("c") == ["10000-01-01T00:00:00.000000001", "0000-01-01T23:59:59.999999999"]
    assert result.column("c")["type"] == "text"


def test_int96_inside_other_types_is_read_as_well(process: ProcessDataset) -> None:
    kind = pa.struct(
        [
            ("l", pa.list_(pa.timestamp("ns"))),
            ("m", pa.map_(pa.string(), pa.timestamp("ns"))),
            ("n", pa.int8()),
        ]
    )
    row = {"l": [NANOSECONDS, None], "m": [("k", NANOSECONDS)], "n": 7}
    result = process(int96(pa.array([row, None], kind)), PARQUET)

    moment = "2024-01-31T10:00:00.123456789"
    assert json.loads(result.cells("c")[0]) == {"l": [moment, None], "m": {"k": moment}, "n": 7}
    assert result.cells("c")[1] is None


@pytest.mark.parametrize("scale", [0, 6, 76])
def test_decimals_of_more_than_38_digits_are_text(process: ProcessDataset, scale: int) -> None:
    whole = [0, 1, -1, 10**76 - 1, 1 - 10**76, 2**128, -(2**128), 10**19, -(10**38), 123 * 10**40 + 7]
    numbers = [Decimal((int(number < 0), tuple(map(int, str(abs(number)))), -scale)) for number in whole]
    result = process(of_arrow(pa.array([*numbers, None], pa.decimal256(76, scale))), PARQUET)

    assert result.cells("c") == [*(f"{number:f}" for number in numbers), None]
    assert result.column("c")["type"] == "text"


def test_decimals_of_more_than_38_digits_inside_another_type_are_refused(process: ProcessDataset) -> None:
    numbers = pa.array([[Decimal(1)]], pa.list_(pa.decimal256(76, 6)))

    assert refusal(process, of_arrow(numbers)).detail == (
        "Decimals of more than 38 digits inside another type are not supported."
    )


@pytest.mark.parametrize("scale", [-1, 77, 2**31 - 1])
def test_a_scale_that_the_digits_do_not_allow_is_refused(process: ProcessDataset, scale: int) -> None:
    def change(footer: Struct) -> None:
        footer.value(SCHEMA).values[1][7] = I32, scale

    payload = with_footer(of_arrow(pa.array([Decimal(1)], pa.decimal256(76, 0))), change)

    assert refusal(process, payload).detail == "The file cannot be read: its metadata is damaged."


def not_utf8(texts: list[bytes | None]) -> pa.Array:
    return pa.array(texts, pa.binary()).view(pa.string())


def test_a_column_of_text_that_is_not_utf8_is_binary(process: ProcessDataset) -> None:
    table = pa.table(
        {"a": not_utf8([b"ab\xffcd", None]), "b": pa.array(["ü", "\\x41"]), "n": pa.array([1, 2])}
    )
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    result = process(bytes(sink.getvalue().to_pybytes()), PARQUET)

    assert [column["type"] for column in result.profile["columns"]] == ["binary", "text", "integer"]
    assert result.preview["rows"] == [["ab\\xFFcd", "ü", 1], [None, "\\x41", 2]]


def test_nested_text_that_is_not_utf8_is_refused_without_quoting_it(process: ProcessDataset) -> None:
    array = pa.ListArray.from_arrays([0, 1], not_utf8([b"secret\xff"]))

    assert refusal(process, of_arrow(array)).detail == (
        "The file holds text that is not UTF-8 inside another type."
    )


@pytest.mark.parametrize(
    "geo",
    [
        b"no JSON",
        b'{"version": "0.4.0", "primary_column": "c", "columns": {"c": {"encoding": "WKB"}}}',
        b'{"version": "1.0.0", "primary_column": "c", "columns":'
        b' {"c": {"encoding": "WKB", "geometry_types": [], "crs": "EPSG:4326"}}}',
    ],
)
def test_an_odd_geo_key_is_no_reason_to_refuse_a_table(process: ProcessDataset, geo: bytes) -> None:
    point = b"\x01\x01\x00\x00\x00" + bytes(16)

    def change(footer: Struct) -> None:
        kind, pairs = footer.get(PAIRS, (LIST, Items(STRUCT, [])))
        pair = Struct({1: (BINARY, b"geo"), 2: (BINARY, geo)})
        footer[PAIRS] = kind, Items(STRUCT, [*pairs.values, pair])

    result = process(with_footer(of_arrow(pa.array([point])), change), PARQUET)

    assert result.report.summary["rows"] == 1


def test_an_encrypted_file_is_named_as_one(process: ProcessDataset) -> None:
    refused = refusal(process, b"PARE" + bytes(40) + b"PARE")

    assert refused.code == ProblemCode.INVALID_CONTENT
    assert refused.detail == ENCRYPTED


def test_a_file_with_encrypted_columns_is_named_as_encrypted(process: ProcessDataset) -> None:
    key = Struct({2: (STRUCT, Struct({1: (LIST, Items(BINARY, [b"c"]))}))})

    def change(footer: Struct) -> None:
        footer[8] = STRUCT, Struct({1: (STRUCT, Struct({2: (BINARY, b"12345678")}))})
        for group in footer.value(GROUPS).values:
            for chunk in group.value(COLUMNS).values:
                chunk[8] = STRUCT, key

    assert refusal(process, with_footer(of_arrow(pa.array([1])), change)).detail == ENCRYPTED


@pytest.mark.parametrize("size", [4, 8, 11, 200, -1, -4, -8])
def test_a_file_that_is_cut_off_is_told_so(process: ProcessDataset, size: int) -> None:
    refused = refusal(process, of_arrow(pa.array([1, 2, 3]))[:size])

    assert (refused.code, refused.detail) == (ProblemCode.INVALID_CONTENT, "The Parquet file is cut off.")


def test_a_file_without_columns_is_told_so(process: ProcessDataset) -> None:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({}), sink)

    assert refusal(process, sink.getvalue().to_pybytes()).detail == "The file has no columns."


FIVE, SIX = (number.to_bytes(8, "little") for number in (5, 6))
MAXIMUM, MINIMUM, NULLS, DISTINCT, MAXIMUM_VALUE, MINIMUM_VALUE, MAXIMUM_EXACT, MINIMUM_EXACT = range(1, 9)
RANGE = (MAXIMUM, MINIMUM, MAXIMUM_VALUE, MINIMUM_VALUE)
LIES: dict[str, dict[int, tuple[int, Any]]] = {
    "another range": dict(zip(RANGE, [(BINARY, value) for value in (SIX, FIVE, SIX, FIVE)], strict=True)),
    "one value": {
        **dict.fromkeys(RANGE, (BINARY, FIVE)),
        **dict.fromkeys((MAXIMUM_EXACT, MINIMUM_EXACT), (TRUE, None)),
        NULLS: (I64, 0),
        DISTINCT: (I64, 1),
    },
    "no nulls": {NULLS: (I64, 0)},
    "all nulls": {NULLS: (I64, 3_000)},
}


@pytest.mark.parametrize("lie", LIES)
def test_statistics_in_the_footer_are_not_believed(process: ProcessDataset, lie: str) -> None:
    numbers = [number if number % 3 else None for number in range(3_000)]
    honest = of_arrow(pa.array(numbers, pa.int64()))

    def change(footer: Struct) -> None:
        for chunk in chunks(footer):
            for field, value in LIES[lie].items():
                chunk.value(STATISTICS)[field] = value

    result = process(with_footer(honest, change), PARQUET)

    assert arrow_values(result) == numbers
    assert result.profile == process(honest, PARQUET).profile
    column = result.column("c")
    assert (column["min"], column["max"], column["nulls"], column["distinct"]) == (1, 2_999, 1_000, 2_000)


def test_statistics_that_make_no_sense_refuse_no_file(process: ProcessDataset) -> None:
    earliest = pa.array([-(2**63)], pa.int64())[0].as_py().to_bytes(8, "little", signed=True)

    def change(footer: Struct) -> None:
        for chunk in chunks(footer):
            for field in (1, 2, 5, 6):
                chunk.value(STATISTICS)[field] = BINARY, earliest

    payload = of_arrow(pa.array([datetime(2024, 1, 31)], pa.timestamp("us")))  # noqa: DTZ001

    assert process(with_footer(payload, change), PARQUET).cells("c") == ["2024-01-31T00:00:00"]


FAR = "a timestamp outside of the years -290306 to 294247"


@pytest.mark.parametrize("is_nested", [False, True])
@pytest.mark.parametrize(
    ("unit", "count"), [("us", -(2**63)), ("us", -(2**63) + 2), ("ms", 2**63 - 1), ("ms", -(2**63) + 1)]
)
def test_a_timestamp_that_cannot_be_shown_is_refused_by_its_column(
    process: ProcessDataset, unit: str, count: int, is_nested: bool
) -> None:
    array = pa.array([count]).cast(pa.timestamp(unit))

    refused = refusal(process, of_arrow(pa.array([[array[0]]]) if is_nested else array))

    assert refused.detail == f"Column 1 holds {FAR}, which is not supported."


@pytest.mark.parametrize(
    ("count", "kind"),
    [
        *((count, pa.timestamp("ms")) for count in (2**63 - 2, -(2**63), 2**62, 9_223_372_036_854_776)),
        *((count, pa.timestamp("us", "UTC")) for count in (-(2**63), -(2**63) + 5)),
    ],
)
def test_timestamps_that_no_reader_holds_are_refused_in_our_words(
    process: ProcessDataset, count: int, kind: pa.DataType
) -> None:
    refused = refusal(process, of_arrow(pa.array([count]).cast(kind)))

    assert refused.detail == (
        "The file cannot be read: a timestamp lies outside of the years -290306 to 294247."
    )


@pytest.mark.parametrize("unit", ["us", "ns"])
def test_the_last_moment_of_64_bits_is_that_moment(process: ProcessDataset, unit: str) -> None:
    array = pa.array([2**63 - 1]).cast(pa.timestamp(unit))

    (moment,) = process(of_arrow(array), PARQUET).cells("c")
    assert process(of_arrow(pa.array([[array[0]]])), PARQUET).cells("c") == [f'["{moment}"]']


@pytest.mark.parametrize("count", [-1, 86_400_000_001, -987_654_321])
@pytest.mark.parametrize("is_nested", [False, True])
def test_a_time_outside_of_its_day_is_refused_without_a_word_of_it(
    process: ProcessDataset, count: int, is_nested: bool
) -> None:
    array = pa.array([count]).cast(pa.time64("us"))

    refused = refusal(process, of_arrow(pa.array([[array[0]]]) if is_nested else array))

    assert refused.detail == "The file cannot be read: a time lies outside of its day."


def test_keys_of_a_map_are_texts_that_may_repeat(process: ProcessDataset) -> None:
    numbers = pa.array([[(1.5, 1), (float("nan"), 2), (1.5, 3)]], pa.map_(pa.float64(), pa.int32()))

    assert process(of_arrow(numbers), PARQUET).cells("c") == ['{"1.5":1,"NaN":2,"1.5":3}']


NO_JSON = ['{"x":1,}', "[1,2,]", '{"x":nan}', "-inf", "", "{x:1}", "1 2", "{'x':1}", '"\\ud800"']


@pytest.mark.parametrize("text", NO_JSON)
def test_what_is_called_json_and_is_none_is_text(process: ProcessDataset, text: str) -> None:
    result = process(of_arrow(pa.array(['{"x": 1.50}', None, text], pa.json_())), PARQUET)

    assert (result.column("c")["type"], result.cells("c")) == ("text", ['{"x": 1.50}', None, text])


def test_only_the_column_that_holds_no_json_becomes_text(process: ProcessDataset) -> None:
    columns = {
        "right": pa.array(['{"text":"NaN, ]"}'], pa.json_()),
        "wrong": pa.array(["nothing"], pa.json_()),
        "other": pa.array([1]),
    }
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(columns), sink)

    result = process(bytes(sink.getvalue().to_pybytes()), PARQUET)

    assert [column["type"] for column in result.profile["columns"]] == ["json", "text", "integer"]
    assert result.preview["rows"] == [['{"text":"NaN, ]"}', "nothing", 1]]


@pytest.mark.parametrize("text", NO_JSON)
def test_what_is_no_json_inside_another_type_is_a_string_of_it(process: ProcessDataset, text: str) -> None:
    storage = pa.StructArray.from_arrays(
        [pa.ExtensionArray.from_storage(pa.json_(), pa.array([text]))], names=["a"]
    )

    (cell,) = process(of_arrow(storage), PARQUET).cells("c")

    assert json.loads(cell) == {"a": text}


@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_a_page_that_its_checksum_denies_is_refused(process: ProcessDataset, version: str) -> None:
    array = pa.array(range(5_000), pa.int64())
    options = {"use_dictionary": False, "compression": "none", "data_page_version": version}
    payload = of_arrow(array, write_page_checksum=True, **options)
    wrong = payload.replace((4_321).to_bytes(8, "little"), (4_322).to_bytes(8, "little"), 1)

    assert process(payload, PARQUET).report.summary["rows"] == 5_000
    assert refusal(process, wrong).detail == (
        "The checksum of a page in column 1 is wrong; the file is damaged."
    )


def test_a_map_without_values_is_a_list_of_its_keys(process: ProcessDataset) -> None:
    key = pa.struct([pa.field("key", pa.int32(), nullable=False)])
    entries = pa.array([[{"key": 1}, {"key": 2}], []], pa.list_(pa.field("element", key, nullable=False)))
    payload = of_arrow(entries)

    def change(footer: Struct) -> None:
        elements = footer.value(SCHEMA).values
        group, repeated = elements[1:3]
        group[6] = I32, 1
        group.pop(10, None)
        repeated[5] = I32, 1
        elements.remove(elements[3])
        for chunk in chunks(footer):
            chunk[3] = LIST, Items(BINARY, [b"c", b"list", b"key"])

    result = process(with_footer(payload, change), PARQUET)

    assert result.cells("c") == ["[1,2]", "[]"]


@pytest.mark.parametrize(
    ("unit", "last"), [("us", "294247-01-10T04:00:54.775807"), ("ns", "2262-04-11T23:47:16.854775807")]
)
def test_the_last_moment_of_64_bits_is_one_like_any_other(
    process: ProcessDataset, unit: str, last: str
) -> None:
    result = process(of_arrow(pa.array([2**63 - 1, 0, None], pa.timestamp(unit))), PARQUET)
    column = result.column("c")

    assert result.cells("c") == [last, "1970-01-01T00:00:00", None]
    assert (column["max"], column["non_finite"], sum(column["histogram"]["counts"])) == (last, 0, 2)


ALIKE = pa.struct([("a", pa.float64()), ("A", pa.string()), ("b", pa.timestamp("ns"))])


def test_members_that_differ_only_in_case_keep_their_names(process: ProcessDataset) -> None:
    rows = [{"a": float("nan"), "A": '"A_1":1', "b": NANOSECONDS}, None, {"a": 1.5, "A": None, "b": None}]
    result = process(of_arrow(pa.array(rows, ALIKE), use_deprecated_int96_timestamps=True), PARQUET)

    assert result.cells("c") == [
        '{"a":"NaN","A":"\\"A_1\\":1","b":"2024-01-31T10:00:00.123456789"}',
        None,
        '{"a":1.5,"A":null,"b":null}',
    ]
    assert duckdb.read_parquet(str(result.data)).types == ["JSON"]


def test_they_keep_them_at_any_depth(process: ProcessDataset) -> None:
    nested = pa.struct([("list", pa.list_(ALIKE)), ("inner", ALIKE)])
    row = {"list": [{"a": 1.0, "A": "x", "b": None}], "inner": None}

    assert process(of_arrow(pa.array([row], nested)), PARQUET).cells("c") == [
        '{"list":[{"a":1.0,"A":"x","b":null}],"inner":null}'
    ]


def test_a_member_without_a_name_keeps_it(process: ProcessDataset) -> None:
    alone, beside = pa.array([{"": 2}]), pa.array([[{"": 2, "element1": 2.5}]])

    assert process(of_arrow(alone), PARQUET).cells("c") == ['{"":2}']
    assert process(of_arrow(beside), PARQUET).cells("c") == ['[{"":2,"element1":2.5}]']


def lists(levels: int) -> bytes:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return of_arrow(pa.array([value]))


def test_lists_in_lists_are_read_as_far_as_there_is_time(process: ProcessDataset) -> None:
    refused = refusal(process, lists(17))

    assert process(lists(16), PARQUET).cells("c") == ["[" * 16 + "1" + "]" * 16]
    assert (refused.code, refused.detail) == (
        ProblemCode.LIMIT_EXCEEDED,
        "Column 1 is nested too deeply: 16 lists in lists are allowed.",
    )


def test_decimals_tell_how_many_digits_are_behind_their_point(process: ProcessDataset) -> None:
    prices = process(of_arrow(pa.array([Decimal("1.10")], pa.decimal128(10, 2))), PARQUET)
    wholes = process(of_arrow(pa.array([Decimal("7")], pa.decimal128(10, 0))), PARQUET)

    assert (prices.cells("c"), prices.column("c")["decimals"]) == ([1.1], 2)
    assert (wholes.cells("c"), wholes.column("c")["decimals"]) == ([7], None)


def test_two_members_of_one_name_are_refused(process: ProcessDataset) -> None:
    twice = pa.StructArray.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])

    with pytest.raises(InvalidPayload, match="In column 1, a struct has two members of the same name"):
        process(of_arrow(twice), PARQUET)


def test_columns_that_are_renamed_say_so(process: ProcessDataset) -> None:
    sink = pa.BufferOutputStream()
    columns = [pa.array([number]) for number in range(4)]
    pq.write_table(pa.Table.from_arrays(columns, names=["a", "A", "", "b_1"]), sink)
    result = process(bytes(sink.getvalue().to_pybytes()), PARQUET)

    assert [(column["name"], column["original_name"]) for column in result.profile["columns"]] == [
        ("a", None),
        ("A_2", "A"),
        ("column_3", ""),
        ("b_1", None),
    ]


def test_a_file_that_leaves_the_number_of_rows_at_nought_is_read(process: ProcessDataset) -> None:
    def change(footer: Struct) -> None:
        footer[ROWS] = I64, 0

    assert process(with_footer(of_arrow(pa.array([1, 2])), change), PARQUET).report.summary["rows"] == 2


def test_the_payload_itself_is_never_changed(process: ProcessDataset, tmp_path: Path) -> None:
    source = tmp_path / "int96.parquet"
    source.write_bytes(int96(pa.array([NANOSECONDS], pa.timestamp("ns"))))
    before = hashlib.sha256(source.read_bytes()).digest()

    assert patched(source, tmp_path / "copy.parquet", Changes()) is not None
    assert hashlib.sha256(source.read_bytes()).digest() == before


@pytest.mark.parametrize("field", [SCHEMA, GROUPS])
def test_a_footer_of_other_types_is_refused(process: ProcessDataset, field: int) -> None:
    def change(footer: Struct) -> None:
        footer[field] = I32, 7

    payload = with_footer(int96(pa.array([NANOSECONDS], pa.timestamp("ns"))), change)

    assert refusal(process, payload).code == ProblemCode.INVALID_CONTENT

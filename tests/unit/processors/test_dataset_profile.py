"""The profile against independent sums: Python's csv, statistics and Counter."""

import csv
import io
import json
import math
import random
import statistics
from collections import Counter
from datetime import date, datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import pytest

from .conftest import ProcessDataset, Result, parquet_bytes

PARQUET = "application/vnd.apache.parquet"
ROWS = 3_000


@pytest.fixture(scope="module")
def table() -> list[dict[str, str]]:
    chance = random.Random(7)
    return [
        {
            "id": str(number),
            "price": "" if number % 10 == 0 else f"{chance.gauss(100, 15):.2f}",
            "day": (date(2020, 1, 1) + timedelta(days=chance.randrange(900))).isoformat(),
            "paid": chance.choice(["true", "false", ""]),
            "city": chance.choice(["Rome", "Oslo", "São Paulo", "", "=HYPERLINK()", "-1 nowhere"]),
        }
        for number in range(ROWS)
    ]


@pytest.fixture
def result(process: ProcessDataset, table: list[dict[str, str]]) -> Result:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(table[0]))
    writer.writeheader()
    writer.writerows(table)
    return process(text.getvalue())


def values(table: list[dict[str, str]], name: str) -> list[str]:
    return [row[name] for row in table if row[name]]


def of_parquet(process: ProcessDataset, tmp_path: Path, query: str) -> Result:
    return process(parquet_bytes(tmp_path, query), PARQUET)


def test_types_nulls_and_distinct_values_agree_with_python(
    result: Result, table: list[dict[str, str]]
) -> None:
    found = {
        column["name"]: (column["type"], column["nulls"], column["distinct"])
        for column in result.profile["columns"]
    }
    kinds = {"id": "integer", "price": "number", "day": "date", "paid": "boolean", "city": "text"}

    assert found == {
        name: (kind, ROWS - len(values(table, name)), len(set(values(table, name))))
        for name, kind in kinds.items()
    }


def test_numbers_agree_with_python(result: Result, table: list[dict[str, str]]) -> None:
    prices = [float(value) for value in values(table, "price")]
    column = result.column("price")

    assert (column["min"], column["max"]) == (min(prices), max(prices))
    assert column["mean"] == pytest.approx(statistics.fmean(prices))
    assert column["std"] == pytest.approx(statistics.stdev(prices))
    assert column["quartiles"] == pytest.approx(statistics.quantiles(prices, n=4, method="inclusive"))
    assert column["top"] is None


def test_the_histogram_agrees_with_python(result: Result, table: list[dict[str, str]]) -> None:
    prices = [float(value) for value in values(table, "price")]
    edges, counts = result.column("price")["histogram"].values()

    assert len(edges) == 21
    assert (edges[0], edges[-1]) == (min(prices), max(prices))
    inner = [sum(low <= price < high for price in prices) for low, high in pairwise(edges)]
    inner[-1] += prices.count(max(prices))
    assert counts == inner


def test_dates_are_iso_strings(result: Result, table: list[dict[str, str]]) -> None:
    days = sorted(values(table, "day"))
    column = result.column("day")

    assert (column["min"], column["max"]) == (days[0], days[-1])
    assert column["histogram"]["edges"][0] == f"{days[0]}T00:00:00"
    assert sum(column["histogram"]["counts"]) == ROWS
    assert abs(
        datetime.fromisoformat(column["quartiles"][1]) - datetime.fromisoformat(days[ROWS // 2])
    ) <= timedelta(1)
    assert column["mean"] is column["std"] is None


def test_the_most_frequent_values_agree_with_python(result: Result, table: list[dict[str, str]]) -> None:
    for name in ("city", "paid"):
        top = {str(entry["value"]): entry["count"] for entry in result.column(name)["top"]}
        assert {value.lower(): count for value, count in top.items()} == {
            value.lower(): count for value, count in Counter(values(table, name)).items()
        }
    assert [entry["count"] for entry in result.column("city")["top"]] == sorted(
        Counter(values(table, "city")).values(), reverse=True
    )


def test_formulas_are_counted(result: Result, table: list[dict[str, str]]) -> None:
    cities = values(table, "city")

    assert result.column("city")["formula_like"] == sum(city[0] in "=+-@" for city in cities)
    assert result.column("price")["formula_like"] is None


@pytest.mark.parametrize(
    ("cell", "is_formula"),
    [
        *[
            (one, True)
            for one in ("=1+1", "@SUM(A1)", "\t=1", "-2+3", "+1+1", "-1-1", "-A1", "+cmd|' /C'!A0")
        ],
        *[(one, True) for one in ("-1 nowhere", "- a dash", "--", "+1*A1", "-(1)", "+(2+3)", "-1\n=2", "-€")],
        *[
            (one, False)
            for one in ("-", "+", "- ", "-12,50 €", "-€ 12.50", "- 1'234.50", "-5 %", "-1.5E+3", "-.5", "+,5")
        ],
        *[(one, False) for one in ("+49 89 123456", "+49-89-123456", "+1 (800) 555-0199", "+4989123456")],
        *[(one, False) for one in ("a=1", "1-2", "\u22121")],
    ],
)
def test_a_sign_makes_a_formula_only_before_what_is_no_number(
    process: ProcessDataset, tmp_path: Path, cell: str, is_formula: bool
) -> None:
    quoted = cell.replace("'", "''")
    result = of_parquet(process, tmp_path, f"SELECT '{quoted}' AS a")

    assert result.column("a")["formula_like"] == is_formula


def test_formulas_stay_text_in_everything_that_is_exported(process: ProcessDataset) -> None:
    formulas = ['=HYPERLINK("http://example.com","x")', "+1+1", "-2+3", "@SUM(A1:A9)"]
    text = io.StringIO(newline="")
    csv.writer(text).writerows([["=a", "b"], *([formula, "x"] for formula in formulas)])

    result = process(text.getvalue())

    assert result.column("=a")["formula_like"] == 4
    assert result.cells("=a") == formulas
    assert duckdb.read_parquet(str(result.data)).types == ["VARCHAR", "VARCHAR"]
    # No format that a spreadsheet opens as one: JSON and Parquet have no formulas.
    assert {file.media_type for file in result.report.artifacts} == {"application/json", PARQUET}


def test_the_preview_shows_the_first_hundred_rows(result: Result, table: list[dict[str, str]]) -> None:
    assert len(result.preview["rows"]) == 100
    assert result.cells("id") == list(range(100))
    assert result.cells("city") == [row["city"] or None for row in table[:100]]
    assert result.cells("paid") == [json.loads(row["paid"] or "null") for row in table[:100]]


def test_long_cells_are_cut(process: ProcessDataset) -> None:
    result = process("a,b\n1," + "x" * 2_000 + "\n")

    assert result.cells("b") == ["x" * 500 + "…"]
    assert result.column("b")["top"] == [{"value": "x" * 256 + "…", "count": 1}]
    assert result.column("b")["max"] == "x" * 256 + "…"


def test_above_twenty_thousand_rows_estimates_are_close(process: ProcessDataset) -> None:
    rows = 50_000
    result = process(
        "id,text\n" + "".join(f"{row},v{row % 30_000 if row % 5 else 'often'}\n" for row in range(rows))
    )
    number, text = result.profile["columns"]

    assert number["distinct"] == pytest.approx(rows, rel=0.1)
    assert number["quartiles"] == pytest.approx([rows / 4, rows / 2, rows * 3 / 4], rel=0.05)
    assert sum(number["histogram"]["counts"]) == rows
    assert text["top"][0] == {"value": "voften", "count": rows // 5}


def test_up_to_half_a_million_values_and_four_million_rows_are_exact(process: ProcessDataset) -> None:
    rows = 60_000
    column = process("id,b\n" + "".join(f"{row},x\n" for row in range(rows))).column("id")

    assert (column["distinct"], column["distinct_exact"]) == (rows, True)
    assert column["quartiles"] == [14_999.75, 29_999.5, 44_999.25]
    assert column["quartiles_exact"] is True


def test_estimates_say_so(process: ProcessDataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.processors.dataset.profile.EXACT_DISTINCT", 1_000)
    monkeypatch.setattr("app.processors.dataset.profile.statistics.EXACT_QUARTILE_NUMBERS", 1_000)

    result = process("id,few,text\n" + "".join(f"{row},{row % 7},t{row % 9}\n" for row in range(30_000)))

    assert [
        (column["distinct_exact"], column["quartiles_exact"]) for column in result.profile["columns"]
    ] == [(False, False), (True, False), (True, None)]


def test_text_with_few_values_is_exact_in_large_tables(process: ProcessDataset) -> None:
    result = process("a,b\n" + "".join(f"{row},v{row % 1500}\n" for row in range(30_000)))

    assert result.column("b")["distinct"] == 1_500
    assert {entry["count"] for entry in result.column("b")["top"]} == {20}


@pytest.mark.parametrize(
    ("sql", "kind", "cell"),
    [
        ("'NaN'::DOUBLE", "number", "NaN"),
        ("'-inf'::FLOAT", "number", "-Infinity"),
        ("1e308::DOUBLE", "number", 1e308),
        ("1.5::DECIMAL(38, 10)", "number", 1.5),
        ("123456789012345678.123::DECIMAL(38, 3)", "number", "123456789012345678.123"),
        ("12345678901234567890::DECIMAL(38, 0)", "integer", "12345678901234567890"),
        ("9007199254740991::BIGINT", "integer", 9007199254740991),
        ("-9007199254740993::BIGINT", "integer", "-9007199254740993"),
        ("TIMESTAMPTZ '2024-01-01 10:00:00+02'", "timestamp", "2024-01-01T08:00:00Z"),
        ("TIMESTAMP_NS '2024-01-01 10:00:00.123456789'", "timestamp", "2024-01-01T10:00:00.123456789"),
        # Parquet has no infinities: what DuckDB writes for them are the last and the first moment.
        ("'infinity'::TIMESTAMPTZ", "timestamp", "294247-01-10T04:00:54.775807Z"),
        ("'-infinity'::TIMESTAMP", "timestamp", "-290308-12-21T19:59:05.224193"),
        ("'infinity'::TIMESTAMP_NS", "timestamp", "2262-04-11T23:47:16.854775807"),
        ("'infinity'::DATE", "date", "5881580-07-11"),
        ("[DATE '-infinity']", "json", '["-5877641-06-24"]'),
        ("TIMESTAMP '290000-01-01'", "timestamp", "290000-01-01T00:00:00"),
        (
            "TIMESTAMPTZ_NS '2024-01-31 10:00:00.123456789+00'",
            "timestamp",
            "2024-01-31T10:00:00.123456789Z",
        ),
        ("DATE '0044-03-15 (BC)'", "date", "-0043-03-15"),
        ("DATE '0001-03-15 (BC)'", "date", "0000-03-15"),
        ("TIMESTAMP '0028-08-11 (BC) 08:00:00.5'", "timestamp", "-0027-08-11T08:00:00.5"),
        ("TIMESTAMPTZ '12345-08-11 (BC) 08:00:00+00'", "timestamp", "-12344-08-11T08:00:00Z"),
        ("[DATE '0044-03-15 (BC)', NULL]", "json", '["-0043-03-15",null]'),
        (
            "{'a': TIMESTAMP '2024-01-01', 'b': '44 (BC)'}",
            "json",
            '{"a":"2024-01-01T00:00:00","b":"44 (BC)"}',
        ),
        ("MAP {DATE '0044-03-15 (BC)': 1.50}", "json", '{"-0043-03-15":1.50}'),
        ("MAP {7: TIMESTAMP '2024-01-01'}", "json", '{"7":"2024-01-01T00:00:00"}'),
        ("[0.30000000000000004, 5e-324, 1e300]", "json", "[0.30000000000000004,5e-324,1e300]"),
        ("[18446744073709551615::UBIGINT]", "json", "[18446744073709551615]"),
        ("'[1.10, 12345678901234567890123]'::JSON", "json", "[1.10, 12345678901234567890123]"),
        ("18446744073709551615::UBIGINT", "integer", "18446744073709551615"),
        ("TIME_NS '10:00:00.123456789'", "time", "10:00:00.123456789"),
        ("TIME '10:00'", "time", "10:00:00"),
        ("INTERVAL 1 DAY", "text", "1 day"),
        ("'550e8400-e29b-41d4-a716-446655440000'::UUID", "text", "550e8400-e29b-41d4-a716-446655440000"),
        ("'\\xAA'::BLOB", "binary", "\\xAA"),
        ("{'a': [1, 2]}", "json", '{"a":[1,2]}'),
        ("MAP {'a': 1}", "json", '{"a":1}'),
        ("[1, 2]", "json", "[1,2]"),
        ("true", "boolean", True),
        ("NULL", "text", None),
    ],
)
def test_every_type_of_parquet_has_a_word_and_a_value_in_json(
    process: ProcessDataset, tmp_path: Path, sql: str, kind: str, cell: Any
) -> None:
    result = of_parquet(process, tmp_path, f"SELECT {sql} AS c UNION ALL SELECT NULL")

    assert result.column("c")["type"] == kind
    assert [found for found in result.cells("c") if found is not None] == ([] if cell is None else [cell])
    assert result.column("c")["nulls"] == (2 if cell is None else 1)


@pytest.mark.parametrize(
    ("sql", "cell"),
    [
        ("['NaN'::DOUBLE, 'inf', '-inf', 1.5]", ["NaN", "Infinity", "-Infinity", 1.5]),
        ("""{'t': 'NaN'::FLOAT, 'u': 'NaN, [NaN] and "NaN'}""", {"t": "NaN", "u": 'NaN, [NaN] and "NaN'}),
        ("MAP {'NaN': 'NaN'::DOUBLE}", {"NaN": "NaN"}),
        ("{'t': 'NaN'::DOUBLE, 'd': DATE '2024-01-01'}", {"t": "NaN", "d": "2024-01-01"}),
        ("""'{"t": -Infinity}'::JSON""", {"t": "-Infinity"}),
    ],
)
def test_nested_numbers_that_json_lacks_are_texts(
    process: ProcessDataset, tmp_path: Path, sql: str, cell: Any
) -> None:
    result = of_parquet(process, tmp_path, f"SELECT {sql} AS c")

    [found] = result.cells("c")
    assert json.loads(found, parse_constant=pytest.fail) == cell


def test_json_that_is_written_differently_is_different(process: ProcessDataset, tmp_path: Path) -> None:
    result = of_parquet(process, tmp_path, "SELECT unnest(['[1.1]', '[1.10]', '[1.1]'])::JSON AS c")

    assert result.column("c")["distinct"] == 2


def test_the_preview_names_the_cells_that_it_cuts(process: ProcessDataset) -> None:
    result = process("a,b\n" + "x" * 501 + ",short\n" + "x" * 499 + "…," + "ü" * 600 + "\n")

    assert result.cut == [[0, 0], [1, 1]]
    assert result.cells("a") == ["x" * 500 + "…", "x" * 499 + "…"]


def test_edges_and_quartiles_of_dates_have_any_year(process: ProcessDataset, tmp_path: Path) -> None:
    days = "[DATE '0101-01-01 (BC)', DATE '20000-01-01']"
    column = of_parquet(process, tmp_path, f"SELECT unnest({days}) AS c").column("c")

    edges = column["histogram"]["edges"]
    assert (edges[0], edges[-1]) == ("-0100-01-01T00:00:00", "20000-01-01T00:00:00")
    assert column["quartiles"][1] == "9950-01-01"


def test_numbers_that_are_none_take_no_part(process: ProcessDataset, tmp_path: Path) -> None:
    result = of_parquet(process, tmp_path, "SELECT unnest(['1', '3', 'NaN', 'inf', NULL])::DOUBLE AS c")
    column = result.column("c")

    assert (column["nulls"], column["non_finite"]) == (1, 2)
    assert (column["min"], column["max"], column["mean"]) == (1, 3, 2)
    assert column["quartiles"] == [1.5, 2, 2.5]


def test_extreme_numbers_still_have_a_histogram(process: ProcessDataset, tmp_path: Path) -> None:
    column = of_parquet(process, tmp_path, "SELECT unnest([1e308, -1e308, 0.0]) AS c").column("c")

    assert column["histogram"]["counts"] == [1] + [0] * 9 + [1] + [0] * 8 + [1]
    assert (column["histogram"]["edges"][0], column["histogram"]["edges"][-1]) == (-1e308, 1e308)


def test_equal_values_are_one_bin(process: ProcessDataset) -> None:
    assert process("a,b\n5,x\n5,y\n").column("a")["histogram"] == {"edges": [5.0, 5.0], "counts": [2]}


def test_a_column_without_values_has_no_statistics(process: ProcessDataset) -> None:
    column = process('{"a":null}\n{"a":null}\n', "application/x-ndjson").column("a")

    assert (column["nulls"], column["distinct"], column["min"], column["top"]) == (2, 0, None, [])


def test_wide_tables_are_profiled_column_by_column(process: ProcessDataset) -> None:
    names = [f"n{place}" for place in range(120)]
    rows = [
        ",".join(str(row * place if place % 2 else f"t{row % 3}") for place in range(120))
        for row in range(30)
    ]
    result = process("\n".join([",".join(names), *rows]) + "\n")

    assert [column["name"] for column in result.profile["columns"]] == names
    assert result.column("n119")["max"] == 29 * 119
    assert result.column("n118")["top"] == [{"value": f"t{value}", "count": 10} for value in range(3)]


def test_long_texts_that_begin_alike_are_counted_apart(process: ProcessDataset) -> None:
    beginning = "é" * 200 + "x" * 100
    cells = [beginning + "1", beginning + "2", beginning + "2", "é" * 200, "é" * 256, "é" * 256, "é" * 256]

    column = process("\n".join(("a", *cells))).column("a")

    assert column["top"] == [
        {"value": "é" * 256, "count": 3},
        {"value": beginning[:256] + "…", "count": 2},
        {"value": "é" * 200, "count": 1},
        {"value": beginning[:256] + "…", "count": 1},
    ]
    assert column["distinct"] == 4


def test_long_texts_among_many_are_counted_apart(process: ProcessDataset) -> None:
    cells = [f"{number}" + "x" * 300 for number in range(25_000)] + ["y" * 300 + "1", "y" * 300 + "2"] * 500

    column = process("\n".join(("a", *cells))).column("a")

    assert column["top"][:2] == [{"value": "y" * 256 + "…", "count": 500}] * 2
    assert column["distinct"] == 25_002


@pytest.mark.parametrize("repeats", [1, 10_000])
def test_zero_has_no_sign_where_values_are_counted(process: ProcessDataset, repeats: int) -> None:
    column = process("a\n" + "0.00\n-0.00\n1.25\n" * repeats).column("a")

    assert column["distinct"] == 2


def test_nan_has_no_sign_where_values_are_counted(process: ProcessDataset, tmp_path: Path) -> None:
    query = "SELECT unnest(['nan'::DOUBLE, '-nan'::DOUBLE, 1.5]) AS a"

    assert process(parquet_bytes(tmp_path, query), PARQUET).column("a")["distinct"] == 2


@pytest.mark.parametrize(
    "numbers",
    [
        [1e15 + 0.25, 1e15 + 0.5, 1e15 + 1],
        [1.5e160, 2.5e160, 3.5e160],
        [-1.7e308, 1e308, 1.7e308],
        [1.5e-200, 2.5e-200, 3.5e-200],
        [5e-324, 1e-323, 2e-323],
        [1e9 + number / 1000 for number in range(1000)],
    ],
)
def test_mean_and_deviation_are_right_far_from_zero_and_one(
    process: ProcessDataset, tmp_path: Path, numbers: list[float]
) -> None:
    query = f"SELECT unnest({numbers!r}::DOUBLE[]) AS a"
    exact = [Fraction(number) for number in numbers]
    mean = sum(exact) / len(exact)
    # The root of the variance, in whole numbers: the variance may be no double.
    scale = 2**1200
    squares = sum((number - mean) ** 2 for number in exact) / (len(exact) - 1)
    std = Fraction(math.isqrt(int(squares * scale**2)), scale)

    column = process(parquet_bytes(tmp_path, query), PARQUET).column("a")

    assert column["mean"] == pytest.approx(float(mean), rel=1e-12, abs=0)
    assert column["std"] == pytest.approx(float(std), rel=1e-9, abs=5e-324)


def test_deviations_and_quartiles_of_long_integers_are_exact(process: ProcessDataset) -> None:
    column = process("a\n9007199254740993\n9007199254740995\n").column("a")

    assert column["std"] == pytest.approx(math.sqrt(2))
    assert column["quartiles"] == ["9007199254740993.5", "9007199254740994", "9007199254740994.5"]


QUARTILES = [
    ("DATE", ["2024-01-01", "2024-01-02"], ["T06:00:00", "T12:00:00", "T18:00:00"]),
    ("DATE", ["2024-01-01"] * 2, ["", "", ""]),
    (
        "TIMESTAMP",
        ["2024-01-01T00:00:00", "2024-01-01T00:00:01"],
        ["T00:00:00.250000", "T00:00:00.500000", "T00:00:00.750000"],
    ),
    (
        "TIMESTAMP_NS",
        ["2024-01-01T00:00:00.000000001", "2024-01-01T00:00:00.000000005"],
        ["T00:00:00.000000002", "T00:00:00.000000003", "T00:00:00.000000004"],
    ),
]


@pytest.mark.parametrize(("kind", "moments", "quartiles"), QUARTILES)
def test_quartiles_of_moments_are_not_cut(
    process: ProcessDataset, tmp_path: Path, kind: str, moments: list[str], quartiles: list[str]
) -> None:
    query = f"SELECT CAST(unnest({moments!r}) AS {kind}) AS a"

    column = process(parquet_bytes(tmp_path, query), PARQUET).column("a")

    assert column["quartiles"] == [f"2024-01-01{time}" for time in quartiles]
    assert column["quartiles_exact"]


def test_the_mean_of_long_integers_of_both_signs_is_exact(process: ProcessDataset, tmp_path: Path) -> None:
    query = f"SELECT unnest([{-(2**63)}, {2**63 - 1}, 0, 5]::BIGINT[]) AS a"

    assert process(parquet_bytes(tmp_path, query), PARQUET).column("a")["mean"] == 1


def test_a_quartile_between_two_nanoseconds_is_told(process: ProcessDataset, tmp_path: Path) -> None:
    query = "SELECT unnest([make_timestamp_ns(n) for n in [0, 1, 3]]) AS a"

    quartiles = process(parquet_bytes(tmp_path, query), PARQUET).column("a")["quartiles"]

    assert quartiles == [
        "1970-01-01T00:00:00.00000000050",
        "1970-01-01T00:00:00.000000001",
        "1970-01-01T00:00:00.000000002",
    ]

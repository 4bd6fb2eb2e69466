"""The rules for every format: artifacts, limits, real types, and what must not leak."""

import gzip
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from app.domain.errors import InvalidPayload, ProblemCode
from app.processors import dataset
from app.processors.dataset.engine import connect, identifier, literal

from .conftest import MakeTask, ProcessDataset, parquet_bytes

PARQUET = "application/vnd.apache.parquet"
NDJSON = "application/x-ndjson"
TSV = "text/tab-separated-values"


def packed(content: bytes) -> bytes:
    """Return the content as Gzip without a time, so that each run has the same bytes."""
    return gzip.compress(content, mtime=0)


def refusal(process: ProcessDataset, *payload: object, **limits: int) -> InvalidPayload:
    with pytest.raises(InvalidPayload) as refused:
        process(*payload, **limits)
    return refused.value


def test_the_report_counts_rows_and_columns_and_lists_three_artifacts(process: ProcessDataset) -> None:
    report = process("a,b\n1,2\n3,4\n").report

    assert report.summary == {"format": "csv", "rows": 2, "columns": 2}
    assert [(file.name, file.media_type) for file in report.artifacts] == [
        ("profile.json", "application/json"),
        ("preview.json", "application/json"),
        ("data.parquet", PARQUET),
    ]


@pytest.mark.parametrize(
    ("payload", "media_type", "name"),
    [("a\tb\n1\t2\n", TSV, "tsv"), ('{"a":1,"b":2}\n', NDJSON, "ndjson")],
)
def test_each_text_format_has_its_name(
    process: ProcessDataset, payload: str, media_type: str, name: str
) -> None:
    assert process(payload, media_type).report.summary == {"format": name, "rows": 1, "columns": 2}


@pytest.mark.parametrize(("payload", "media_type"), [("a,b\n1,2\n", "text/csv"), ('{"a":1}\n', NDJSON)])
def test_text_may_be_gzipped(process: ProcessDataset, payload: str, media_type: str) -> None:
    result = process(gzip.compress(payload.encode()), media_type)

    assert result.report.summary["rows"] == 1
    assert result.profile["compression"] == "gzip"


def test_how_a_csv_was_read_is_told(process: ProcessDataset) -> None:
    profile = process("a;b\n1;x\n").profile

    told = {
        key: profile[key] for key in ("format", "delimiter", "quote", "encoding", "header", "compression")
    }
    assert told == {
        "format": "csv",
        "delimiter": ";",
        "quote": '"',
        "encoding": "utf-8",
        "header": True,
        "compression": None,
    }


@pytest.mark.parametrize("media_type", ["text/csv", TSV, NDJSON, PARQUET])
def test_an_empty_file_is_refused(process: ProcessDataset, media_type: str) -> None:
    refused = refusal(process, b"", media_type)

    assert (refused.code, refused.detail) == (ProblemCode.INVALID_CONTENT, "The file is empty.")


@pytest.mark.parametrize("content", [packed(b""), b"\xef\xbb\xbf", b"\xff\xfe"])
def test_a_file_that_is_empty_once_unpacked_is_refused(process: ProcessDataset, content: bytes) -> None:
    assert refusal(process, content).detail == "The file is empty."


@pytest.mark.parametrize(
    "content",
    [
        b"PK\x03\x04\x14\0\0\0",
        b"%PDF-1.7\n1 0 obj",
        b"\x89PNG\r\n\x1a\n\0\0",
        b"<!DOCTYPE html>\n<html><body>a,b</body></html>\n",
        b"a,b\n\x00\x01,2\n",
        packed(b"PK\x03\x04\x14\0\0\0"),
        packed(packed(b"a,b\n1,2\n")),
    ],
)
@pytest.mark.parametrize("media_type", ["text/csv", NDJSON])
def test_text_that_is_something_else_is_refused(
    process: ProcessDataset, content: bytes, media_type: str
) -> None:
    assert refusal(process, content, media_type).code == ProblemCode.MEDIA_TYPE_MISMATCH


def test_parquet_declared_as_csv_is_refused(process: ProcessDataset, tmp_path: Path) -> None:
    payload = parquet_bytes(tmp_path, "SELECT 1 AS a")

    assert refusal(process, payload).code == ProblemCode.MEDIA_TYPE_MISMATCH


@pytest.mark.parametrize("content", [b"a,b\n1,2\n", packed(b"a")])
def test_parquet_that_is_something_else_is_refused(process: ProcessDataset, content: bytes) -> None:
    assert refusal(process, content, PARQUET).code == ProblemCode.MEDIA_TYPE_MISMATCH


def test_damaged_parquet_is_refused_without_a_path_in_the_detail(
    process: ProcessDataset, tmp_path: Path
) -> None:
    payload = bytearray(parquet_bytes(tmp_path, "SELECT range AS a, 'x' || range AS b FROM range(9999)"))
    payload[100:400] = b"?" * 300

    refused = refusal(process, bytes(payload), PARQUET)

    assert refused.code == ProblemCode.INVALID_CONTENT
    assert "/" not in refused.detail


def test_a_gzip_bomb_is_refused_before_it_fills_the_disk(make_task: MakeTask) -> None:
    task = make_task(gzip.compress(b"1\n" * 4_000_000), unpacked_limit=1_000_000)

    with pytest.raises(InvalidPayload) as refused:
        dataset.process(task)

    assert refused.value.code == ProblemCode.LIMIT_EXCEEDED
    assert (task.output / "scratch" / "unpacked").stat().st_size <= 1_000_000


def test_however_often_a_text_is_written_anew_two_are_on_disk(make_task: MakeTask) -> None:
    """The text is packed UTF-16 with a line for the delimiter, a title, and rows of different lengths."""
    table = "sep=;\r\nTrips of 2026\r\n\r\ncity;people;note\r\n" + "Porto;1;x\r\nBergen;2\r\n" * 50
    task = make_task(gzip.compress(table.encode("utf-16")))

    dataset.process(task)

    texts = [path.name for path in (task.output / "scratch").iterdir() if path.is_file()]
    assert "rectangle.csv" in texts
    assert len(texts) == 2


def test_a_parquet_bomb_is_refused(process: ProcessDataset, tmp_path: Path) -> None:
    payload = parquet_bytes(tmp_path, "SELECT 1 AS a FROM range(2000000)")

    assert len(payload) < 100_000
    assert refusal(process, payload, PARQUET, unpacked_limit=1_000_000).code == ProblemCode.LIMIT_EXCEEDED


def test_a_footer_that_promises_other_rows_is_refused(process: ProcessDataset, tmp_path: Path) -> None:
    payload = parquet_bytes(tmp_path, "SELECT range AS a FROM range(8000)")
    footer = len(payload) - 8 - int.from_bytes(payload[-8:-4], "little")
    # 8000 and 8001 in Thrift's compact protocol; the first of them counts the whole file's rows.
    lying = payload[:footer] + payload[footer:].replace(b"\x80\x7d", b"\x82\x7d", 1)

    refused = refusal(process, lying, PARQUET)

    assert refused.code == ProblemCode.INVALID_CONTENT
    assert refused.detail == "The footer says 8001 rows; 8000 can be read."


@pytest.mark.parametrize("cut", [30, -5])
def test_damaged_gzip_is_refused(process: ProcessDataset, cut: int) -> None:
    payload = gzip.compress(b"a,b\n" + b"1,2\n" * 100 + bytes(range(32, 127)))[:cut]

    assert refusal(process, payload).detail == "The gzip data is damaged or cut off."


@pytest.mark.parametrize(("media_type", "megabytes"), [("text/csv", 2.2), (NDJSON, 17)])
def test_a_first_line_without_end_is_refused(
    process: ProcessDataset, media_type: str, megabytes: float
) -> None:
    payload = b"{" * int(megabytes * 1_000_000)

    assert refusal(process, payload, media_type).code == ProblemCode.LIMIT_EXCEEDED


def test_a_nul_character_is_refused_with_its_line(process: ProcessDataset) -> None:
    payload = b"a,b\n" + b"1,2\n" * 50_000 + b"1,\x00\n"

    assert refusal(process, payload).detail == "Line 50002 holds a NUL character."


@pytest.mark.parametrize(
    ("payload", "media_type"),
    [
        (",".join(map(str, range(10_000))) + "\n", "text/csv"),
        ("a,b\n1,2\n" + "," * 9_999 + "\n", "text/csv"),
        ("{" + ",".join(f'"k{place}":1' for place in range(5_001)) + "}\n", NDJSON),
    ],
)
def test_too_many_columns_are_refused(process: ProcessDataset, payload: str, media_type: str) -> None:
    refused = refusal(process, payload, media_type)

    assert refused.code == ProblemCode.LIMIT_EXCEEDED
    assert "5000 are allowed" in refused.detail


def test_parquet_keeps_its_rows_and_types(process: ProcessDataset, tmp_path: Path) -> None:
    query = "SELECT range AS a, [range, 1] AS b, {'x': 'y'} AS c FROM range(50000)"
    result = process(parquet_bytes(tmp_path, query), PARQUET)

    assert result.report.summary == {"format": "parquet", "rows": 50_000, "columns": 3}
    kept = duckdb.read_parquet(str(result.data))
    assert kept.types == ["BIGINT", "BIGINT[]", "STRUCT(x VARCHAR)"]
    assert kept.aggregate("sum(a), max(b[1])").fetchall() == [(1_249_975_000, 49_999)]


def test_a_parquet_file_without_rows_is_fine(process: ProcessDataset, tmp_path: Path) -> None:
    result = process(parquet_bytes(tmp_path, "SELECT 1 AS a, 'x' AS b WHERE false"), PARQUET)

    assert result.report.summary["rows"] == 0
    assert result.preview == {"columns": ["a", "b"], "rows": []}


NAUGHTY = ['a"b', "select", "x'); DROP TABLE t; --", " ", "Größe", "c1", "t", "{}", "%s"]


def test_naughty_column_names_survive_in_parquet(process: ProcessDataset, tmp_path: Path) -> None:
    cells = ", ".join(f"{place} AS {identifier(name)}" for place, name in enumerate(NAUGHTY))
    result = process(parquet_bytes(tmp_path, f"SELECT {cells}"), PARQUET)

    assert result.preview == {"columns": NAUGHTY, "rows": [list(range(len(NAUGHTY)))]}


def test_out_of_memory_is_a_limit(make_task: MakeTask, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = "\n".join(f"{number},{'x' * 2_000}" for number in range(5_000))
    monkeypatch.setattr("app.processors.dataset.engine.SMALLEST_MEMORY_BYTES", 1_000_000)

    with pytest.raises(InvalidPayload) as refused:
        dataset.process(make_task(f"a,b\n{rows}\n", memory_limit=6_000_000))

    assert refused.value.code == ProblemCode.LIMIT_EXCEEDED


def test_the_engine_reaches_its_task_and_nothing_else(make_task: MakeTask, tmp_path: Path) -> None:
    task = make_task("a,b\n1,2\n")
    other = tmp_path / "other.csv"
    other.write_text("secret\n")
    connection = connect(task)

    assert connection.execute(f"FROM read_csv({literal(task.source)})").fetchall() == [(1, 2)]
    with pytest.raises(duckdb.PermissionException):
        connection.execute(f"FROM read_csv({literal(other)})")
    with pytest.raises(duckdb.InvalidInputException, match="locked"):
        connection.execute("SET enable_external_access = true")
    with pytest.raises(duckdb.Error):
        connection.execute("INSTALL httpfs")


def test_importing_the_processors_starts_no_thread() -> None:
    code = "import app.processors.dataset, app.processors.file, os; print(len(os.listdir('/proc/self/task')))"
    if not Path("/proc/self/task").exists():
        pytest.skip("counts threads through /proc")

    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert ran.stdout == "1\n"

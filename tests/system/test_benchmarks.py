"""The benchmarks run to their end and print a figure for each file; which figures, no test says."""

import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import duckdb
import pytest

from benchmarks import (
    api,
    bare_duckdb_proved,
    documents,
    door,
    fairness,
    measuring,
    memory,
    peers,
    pictures,
    pipeline,
    proof,
    relay,
    rounds,
    sandbox,
    tables,
    tables_ours,
    waiters,
    way,
    wide,
)
from benchmarks.rounds import Peer
from benchmarks.samples import Sample, csv_file, ndjson_file, parquet_file
from scripts.build import poppler

RATIO = re.compile(r" \d+\.\d\d ")


@pytest.fixture(autouse=True)
def _fewer_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "RUNS", 1)
    monkeypatch.setattr(sandbox, "OBJECTS", 5)


@pytest.mark.long
@pytest.mark.parametrize(("benchmark", "files"), [(pipeline.main, 6), (tables.main, 2), (proof.main, 3)])
def test_each_file_has_a_ratio(
    benchmark: Callable[[Sequence[str]], None], files: int, capsys: pytest.CaptureFixture[str]
) -> None:
    benchmark(["small"])

    assert len([line for line in capsys.readouterr().out.splitlines() if RATIO.search(line)]) == files


def test_each_width_has_a_ratio(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wide, "ROUNDS", 1)
    monkeypatch.setattr(wide, "WIDTHS", (100,))
    monkeypatch.setattr(wide, "CELLS", {"small": (2_000,)})

    wide.main(["small"])

    assert re.findall(r"200 × 10 .* 1\.00\n.*20 × 100 .* \d+\.\d\d\n", capsys.readouterr().out)


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let each way take one turn, and return the folder for pages and pictures."""
    monkeypatch.setattr(rounds, "RESULTS", tmp_path)
    monkeypatch.setattr(rounds, "ROUNDS", 1)
    return tmp_path


@pytest.mark.long
def test_peers_are_compared_in_a_page_and_a_picture(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Polars and ydata-profiling are in the peers' own environments only."""
    monkeypatch.setattr(peers, "ENVIRONMENT", Path(sys.prefix))
    monkeypatch.setattr(peers, "YDATA", Path(sys.prefix))
    monkeypatch.setattr(peers, "BYTES", {"small": 20_000})

    peers.main(["small"])

    page = (results / "peers.md").read_text()
    assert (
        len(
            re.findall(
                r"\| (?:CSV|NDJSON|Parquet).* \| (?:duckdb|duckdb_proved|pandas) \| \d+\.\d\d \|", page
            )
        )
        == 9
    )
    assert f"duckdb {duckdb.__version__}" in page
    assert re.findall(r"^Without (\w+), which is not installed.$", page, re.MULTILINE) == ["polars", "ydata"]
    assert ElementTree.parse(results / "peers.svg").getroot().tag.endswith("svg")  # noqa: S314  # our own


@pytest.mark.parametrize("make", [csv_file, ndjson_file, lambda folder, _: parquet_file(folder, 1_000)])
def test_duckdb_by_hand_tells_the_same_of_a_table(
    make: Callable[[Path, int], Sample], tmp_path: Path
) -> None:
    sample = make(tmp_path, 100_000)
    ours, by_hand = tmp_path / "ours", tmp_path / "by-hand"
    for by, folder in ((tables_ours, ours), (bare_duckdb_proved, by_hand)):
        folder.mkdir()
        by.run(sample.path, folder)

    told, same = (json.loads((folder / "profile.json").read_text()) for folder in (ours, by_hand))
    assert told["rows"] == same["rows"]
    for column, its in zip(told["columns"], same["columns"], strict=True):
        figures = {name: _comparable(column[name]) for name in its if name != "type"}
        assert figures == {name: _comparable(its[name]) for name in figures}
    rows = [duckdb.read_parquet(str(folder / "data.parquet")).fetchall() for folder in (ours, by_hand)]
    assert rows[0] == rows[1]


def _comparable(figure: Any) -> Any:
    """Return a figure with its moments as seconds, and its numbers to twelve digits."""
    match figure:
        case dict():
            return {name: _comparable(part) for name, part in figure.items()}
        case list():
            return [_comparable(part) for part in figure]
        case str() if re.match(r"\d{4}-\d\d-\d\d", figure):
            return datetime.fromisoformat(f"{figure}+00:00" if ":" in figure else figure).timestamp()
        case float():
            return pytest.approx(figure, rel=1e-12)
        case _:
            return figure


def test_duckdb_by_hand_keeps_the_text_of_a_column_that_a_cell_contradicts(tmp_path: Path) -> None:
    source = tmp_path / "late.csv"
    source.write_text("whole,day\n" + "1,2024-01-31\n" * 30_000 + "007,2024-02-01\n")

    bare_duckdb_proved.run(source, tmp_path)

    table = duckdb.read_parquet(str(tmp_path / "data.parquet"))
    assert table.types == ["VARCHAR", "DATE"]
    assert table.fetchall()[-1] == ("007", date(2024, 2, 1))


@pytest.mark.parametrize(
    "number", ["1e2", "1.50", "-0", "12345678901234567890", "0.12345678901234567", "NaN", '1}\n{"a": [1,]']
)
def test_duckdb_by_hand_refuses_json_that_it_would_change(number: str, tmp_path: Path) -> None:
    source = tmp_path / "numbers.json"
    source.write_text(f'{{"a": 1.5}}\n{{"a": {number}}}\n')

    with pytest.raises(bare_duckdb_proved.NotProvedError):
        bare_duckdb_proved.run(source, tmp_path)


def test_duckdb_by_hand_refuses_rows_that_it_cannot_count(tmp_path: Path) -> None:
    source = tmp_path / "blank.csv"
    source.write_text("a,b\n1,2\n\n3,4\n")

    with pytest.raises(bare_duckdb_proved.NotProvedError, match="2 of 3 rows"):
        bare_duckdb_proved.run(source, tmp_path)


def test_documents_are_compared_with_what_is_installed(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "ENVIRONMENT", Path(sys.prefix))
    monkeypatch.setattr(documents, "PAGES", {"small": ((1,), (1,))})
    monkeypatch.setenv("PATH", "")

    documents.main(["small"])

    page = (results / "documents.md").read_text()
    assert re.findall(r"\| PDF, 1 (.*page) .* \| (\w+) \| \d+\.\d\d \|", page) == [
        ("page", "pdfium"),
        ("scanned page", "pdfium"),
    ]
    assert "Without poppler, which is not installed." in page
    assert ElementTree.parse(results / "documents.svg").getroot().tag.endswith("svg")  # noqa: S314  # our own


def test_pictures_are_compared_in_a_page_and_a_picture(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def small(folder: Path) -> Iterator[tuple[str, Path]]:
        path = folder / "small.png"
        pictures.photo(200, 200).save(path)
        yield "PNG, small", path

    monkeypatch.setattr(pictures, "ROUNDS", 1)
    monkeypatch.setattr(pictures, "samples", small)

    pictures.main()

    page = (results / "pictures.md").read_text()
    assert re.findall(r"\| PNG, small .* \| (\w+) \| \d+\.\d\d \|", page) == ["pillow", "pyvips"]
    assert ElementTree.parse(results / "pictures.svg").getroot().tag.endswith("svg")  # noqa: S314  # our own


def test_poppler_is_a_peer_where_its_commands_are(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The commands are stand-ins, because not every machine has poppler."""
    for name in poppler.COMMANDS:
        (tmp_path / name).write_text(
            "#!/bin/sh\nprintf 'pdftotext version 1.2\\nThe Poppler Developers' >&2\n"
        )
        (tmp_path / name).chmod(0o755)
    monkeypatch.setattr(documents, "ENVIRONMENT", Path(sys.prefix))
    monkeypatch.setattr(documents, "PAGES", {"small": ((1,), ())})
    monkeypatch.setenv("PATH", str(tmp_path))

    documents.main(["small"])

    page = (results / "documents.md").read_text()
    assert re.search(r"\| PDF, 1 page \| .* \| poppler \| \d+\.\d\d \|", page)
    assert "poppler 1.2." in page


def test_a_peer_is_left_out_for_files_that_are_too_large_for_it(results: Path) -> None:
    small = Peer("pandas", "any", most_bytes=2_000_000)
    comparison = rounds.Comparison("peers", "Tables", (), "benchmarks.tables_ours", [small])

    comparison.publish(lambda folder: [csv_file(folder, size) for size in (1_000_000, 3_000_000)], ["small"])

    page = (results / "peers.md").read_text()
    assert re.findall(r"\| CSV, (\d) MB \| .* \| pandas \|", page) == ["1"]


def test_without_files_of_a_size_the_results_stay(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "ENVIRONMENT", Path(sys.prefix))

    documents.main(["huge"])

    assert not list(results.iterdir())


def test_without_peers_there_is_no_comparison(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "ENVIRONMENT", results)
    monkeypatch.setenv("PATH", "")

    with pytest.raises(SystemExit, match="none is installed"):
        documents.main(["small"])


def test_programs_that_a_way_runs_are_measured_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy = "import time; held = bytearray(b'x') * 150_000_000\nwhile time.process_time() < 0.3: pass"
    (tmp_path / "greedy.py").write_text(
        f"import subprocess, sys\ndef run(*_): subprocess.run([sys.executable, '-c', {busy!r}], check=True)\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    run = measuring.measured("greedy", tmp_path, tmp_path / "output")

    assert run.cpu_seconds >= 0.3
    assert run.peak_bytes >= 150_000_000


@pytest.fixture
def _without_bundles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Wharf run from its sources, and the peers from this environment, which has no Chalice."""
    environment = Path(sys.prefix)
    [packages] = environment.glob("lib/python*/site-packages")
    monkeypatch.setattr(api, "ENVIRONMENT", environment)
    monkeypatch.delitem(api.PEERS, "Chalice")
    monkeypatch.setattr(
        api, "bundles", lambda _: {name: [api.ROOT, packages] for name in ("api", "relay", "worker")}
    )


@pytest.mark.usefixtures("_without_bundles")
def test_each_peer_of_the_api_does_what_wharf_does(tmp_path: Path) -> None:
    ways = api.jobs_in(tmp_path)["api"]

    assert [way.name for way in ways] == [
        "plain boto3",
        "plain boto3, trimmed",
        "Powertools",
        "FastAPI",
        "Wharf",
    ]
    for each in ways:
        api.check(each, tmp_path)


@pytest.mark.long
@pytest.mark.usefixtures("_without_bundles")
def test_the_api_is_compared_in_a_page_and_a_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "RESULTS", tmp_path)
    monkeypatch.setattr(api, "ROUNDS", 1)
    monkeypatch.setattr(api, "CALLS", 5)

    api.main()

    page = (tmp_path / "api.md").read_text()
    row = r"\| Wharf \| \d+ m?s \| \d+\.\d\d \| \d+\.\d\d \|.* \| \d+ MiB \| 1 \|\n"
    assert len(re.findall(row, page)) == 1
    assert len(re.findall(r"\| (?:relay|worker) \| Wharf \| \d+ m?s \| \d+\.\d\d \|", page)) == 2
    assert len(re.findall(r"\| (?:met|missed) \|\n", page)) == 7
    assert ElementTree.parse(tmp_path / "api.svg").getroot().tag.endswith("svg")  # noqa: S314  # our own


def test_memory_is_told_for_each_size(capsys: pytest.CaptureFixture[str]) -> None:
    memory.main(["small"])

    assert len(re.findall(r"\d MB +\d+%", capsys.readouterr().out)) == 2


def test_the_sandbox_is_timed_inside_and_outside(capsys: pytest.CaptureFixture[str]) -> None:
    sandbox.main([])

    assert len(re.findall(r"\d\.\d ms +\d+\.\d ms", capsys.readouterr().out)) == 2


def test_the_relay_is_timed_with_and_without_faults(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "OBJECTS", 20)

    relay.main([])

    row = r"\d+% +\d+% +\d+ +\d\.\d\d +\d\.\d\d +\d+\.\d% +\d+\.\d\d s"
    assert len(re.findall(row, capsys.readouterr().out)) == 5


@pytest.mark.long
def test_each_run_of_the_relay_counts_the_same(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rates and waits hold the processor's time, so they differ."""
    monkeypatch.setattr(relay, "OBJECTS", 100)

    counted = []
    for _ in range(2):
        relay.main([])
        rows = re.findall(r"(\d\.\d\d) +(\d+\.\d%) +\d+\.\d\d s", capsys.readouterr().out)
        counted.append(rows)

    assert counted[0] == counted[1]
    assert len({calls_and_pauses for calls_and_pauses, _ in counted[0]}) == 5


def test_the_door_is_timed_for_both_kinds_of_upload(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "BYTES", 1_000_000)
    monkeypatch.setattr(door, "RUNS", 1)

    door.main([])

    assert len(re.findall(r"\d ms +\d+ ms +\d+\.\d\d", capsys.readouterr().out)) == 2


@pytest.mark.long
def test_clients_that_wait_are_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiters, "CLIENTS", 5)

    waiters.main([])

    assert re.search(r"^5 +-?\d+ +-?\d+ ms +-?\d+ ms +-?\d+ ms", capsys.readouterr().out, re.MULTILINE)


@pytest.mark.long
def test_small_payloads_are_timed_alone_and_beside_a_flood(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fairness, "WARM_UP_SECONDS", 2)
    monkeypatch.setattr(fairness, "ALONE_SECONDS", 2)
    monkeypatch.setattr(fairness, "BESIDE_SECONDS", 2)

    fairness.main([])

    row = r"9 +\d+\.\d\d s +\d+\.\d\d s +\d+\.\d\d s +\d+\.\d\d +\d+% +\d+\.\d"
    assert len(re.findall(row, capsys.readouterr().out)) == 2


@pytest.mark.long
def test_the_whole_way_is_timed_for_each_kind_and_tree(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(way, "WARM_UP_SECONDS", 2)
    monkeypatch.setattr(way, "UPLOADS_OF_EACH", 2)
    monkeypatch.setattr(way, "SMALL_PAYLOADS", 16)
    monkeypatch.setattr(way, "ROUNDS", 1)

    way.main(["small"])

    shown = capsys.readouterr().out
    assert len(re.findall(r" 2(?: +\d+ ms){5}", shown)) == 5
    assert len(re.findall(r"owners? +this +\d+\.\d +1\.00(?: +\d+ ms){3}", shown)) == 2

"""Log lines as a person reads them, and which of them belong together."""

import argparse
import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app.domain.times import utc_now
from app.local import running
from app.local.errors import CannotStart
from app.local.running import Run
from scripts.ops import log_lines, logs, stages, trace
from scripts.ops.log_lines import CloudWatchLogs, Line, LocalLogs
from scripts.ops.trace import related, report
from tests.conftest import NOW

ROOT = Path(__file__).parents[3]
MILLISECONDS = 1_772_357_400_000


@dataclass
class CloudWatch:
    """A CloudWatch client with one event in one log group."""

    group: str
    message: str

    def get_paginator(self, _operation: str) -> "CloudWatch":
        return self

    def paginate(self, **parameters: Any) -> Iterator[Any]:
        event = {"eventId": "1", "timestamp": MILLISECONDS, "message": self.message}
        yield {"events": [event] if parameters["logGroupName"] == self.group else []}


@pytest.mark.parametrize(
    ("group", "message", "expected"),
    [
        (
            "/aws/lambda/wharf-dev-worker",
            json.dumps({"level": "INFO", "message": "object.ready", "service": "wharf", "object_id": "1"}),
            "worker  INFO object.ready object_id=1",
        ),
        ("/aws/lambda/wharf-dev-api", "START RequestId: 1\n", "api     START RequestId: 1"),
        (
            "/aws/apigateway/wharf-dev",
            '{"message": "gateway.request", "status": "200"}',
            "gateway gateway.request status=200",
        ),
        ("/aws/lambda/wharf-dev-relay", "[1]", "relay   [1]"),
    ],
)
def test_a_line_tells_when_where_and_what(group: str, message: str, expected: str) -> None:
    [found] = CloudWatchLogs(CloudWatch(group, message), "wharf-dev").lines(NOW)

    assert str(found) == f"2026-03-01T09:30:00.000Z {expected}"


class Written:
    """The log file of `make run`, with one line per second."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "log.jsonl"
        self._lines: list[str] = []

    def add(self, message: str, **fields: Any) -> None:
        moment = NOW + timedelta(seconds=len(self._lines))
        line = {"message": message, "level": "INFO", "timestamp": moment.isoformat(), **fields}
        self._lines.append(json.dumps(line))
        self.path.write_text("\n".join(self._lines) + "\n")

    def fill(self) -> None:
        self.path.rename(self.path.with_name("log.jsonl.1"))
        self._lines.clear()

    def related(self, wanted: str) -> list[Line]:
        return related(LocalLogs(self.path), wanted, NOW)


@pytest.fixture
def written(tmp_path: Path) -> Written:
    return Written(tmp_path)


def messages(lines: list[Line]) -> list[str]:
    return [line.fields["message"] for line in lines]


def test_the_file_that_was_full_is_read_before_the_one_that_is_written(written: Written) -> None:
    written.add("one")
    written.fill()
    written.add("two")

    assert messages(list(LocalLogs(written.path).lines(NOW))) == ["one", "two"]


def test_a_line_is_the_same_one_after_its_file_was_full(written: Written) -> None:
    written.add("one")
    [before] = LocalLogs(written.path).lines(NOW)
    written.fill()
    written.add("two")

    one, two = LocalLogs(written.path).lines(NOW)
    assert (one.id, two.id == one.id) == (before.id, False)


@pytest.mark.parametrize("text", ["", "{", '{"timestamp": 5}', '{"timestamp": "soon"}', "[1]"])
def test_a_line_that_tells_no_time_is_passed_over(written: Written, text: str) -> None:
    written.path.write_text(f"{text}\n")

    assert list(LocalLogs(written.path).lines(NOW)) == []


def test_what_a_line_holds_cannot_move_the_cursor(written: Written) -> None:
    written.add("one", object_name="\x1b[2J\ud800")

    [line] = LocalLogs(written.path).lines(NOW)
    assert str(line).endswith('one object_name="\\u001b[2J\\ud800"')


def test_many_ids_are_looked_for_in_few_patterns() -> None:
    asked: list[str] = []

    class Noted(CloudWatch):
        def paginate(self, **parameters: Any) -> Iterator[Any]:
            asked.append(parameters["filterPattern"])
            yield {"events": []}

    list(CloudWatchLogs(Noted("", ""), "wharf-dev").lines(NOW, [f"id-{number}" for number in range(25)]))

    assert len(asked) == 5 * 2
    assert asked[0].startswith('?"id-0" ?"id-1" ')
    assert max(map(len, asked)) < 1024


def test_only_lines_since_then_and_with_that_text_are_found(written: Written) -> None:
    written.add("one", object_id="a")
    written.add("two", object_id="a")
    written.add("three", object_id="b")

    found = LocalLogs(written.path).lines(NOW + timedelta(seconds=1), ['"a"'])
    assert messages(list(found)) == ["two"]


def test_a_file_that_is_not_there_is_missed_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match="start `make run` first"):
        list(LocalLogs(tmp_path / "log.jsonl").lines(NOW))


def test_what_has_one_cause_belongs_together_whatever_id_one_begins_with(written: Written) -> None:
    written.add("request.done", correlation_id="r1", trace_id="t1", method="POST", request_seconds=0.5)
    written.add("request.done", correlation_id="r2", method="POST")
    written.add("object.ready", correlation_id="r1", object_id="o1")

    for wanted in ("r1", "t1", "o1"):
        assert messages(written.related(wanted)) == ["request.done", "object.ready"]


def test_a_request_that_only_read_an_object_is_not_in_its_trace(written: Written) -> None:
    written.add("object.ready", correlation_id="r1", object_id="o1")
    written.add("request.done", correlation_id="r2", object_id="o1", method="GET")

    assert messages(written.related("o1")) == ["object.ready"]
    assert messages(written.related("r2")) == ["request.done"]


def test_what_took_long_comes_where_it_began(written: Written) -> None:
    written.add("object.claimed", correlation_id="r1")
    written.add("message.done", correlation_id="r1", seconds=1.5)

    found = written.related("r1")
    told = [line.split() for line in report(found) if line.strip().startswith("+")]

    assert told == [
        ["+0.000", "1.500", "local", "message.done"],
        ["+0.500", "local", "object.claimed"],
    ]


def test_the_request_that_api_gateway_logs_belongs_to_it_too() -> None:
    gateway = Line("1", NOW, "gateway", "", {"message": "gateway.request", "request_id": "r1"})
    ours = Line("2", NOW, "api", "", {"message": "request.done", "correlation_id": "r1", "object_id": "o1"})

    class Both:
        def lines(self, since: datetime, find: Sequence[str] = ()) -> Iterator[Line]:
            assert since.tzinfo is UTC
            yield from (line for line in (gateway, ours) if not set(find).isdisjoint(line.fields.values()))

    assert {line.source for line in related(Both(), "o1", NOW)} == {"gateway", "api"}


def run(monkeypatch: pytest.MonkeyPatch, script: Callable[[], int], folder: Path, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["script", "local", "--data-dir", str(folder), *arguments])
    return script()


SCRIPTS = pytest.mark.parametrize(("script", "options"), [(logs.main, ["--find"]), (trace.main, [])])


class TestHowFarBack:
    """The lines of `written` are months old."""

    @SCRIPTS
    def test_an_id_is_found_however_old_its_lines_are(
        self,
        written: Written,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
        script: Callable[[], int],
        options: list[str],
    ) -> None:
        written.add("object.ready", object_id="o1", correlation_id="r1")
        status = run(monkeypatch, script, written.path.parent, *options, "o1")

        assert status == 0
        assert "object.ready" in capsys.readouterr().out

    @SCRIPTS
    @pytest.mark.parametrize(
        ("since", "said"),
        [
            ([], "The whole log of this machine was read."),
            (["--since", "60"], "were read; --since MINUTES reads more."),
        ],
    )
    def test_what_is_not_found_is_said_with_how_far_it_was_looked_for(
        self,
        written: Written,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
        script: Callable[[], int],
        options: list[str],
        since: list[str],
        said: str,
    ) -> None:
        written.add("object.ready", object_id="o1")
        status = run(monkeypatch, script, written.path.parent, *since, *options, "o2")

        told = "".join(capsys.readouterr())
        assert status == 1
        assert "o2" in told
        assert said in told

    def test_without_an_id_only_recent_lines_are_shown_and_none_is_said(
        self, written: Written, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        written.add("object.ready", object_id="o1")
        status = run(monkeypatch, logs.main, written.path.parent)

        shown = capsys.readouterr()
        assert (status, shown.out) == (0, "")
        assert shown.err.startswith("No line was logged. Lines since 20")

    def test_on_aws_an_id_is_looked_for_in_the_lines_of_a_day(self) -> None:
        asked = parsed("dev")

        assert log_lines.start(asked) < utc_now() - timedelta(hours=23)
        assert log_lines.start(asked, recent=logs.RECENT) > utc_now() - timedelta(hours=1)


def parsed(*arguments: str) -> argparse.Namespace:
    parser = stages.parser("logs", "")
    log_lines.add_arguments(parser, "")
    return parser.parse_args(arguments)


def test_a_log_that_is_written_elsewhere_is_found_by_what_the_run_says(tmp_path: Path) -> None:
    elsewhere = Written(tmp_path / "elsewhere")
    elsewhere.path.parent.mkdir()
    elsewhere.add("one")
    run = Run("", "", "", log_file=str(elsewhere.path), started_at="")
    with running.announced(tmp_path, run):
        found = list(log_lines.of_stage("local", tmp_path).lines(NOW))

    assert messages(found) == ["one"]


class TestWithoutAnId:
    def test_a_person_at_a_terminal_is_asked_for_one(self, written: Written) -> None:
        written.add("object.ready", object_id="o1")
        told = at_a_terminal(written.path.parent, b" o1 \n")

        assert "Id of a request (its Request-Id), a trace or an object: " in told
        assert "object.ready" in told

    @pytest.mark.parametrize("typed", [b"\n", b"\x04"])
    def test_no_answer_is_a_usage_error(self, written: Written, typed: bytes) -> None:
        assert "error: an id is missing" in at_a_terminal(written.path.parent, typed)

    def test_where_nobody_can_be_asked_it_is_a_usage_error(
        self, written: Written, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with Path(os.devnull).open() as nobody:
            monkeypatch.setattr(sys, "stdin", nobody)
            with pytest.raises(SystemExit, match="2"):
                run(monkeypatch, trace.main, written.path.parent, "")

        assert "error: an id is missing" in capsys.readouterr().err


def at_a_terminal(folder: Path, typed: bytes) -> str:
    """Return what `trace` without an id shows to a person who types this."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "scripts.ops.trace", "local", "", "--data-dir", str(folder)]
    try:
        os.write(ours, typed)
        subprocess.run(command, stdin=theirs, stdout=theirs, stderr=theirs, cwd=ROOT, check=False)
        return os.read(ours, 10_000).decode()
    finally:
        os.close(ours)
        os.close(theirs)

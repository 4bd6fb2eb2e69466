"""One upload as an operator sees it, from the logs alone: here, and where each function runs apart."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app.domain.times import timestamp
from scripts.ops.log_lines import CloudWatchLogs, Line, LocalLogs
from scripts.ops.trace import related
from tests.system import shell
from tests.system.client import Client, eventually, send
from tests.system.conftest import Runtime, SignedApi, boto_session
from tests.system.shell import Ran

CSV = b"city,people\nPorto,231800\nBergen,289330\n"
TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE_ID}-00f067aa0ba902b7-01"
WHOLE_WAY = {
    ("request.done", "createObject"),
    ("event.published", "object.created"),
    ("object.claimed", None),
    ("event.published", "object.processing"),
    ("object.ready", None),
    ("message.done", "arrival"),
    ("event.published", "object.ready"),
    ("message.done", "happened"),
}
LONG_AGO = datetime.now(UTC) - timedelta(hours=1)


@pytest.fixture(scope="module")
def client(running: Runtime) -> Client:
    return Client(running.url, {"X-Owner": "traced", "traceparent": TRACEPARENT})


@pytest.fixture(scope="module")
def uploaded(running: Runtime, client: Client) -> str:
    """The id of an object whose payload was uploaded, processed and announced."""
    object_id = client.upload("dataset", "cities.csv", "text/csv", CSV)
    assert client.wait_until_settled(object_id)["status"] == "ready"
    logs = LocalLogs(running.data_dir / "log.jsonl")
    assert eventually(lambda: steps(related(logs, object_id, LONG_AGO)) >= WHOLE_WAY)
    return object_id


def make(running: Runtime, target: str, *options: str) -> Ran:
    return shell.run(["make", "--no-print-directory", target, f"DATA_DIR={running.data_dir}", *options], {})


def steps(lines: list[Line]) -> set[tuple[Any, Any]]:
    """Each with the operation of a request, or the type of a message or an event."""
    return {
        (line.fields.get("message"), line.fields.get("operation") or line.fields.get("type"))
        for line in lines
    }


@pytest.mark.parametrize("wanted", ["request", "object"])
def test_one_upload_is_traced_from_its_request_to_its_last_event(
    running: Runtime, client: Client, uploaded: str, wanted: str
) -> None:
    events = client.get(f"/v1/objects/{uploaded}/history").json()["items"]
    [correlation_id] = {event["correlationid"] for event in events}

    traced = make(running, "trace", f"ID={correlation_id if wanted == 'request' else uploaded}")

    assert traced.status == 0, traced.output
    head, _, table = traced.output.partition("\n\n")
    told = table.splitlines()[1:]
    assert dict(line.split() for line in head.splitlines()) == {
        "correlation_id": correlation_id,
        "trace_id": TRACE_ID,
        "object_id": uploaded,
        "owner": "local-traced",
        "kind": "dataset",
    }
    assert told[0].split()[3] == "request.done"
    assert "type=object.ready" in [line for line in told if "event.published" in line][-1]


def test_every_function_tells_of_the_trace_that_the_client_began(running: Runtime, uploaded: str) -> None:
    lines = related(LocalLogs(running.data_dir / "log.jsonl"), uploaded, LONG_AGO)

    assert steps(lines) >= WHOLE_WAY
    assert {line.fields["trace_id"] for line in lines} == {TRACE_ID}


def test_an_id_that_nothing_has_is_said_in_one_line(running: Runtime) -> None:
    traced = make(running, "trace", "ID=0b7e7d3a-0000-4e6f-8a51-2f1c7f1f6a10")

    assert traced.status != 0
    assert "No line has the id 0b7e7d3a-0000-4e6f-8a51-2f1c7f1f6a10." in traced.output


def test_the_log_of_one_id_is_shown_to_a_person(running: Runtime, uploaded: str) -> None:
    shown = make(running, "logs", f"ID={uploaded}")

    assert shown.status == 0, shown.output
    assert "local   INFO object.ready version=3" in shown.output
    assert all(uploaded in line for line in shown.output.splitlines())


def test_logs_of_a_stack_that_never_ran_are_missed_in_one_line(running: Runtime) -> None:
    missed = make(running, "logs", f"DATA_DIR={running.data_dir}/elsewhere")

    assert missed.status != 0
    assert "start `make run` first" in missed.output


def test_what_is_given_to_make_is_no_command_and_may_have_blanks(running: Runtime, tmp_path: Path) -> None:
    touched = tmp_path / "touched"
    asked = make(running, "trace", f"ID=x`touch {touched}`$$(touch {touched})", f"DATA_DIR={tmp_path}/a b")

    assert f"There is no {tmp_path}/a b/log.jsonl" in asked.output
    assert not touched.exists()


def test_every_line_in_the_file_is_json_and_tells_no_url_that_opens_a_payload(
    running: Runtime, client: Client, uploaded: str
) -> None:
    client.get(f"/v1/objects/{uploaded}/payload")
    text = (running.data_dir / "log.jsonl").read_text()

    lines = [json.loads(line) for line in text.splitlines()]
    assert {"level", "location", "message", "service", "timestamp"} <= set.intersection(*map(set, lines))
    assert "X-Amz-" not in text
    assert "Signature" not in text + running.output()


def test_what_the_running_stack_measures_is_told_to_prometheus(running: Runtime, uploaded: str) -> None:
    answer = send("GET", f"{running.url}/metrics")

    told = dict(line.rsplit(" ", 1) for line in answer.body.decode().splitlines() if line[0] != "#")
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert uploaded not in answer.body.decode()
    for series in (
        'wharf_requests_total{operation="createObject",outcome="ok"}',
        'wharf_objects_total{kind="dataset",outcome="ready"}',
        'wharf_payload_bytes_total{kind="dataset"}',
        'wharf_queue_seconds_count{kind="dataset"}',
        'wharf_processing_seconds_count{kind="dataset"}',
        'wharf_events_total{type="object.ready"}',
        "wharf_relay_seconds_count",
    ):
        assert float(told[series]) >= 1, series


class TestFunctionsApart:
    """Each in a process of its own, as on AWS; what they log is in the emulator's CloudWatch."""

    def test_one_upload_is_traced_through_the_logs_of_all_of_them(self, functions: SignedApi) -> None:
        body = {
            "kind": "dataset",
            "name": "cities.csv",
            "payload": {"media_type": "text/csv", "text": CSV.decode()},
        }
        object_id = functions.call("POST", "/v1/objects", body)["id"]
        logs = CloudWatchLogs(boto_session().client("logs", endpoint_url=functions.endpoint), "wharf")

        assert eventually(lambda: steps(related(logs, object_id, LONG_AGO)) >= WHOLE_WAY)

        lines = related(logs, object_id, LONG_AGO)
        assert len({line.fields["correlation_id"] for line in lines}) == 1
        assert {line.source for line in lines} == {"api", "worker", "relay", "sender"}
        assert all(line.fields["object_id"] == object_id for line in lines)
        assert timestamp(lines[0].moment) <= timestamp(lines[-1].moment)
        measured = {name for line in lines for name in _embedded(line)}
        assert {"requests", "queue_seconds", "objects", "messages", "events", "relay_seconds"} <= measured


def _embedded(line: Line) -> list[str]:
    directives = line.fields.get("_aws", {}).get("CloudWatchMetrics", [])
    return [metric["Name"] for directive in directives for metric in directive["Metrics"]]

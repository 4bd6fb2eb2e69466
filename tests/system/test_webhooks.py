"""Webhooks from end to end: the running service and receivers on this machine."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from signal import SIGINT, SIGTERM
from typing import Any

import pytest
from standardwebhooks import Webhook as Verifier

from tests.receiver import Receiver, receiving
from tests.system.client import eventually
from tests.system.command_line import client_environment, found_url, left_running
from tests.system.conftest import Runtime, SignedApi, call, free_port, started
from wharf_client.cli.exits import INTERRUPTED

ARRIVES_SECONDS = 60
#: The first steps of the schedule, 5 and 30 seconds, and time for a busy machine.
COMES_BACK_SECONDS = 120
JSON = {"Content-Type": "application/json"}


def ask(runtime: Runtime, method: str, path: str, body: Any = None, owner: str = "me") -> dict[str, Any]:
    content = None if body is None else json.dumps(body).encode()
    return call(method, f"{runtime.url}{path}", content, JSON | {"X-Owner": owner})


def test_a_receiver_that_was_down_gets_everything_signed_and_once_by_id(running: Runtime) -> None:
    receiver = Receiver(port=free_port())
    webhook = ask(running, "POST", "/v1/webhooks", {"url": receiver.url}, owner="down")
    records = [
        ask(running, "POST", "/v1/objects", {"kind": "record", "name": f"n{number}"}, owner="down")
        for number in range(12)
    ]
    log = f"/v1/webhooks/{webhook['id']}/deliveries"
    assert eventually(
        lambda: any(one["attempts"] for one in ask(running, "GET", log, owner="down")["items"]),
        ARRIVES_SECONDS,
    )
    with receiving(receiver):
        assert eventually(lambda: len(set(receiver.ids)) == len(records), COMES_BACK_SECONDS)

    assert Counter(receiver.ids) == Counter(f"{record['id']}:1" for record in records)
    for headers, body in receiver.received:
        assert Verifier(webhook["secret"]).verify(body, headers)["data"]["kind"] == "record"


def test_a_test_is_sent_and_the_log_tells_the_answer(running: Runtime) -> None:
    with receiving(Receiver(answer=lambda _: (418, b"teapot"))) as receiver:
        webhook = ask(running, "POST", "/v1/webhooks", {"url": receiver.url}, owner="tester")
        own = f"/v1/webhooks/{webhook['id']}"
        ask(running, "POST", f"{own}/test", owner="tester")
        log = f"{own}/deliveries?status=failed"
        assert eventually(lambda: bool(ask(running, "GET", log, owner="tester")["items"]), ARRIVES_SECONDS)
        [entry] = ask(running, "GET", log, owner="tester")["items"]

    assert entry["event"]["type"] == "webhook.test"
    assert (entry["last_attempt"]["status"], entry["last_attempt"]["answer"]) == (418, "teapot")


def test_what_a_receiver_answers_is_in_no_log(running: Runtime) -> None:
    said = "what-the-receiver-said"
    with receiving(Receiver(answer=lambda _: (500, said.encode()))) as receiver:
        webhook = ask(running, "POST", "/v1/webhooks", {"url": receiver.url}, owner="quiet")
        own = f"/v1/webhooks/{webhook['id']}"
        ask(running, "POST", f"{own}/test", owner="quiet")
        assert eventually(lambda: bool(receiver.received), ARRIVES_SECONDS)
        log = f"{own}/deliveries?status=failed"
        assert eventually(lambda: bool(ask(running, "GET", log, owner="quiet")["items"]), ARRIVES_SECONDS)

    lines = (running.data_dir / "log.jsonl").read_text()
    assert "delivery.attempted" in lines
    assert said not in lines + running.output()
    assert webhook["secret"] not in lines + running.output()


def test_it_says_what_webhooks_may_reach_here_and_keeps_them_from_its_own_ports(running: Runtime) -> None:
    assert f"but not to the ports {running.port} and {running.aws_port}" in running.output()
    for port in (running.port, running.aws_port):
        with pytest.raises(AssertionError, match=": 422 "):
            ask(running, "POST", "/v1/webhooks", {"url": f"http://127.0.0.1:{port}/"})


@contextmanager
def listening(runtime: Runtime, output: Path, ended_by: int) -> Iterator[str]:
    """Run the command behind `make listen` until the block ends, and give its URL."""
    port = free_port()
    environment = client_environment(runtime) | {"WHARF_URL": found_url(runtime)}
    with left_running(environment, "listen", "--port", str(port), output=output) as process:
        yield f"http://127.0.0.1:{port}/"
        process.send_signal(ended_by)
        assert process.wait(30) == INTERRUPTED


@pytest.mark.parametrize("ended_by", [SIGINT, SIGTERM])
def test_make_listen_prints_what_arrives_and_switches_itself_off(
    running: Runtime, tmp_path: Path, ended_by: int
) -> None:
    output = tmp_path / "output"
    with listening(running, output, ended_by) as url:
        assert eventually(lambda: "Listening on" in output.read_text(), ARRIVES_SECONDS)
        created = ask(running, "POST", "/v1/objects", {"kind": "record", "name": "order 42"})
        assert eventually(lambda: created["id"] in output.read_text(), ARRIVES_SECONDS)

    assert f'object.created           {created["id"]}:1 ready "order 42"' in output.read_text()
    listed = ask(running, "GET", "/v1/webhooks")["items"]
    assert [one["enabled"] for one in listed if one["url"] == url] == [False]


def test_a_run_without_webhooks_says_so(tmp_path: Path) -> None:
    with started(tmp_path, settings={"WEBHOOKS": "off"}) as runtime:
        assert "Webhooks" not in runtime.output()
        with pytest.raises(AssertionError, match="webhooks_off"):
            ask(runtime, "GET", "/v1/webhooks")


def test_the_functions_of_the_template_send_to_no_inside(functions: SignedApi) -> None:
    """Rule, queue and function are as on AWS. The name leads nowhere from here, which the log tells."""
    webhook = functions.call("POST", "/v1/webhooks", {"url": "https://receiver.invalid/"})
    functions.call("POST", "/v1/objects", {"kind": "record", "name": "order 42"})
    log = f"/v1/webhooks/{webhook['id']}/deliveries"
    assert eventually(
        lambda: any(one["attempts"] for one in functions.call("GET", log)["items"]), COMES_BACK_SECONDS
    )
    [entry] = functions.call("GET", log)["items"]

    assert (entry["event"]["type"], entry["status"]) == ("object.created", "pending")
    assert entry["last_attempt"]["error"]["code"] in {"not_resolved", "timed_out"}

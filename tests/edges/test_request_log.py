"""The one line that a request leaves: what was called, what came of it, what it cost."""

from typing import Any

import httpx2
import pytest

from app.observability.metrics import FAILED_REQUESTS, PROBLEMS, REPLAYS, REQUESTS, Sample
from tests.conftest import Aws
from tests.edges.stored import ID, URL, behind
from tests.faults import answering, fail

RECORD = {"kind": "record", "name": "order 42"}


class Requests:
    """The lines that requests left."""

    def __init__(self, client: httpx2.Client, caplog: pytest.LogCaptureFixture) -> None:
        self._client = client
        self._caplog = caplog

    def send(self, method: str, path: str, **given: Any) -> dict[str, Any]:
        """The line of this one."""
        self._caplog.clear()
        with self._caplog.at_level("INFO"):
            self._client.request(method, path, **given)
        [line] = [record for record in self._caplog.records if record.message == "request.done"]
        return vars(line)


@pytest.fixture
def requests(client: httpx2.Client, caplog: pytest.LogCaptureFixture) -> Requests:
    return Requests(client, caplog)


def test_a_create_tells_its_object_its_owner_and_its_cost(
    requests: Requests, client: httpx2.Client, aws: Aws
) -> None:
    content = b'{"kind": "record", "name": "order 42"}'
    line = requests.send("POST", "/v1/objects", content=content, headers={"Content-Type": "application/json"})

    [stored] = client.get("/v1/objects").json()["items"]
    assert (line["object_id"], line["kind"], line["owner"]) == (
        stored["id"],
        "record",
        behind(client, aws).owner,
    )
    assert (line["operation"], line["outcome"], line["status"]) == ("createObject", "ok", 201)
    assert (line["request_bytes"], line["aws_calls"]) == (len(content), 1)
    assert line["response_bytes"] > 100


@pytest.mark.parametrize(
    ("method", "path", "operation", "outcome", "code"),
    [
        ("GET", URL, "readObject", "refused", "not_found"),
        ("HEAD", URL, "readObject", "refused", "not_found"),
        ("GET", "/v1/objects", "listObjects", "ok", None),
        ("GET", "/v1/objects?limit=0", "listObjects", "refused", "invalid_input"),
        ("DELETE", "/v1/objects", "none", "refused", "method_not_allowed"),
        ("OPTIONS", "/v1/objects", "none", "ok", None),
        ("GET", "/nothing", "none", "refused", "not_found"),
        ("GET", "/docs/assets/nothing", "none", "refused", "not_found"),
        ("GET", "/healthz", "checkHealth", "ok", None),
    ],
)
def test_a_request_is_counted_by_what_was_called_and_what_came_of_it(
    requests: Requests, samples: list[Sample], method: str, path: str, operation: str, outcome: str, code: str
) -> None:
    line = requests.send(method, path)

    assert (line["operation"], line["outcome"], line.get("code")) == (operation, outcome, code)
    assert REQUESTS(1, operation=operation, outcome=outcome) in samples
    assert (code is None) == (not [sample for sample in samples if sample.metric is PROBLEMS])


@pytest.mark.parametrize("fault", [answering(503), answering(400, "ValidationException")])
def test_a_request_that_failed_is_counted_so(
    requests: Requests, client: httpx2.Client, aws: Aws, samples: list[Sample], fault: Any
) -> None:
    client.event_hooks["response"].clear()  # the document knows no 500
    fail(aws.dynamodb, "GetItem", fault)

    line = requests.send("GET", URL)

    assert (line["outcome"], line["object_id"]) == ("failed", ID)
    assert REQUESTS(1, operation="readObject", outcome="failed") in samples


def test_failures_are_counted_apart_for_each_version_of_the_function(
    requests: Requests,
    client: httpx2.Client,
    aws: Aws,
    samples: list[Sample],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client.event_hooks["response"].clear()
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_VERSION", "7")
    requests.send("GET", URL)
    fail(aws.dynamodb, "GetItem", answering(503))
    requests.send("GET", URL)

    assert [sample for sample in samples if sample.metric is FAILED_REQUESTS] == [
        FAILED_REQUESTS(0, function_version="7"),
        FAILED_REQUESTS(1, function_version="7"),
    ]


def test_a_crash_is_told_with_the_object_that_it_was_about(
    requests: Requests, client: httpx2.Client, aws: Aws, caplog: pytest.LogCaptureFixture
) -> None:
    client.event_hooks["response"].clear()
    fail(aws.dynamodb, "GetItem", answering(400, "ValidationException"))
    requests.send("GET", URL)

    [crash] = [record for record in caplog.records if record.message == "request.crashed"]
    assert vars(crash)["object_id"] == ID


def test_a_replay_is_counted(requests: Requests, samples: list[Sample]) -> None:
    for _ in range(2):
        requests.send("POST", "/v1/objects", json=RECORD, headers={"Idempotency-Key": "order-42"})

    assert samples.count(REPLAYS(1)) == 1


def test_an_id_that_is_none_is_not_told(requests: Requests) -> None:
    assert "object_id" not in requests.send("GET", "/v1/objects/none-of-it")


def test_one_request_does_not_tell_of_the_one_before(
    requests: Requests, client: httpx2.Client, aws: Aws
) -> None:
    behind(client, aws).add("ready")
    requests.send("GET", URL)

    line = requests.send("GET", "/healthz")

    assert {"object_id", "owner", "kind", "code"}.isdisjoint(line)

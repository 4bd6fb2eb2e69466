"""The contents of Lambda's snapshot of the API (SnapStart), and what must not be in it."""

import asyncio
import json
import random
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from threading import Thread
from types import ModuleType
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from app.api.lambda_adapter import create_handler, register_for_snapshots
from app.aws.clients import Clients
from scripts.build import bundle
from tests.conftest import Aws
from tests.faults import calls_of


@pytest.fixture
def make_handler(make_app: Any) -> Iterator[Any]:
    yield lambda auth_mode: create_handler(make_app(auth_mode))
    asyncio.get_event_loop().close()
    asyncio.set_event_loop(None)


class Hooks(ModuleType):
    """A stand-in for Lambda's own package, which keeps the hooks that are registered."""

    def __init__(self) -> None:
        super().__init__("snapshot_restore_py")
        self.before: list[tuple[Any, ...]] = []
        self.after: list[tuple[Any, ...]] = []

    def register_before_snapshot(self, *hook: Any) -> None:
        self.before.append(hook)

    def register_after_restore(self, *hook: Any) -> None:
        self.after.append(hook)


@pytest.fixture
def hooks(monkeypatch: pytest.MonkeyPatch) -> Hooks:
    lambdas = Hooks()
    monkeypatch.setitem(sys.modules, "snapshot_restore_py", lambdas)
    return lambdas


def nothing() -> None:
    pass


@pytest.mark.parametrize("auth_mode", ["api-key", "iam", "cognito"])
def test_a_request_that_changes_nothing_is_answered_before_the_snapshot(
    aws: Aws, make_handler: Any, auth_mode: str, hooks: Hooks
) -> None:
    register_for_snapshots(make_handler(auth_mode), nothing)
    [(call, *arguments)] = hooks.before
    asked_table, asked_bucket = calls_of(aws.dynamodb), calls_of(aws.s3)
    answer = call(*arguments)

    assert answer["statusCode"] == 200
    assert [made.operation for made in asked_table] == ["GetItem"]
    assert [made.operation for made in asked_bucket] == ["HeadBucket"]


def test_where_lambdas_runtime_is_not_nothing_is_primed(aws: Aws, make_handler: Any) -> None:
    asked = calls_of(aws.dynamodb)
    register_for_snapshots(make_handler("api-key"), nothing)

    assert asked == []


def test_two_processes_of_one_snapshot_draw_other_numbers(hooks: Hooks) -> None:
    """botocore waits between its retries as `random` says. uuid4 reads the kernel's randomness."""
    register_for_snapshots(nothing, nothing)  # type: ignore[arg-type]  # it is not called
    [(restore, *arguments)] = hooks.after
    snapshot = random.getstate()
    drawn = []
    for _ in range(2):
        random.setstate(snapshot)
        restore(*arguments)
        drawn.append(random.random())

    assert drawn[0] != drawn[1]


def test_only_what_is_reseeded_after_a_restore_draws_from_random() -> None:
    """The pauses between calls draw from the generator of the module, which the hook seeds anew."""
    function = bundle.FUNCTIONS["api"]
    drawing = {path for path in bundle.sources(function) if "random" in bundle.imports(path, function)}

    assert {path.name for path in drawing} == {"dynamodb.py", "faults.py", "lambda_adapter.py"}
    assert not [path for path in drawing if "Random(" in path.read_text()]


def test_a_connection_of_the_snapshot_is_not_used_after_a_restore(hooks: Hooks) -> None:
    opened: list[str] = []

    class Kept(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            opened.append(self.client_address[0])

        def do_HEAD(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    clients = Clients()
    register_for_snapshots(nothing, clients.drop_connections)  # type: ignore[arg-type]  # it is not called
    [(restore, *arguments)] = hooks.after
    with ThreadingHTTPServer(("127.0.0.1", 0), Kept) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        s3 = clients.client("s3", endpoint_url=f"http://127.0.0.1:{server.server_port}")
        s3.head_bucket(Bucket="payloads")
        s3.head_bucket(Bucket="payloads")
        before = len(opened)
        restore(*arguments)
        s3.head_bucket(Bucket="payloads")
        clients.drop_connections()
        server.shutdown()
        thread.join()

    assert (before, len(opened)) == (1, 2)


class TestCredentials:
    @pytest.fixture
    def issued(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
        """The key ids that were given out, by an endpoint like that of a snapshot's role."""
        issued: list[str] = []

        class Endpoint(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issued.append(f"KEY{len(issued)}")
                # Botocore holds what has less than ten minutes left for expired.
                expires = datetime.now(UTC) + timedelta(minutes=5)
                body = {
                    "AccessKeyId": issued[-1],
                    "SecretAccessKey": "secret",
                    "Token": "token",
                    "Expiration": expires.isoformat(),
                }
                self.send_response(200)
                self.end_headers()
                self.wfile.write(json.dumps(body).encode())

            def log_message(self, *_: Any) -> None:
                pass

        with HTTPServer(("127.0.0.1", 0), Endpoint) as server:
            monkeypatch.delenv("AWS_ACCESS_KEY_ID")
            monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
            url = f"http://127.0.0.1:{server.server_port}/credentials"
            monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", url)
            thread = Thread(target=server.serve_forever)
            thread.start()
            yield issued
            server.shutdown()
            thread.join()

    def test_a_client_from_the_snapshot_asks_for_new_ones_when_the_clock_says_so(
        self, issued: list[str]
    ) -> None:
        s3 = Clients().client("s3")
        before = list(issued)
        url = s3.generate_presigned_url("get_object", Params={"Bucket": "b", "Key": "k"})
        signed_by = parse_qs(urlsplit(url).query)["X-Amz-Credential"][0]

        assert before
        assert signed_by.partition("/")[0] == issued[-1]
        assert issued[-1] not in before

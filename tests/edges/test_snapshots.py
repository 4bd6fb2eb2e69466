"""What Lambda's snapshot of the API (SnapStart) holds, and what it must not."""

import asyncio
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from types import ModuleType
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from app.api.lambda_adapter import create_handler, prime_before_snapshot
from app.aws import Clients
from scripts.build import bundle
from tests.conftest import Aws
from tests.faults import calls_of


@pytest.fixture
def make_handler(make_app: Any) -> Iterator[Any]:
    yield lambda auth_mode: create_handler(make_app(auth_mode))
    asyncio.get_event_loop().close()
    asyncio.set_event_loop(None)


@pytest.mark.parametrize("auth_mode", ["api-key", "iam", "cognito"])
def test_a_request_that_changes_nothing_is_answered_before_the_snapshot(
    aws: Aws, make_handler: Any, auth_mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hooks: list[Any] = []
    runtime = ModuleType("snapshot_restore_py")
    runtime.register_before_snapshot = lambda *hook: hooks.append(hook)  # type: ignore[attr-defined]  # as in Lambda's
    monkeypatch.setitem(sys.modules, "snapshot_restore_py", runtime)

    prime_before_snapshot(make_handler(auth_mode))
    [(call, *arguments)] = hooks
    asked_table, asked_bucket = calls_of(aws.dynamodb), calls_of(aws.s3)
    answer = call(*arguments)

    assert answer["statusCode"] == 200
    assert [made.operation for made in asked_table] == ["GetItem"]
    assert [made.operation for made in asked_bucket] == ["HeadBucket"]


def test_where_lambdas_runtime_is_not_nothing_is_primed(aws: Aws, make_handler: Any) -> None:
    asked = calls_of(aws.dynamodb)
    prime_before_snapshot(make_handler("api-key"))

    assert asked == []


def test_the_snapshot_holds_no_seed() -> None:
    """uuid4 reads the kernel's randomness, which Lambda renews; `random` has a state of its own."""
    function = bundle.FUNCTIONS["api"]
    imported = {name for path in bundle.sources(function) for name in bundle.imports(path, function)}

    assert "uuid" in imported
    assert "random" not in imported


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

"""The door of the emulator over real connections: what a page can send changes nothing, and bodies stream."""

import asyncio
import http.client
import io
import json
import os
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from app.local.aws import emulator as emulators
from app.local.aws.emulator import Door, Emulator
from app.local.doors import keys
from app.local.doors.aws_door import QUEUES_PATH, AwsDoor
from app.local.doors.disk import Disk
from app.local.doors.machine import Machine, Pages
from tests.system.conftest import boto_session, free_port

PAGE, FOREIGN = "https://app.example", "https://evil.example"
FUNCTIONS = "/2015-03-31/functions"
JSON = "application/x-amz-json-1.0"
LARGE = 20 * 1024 * 1024


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    door = Door(keys.new_credentials(), frozenset({"wharf.test"}), [PAGE])
    own = emulators.start(free_port(), tmp_path_factory.mktemp("guarded"), door=door)
    try:
        client_of(own, "s3").create_bucket(Bucket="bucket")
        yield own
    finally:
        own.stop()


def client_of(own: Emulator, service: str) -> Any:
    config = Config(signature_version="v4", retries={"total_max_attempts": 1})
    return boto_session(own.environment).client(service, endpoint_url=own.url, config=config)  # type: ignore[call-overload]  # one of many literals


@pytest.fixture(scope="module")
def s3(guarded: Emulator) -> Any:
    return client_of(guarded, "s3")


@pytest.fixture
def port(guarded: Emulator) -> int:
    return urlsplit(guarded.url).port or 0


def send(
    port: int,
    method: str,
    target: str,
    headers: Mapping[str, str] | None = None,
    body: Any = None,
    *,
    chunked: bool = False,
) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, target, body, dict(headers or {}), encode_chunked=chunked)
        answer = connection.getresponse()
        return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
    finally:
        connection.close()


def signed(
    own: Emulator, method: str, path: str, service: str, body: bytes = b"", **headers: str
) -> dict[str, str]:
    """The headers of a signed request."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    request = AWSRequest(method, own.url + path, {"Host": urlsplit(own.url).netloc, **given}, body)
    signer = S3SigV4Auth if service == "s3" else SigV4Auth
    signer(Credentials(*own.credentials.values()), service, "us-east-1").add_auth(request)
    return {name: str(value) for name, value in request.headers.items()}


def url_for(s3: Any, operation: str, key: str, seconds: int = 60, **more: Any) -> str:
    params = {"Bucket": "bucket", "Key": key, **more}
    url = urlsplit(s3.generate_presigned_url(operation, Params=params, ExpiresIn=seconds))
    return f"{url.path}?{url.query}"


class TestPages:
    @pytest.mark.parametrize("origin", [None, FOREIGN, PAGE, "null", "http://127.0.0.1:8000"])
    @pytest.mark.parametrize(
        "path", [FUNCTIONS, "/bucket/key", "/", "/_ministack/reset", "/_ministack/health", QUEUES_PATH]
    )
    @pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"])
    def test_what_is_not_signed_gets_in_nowhere(
        self, port: int, origin: str | None, path: str, method: str
    ) -> None:
        headers = {"Content-Type": "text/plain"} | ({"Origin": origin} if origin else {})

        answer = send(port, method, path, headers, b"{}")

        shown = {name for name in answer.headers if name.startswith("access-control-")}

        assert answer.status == 403
        # A page that may use presigned URLs reads why one was refused.
        assert shown == ({"access-control-allow-origin"} if origin == PAGE else set())

    def test_a_function_cannot_be_created_by_a_post_without_preflight(
        self, guarded: Emulator, port: int
    ) -> None:
        body = json.dumps({"FunctionName": "evil", "Runtime": "python3.13", "Role": "r", "Handler": "h.h"})
        answers = [
            send(port, "POST", FUNCTIONS, {"Content-Type": kind, "Origin": FOREIGN}, body)
            for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=a")
        ]

        assert [answer.status for answer in answers] == [403, 403, 403]
        assert client_of(guarded, "lambda").list_functions()["Functions"] == []

    def test_a_name_of_another_machine_is_refused_signed_or_not(self, guarded: Emulator, port: int) -> None:
        """DNS rebinding: the page's own name leads to this machine."""
        request = AWSRequest("GET", "http://evil.example:80/", {"Host": "evil.example"})
        S3SigV4Auth(Credentials(*guarded.credentials.values()), "s3", "us-east-1").add_auth(request)

        assert send(port, "GET", "/", {**dict(request.headers), "Host": "evil.example"}).status == 403
        assert send(port, "GET", "/", {"Host": "evil.example"}).status == 403

    @pytest.mark.parametrize("host", ["localhost", "wharf.test", "bucket.localhost"])
    def test_other_names_of_this_machine_are_taken(self, guarded: Emulator, port: int, host: str) -> None:
        request = AWSRequest("GET", f"http://{host}:{port}/", {"Host": f"{host}:{port}"})
        S3SigV4Auth(Credentials(*guarded.credentials.values()), "s3", "us-east-1").add_auth(request)

        assert send(port, "GET", "/", dict(request.headers)).status == 200

    def test_a_page_uses_presigned_urls_if_it_is_named(self, s3: Any, port: int) -> None:
        target = url_for(s3, "put_object", "page", ContentType="text/csv")
        asked = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "content-type"}
        statuses = {}
        for origin in (PAGE, FOREIGN, "null"):
            preflight = send(port, "OPTIONS", target, {"Origin": origin, **asked})
            put = send(port, "PUT", target, {"Origin": origin, "Content-Type": "text/csv"}, b"a,b\n")
            statuses[origin] = (preflight.status, put.status)
            assert preflight.headers.get("access-control-allow-origin") == (PAGE if origin == PAGE else None)

        assert statuses == {PAGE: (200, 200), FOREIGN: (403, 403), "null": (403, 403)}

    def test_a_page_that_is_named_still_needs_a_signature(self, guarded: Emulator, port: int) -> None:
        headers = signed(guarded, "GET", "/", "s3")

        assert send(port, "GET", "/?X-Amz-Signature=0", {"Origin": PAGE}).status == 403
        assert send(port, "GET", "/", {**headers, "Origin": PAGE}).status == 403
        assert send(port, "GET", "/", headers).status == 200

    def test_a_preflight_reaches_nothing_behind_the_door(self, s3: Any, port: int) -> None:
        target = url_for(s3, "put_object", "page")
        answer = send(
            port, "OPTIONS", f"/restapis/x/y/_user_request_/z?{target.partition('?')[2]}", {"Origin": PAGE}
        )

        assert "x-amzn-requestid" not in answer.headers

    def test_there_is_no_websocket(self, port: int) -> None:
        upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
        answer = send(port, "GET", "/", {**upgrade, "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="})

        assert answer.status == 403

    def test_the_emulator_never_sees_one(self, tmp_path: Path) -> None:
        """It serves websockets of its API Gateway without asking who connects."""
        seen, sent = [], []

        async def app(*scope: Any) -> None:
            seen.append(scope)

        async def note(message: Any) -> None:
            sent.append(message)

        door = AwsDoor(app, Credentials("k", "s"), Machine(), Pages.of(["*"]), Disk.of(tmp_path))
        asyncio.run(door({"type": "websocket"}, cast(Any, None), note))

        assert (seen, sent) == ([], [{"type": "websocket.close", "code": 1008}])


class TestSignatures:
    def test_the_secret_of_an_earlier_run_is_worth_nothing(
        self, guarded: Emulator, s3: Any, port: int
    ) -> None:
        earlier = boto3.session.Session(keys.KEY_ID, "e" * 40, region_name="us-east-1")
        config = Config(signature_version="v4")
        old = earlier.client("s3", endpoint_url=guarded.url, config=config)
        s3.put_object(Bucket="bucket", Key="kept", Body=b"kept")

        answers = [
            send(port, "GET", url_for(old, "get_object", "kept")),
            send(port, "PUT", url_for(old, "put_object", "kept"), {}, b"changed"),
        ]

        assert [answer.status for answer in answers] == [403, 403]
        assert s3.get_object(Bucket="bucket", Key="kept")["Body"].read() == b"kept"
        with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
            old.list_buckets()

    def test_the_target_is_what_was_signed_to_the_last_character(self, s3: Any, port: int) -> None:
        target = url_for(s3, "put_object", "target")
        raw = f"PUT {target}#&tagging HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: 0\r\n\r\n"
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(raw.encode())
            answer = connection.recv(65_536)

        assert answer.startswith(b"HTTP/1.1 400")

    @pytest.mark.parametrize(
        "name", ["Authorization", "X-Amz-Date", "X-Amz-Content-SHA256", "Content-Type", "Host"]
    )
    def test_what_decides_is_there_once(self, guarded: Emulator, port: int, name: str) -> None:
        headers = signed(guarded, "GET", "/", "s3", Content_Type="text/plain")
        lines = [f"{key}: {value}" for key, value in headers.items()]
        twice = [*lines, f"{name}: {headers[name]}"]
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall("\r\n".join(["GET / HTTP/1.1", *twice, "", ""]).encode())
            answer = connection.recv(65_536)

        assert answer.startswith(b"HTTP/1.1 400")

    def test_a_body_other_than_signed_is_not_stored(self, guarded: Emulator, s3: Any, port: int) -> None:
        headers = signed(guarded, "PUT", "/bucket/forged", "s3", b"x" * 100_000)

        answer = send(port, "PUT", "/bucket/forged", headers, b"y" * 100_000)

        assert answer.status == 400
        assert b"XAmzContentSHA256Mismatch" in answer.body
        assert "Contents" not in s3.list_objects_v2(Bucket="bucket", Prefix="forged")

    def test_nor_is_a_call_with_another_body_made(self, guarded: Emulator, port: int) -> None:
        target = {"X_Amz_Target": "AmazonSQS.CreateQueue", "Content_Type": JSON}
        headers = signed(guarded, "POST", "/", "sqs", b'{"QueueName":"good"}', **target)

        answer = send(port, "POST", "/", headers, b'{"QueueName":"evil"}')

        assert (answer.status, json.loads(answer.body)["__type"]) == (403, "SignatureDoesNotMatch")
        assert not client_of(guarded, "sqs").list_queues().get("QueueUrls")

    def test_clients_read_the_reason_in_the_form_they_know(self, guarded: Emulator) -> None:
        wrong = boto3.session.Session(keys.KEY_ID, "wrong", region_name="us-east-1")
        for service, call in (
            ("s3", "list_buckets"),
            ("dynamodb", "list_tables"),
            ("cloudformation", "list_stacks"),
        ):
            client: Any = wrong.client(service, endpoint_url=guarded.url)  # type: ignore[call-overload]  # one of many literals
            with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
                getattr(client, call)()


class TestBodies:
    def test_the_sdks_uploads_pass_as_it_sends_them(self, guarded: Emulator, tmp_path: Path) -> None:
        """The SDK has its default settings, checksums included; it sends a large file in parts."""
        client = boto_session(guarded.environment).client("s3", endpoint_url=guarded.url)
        large = os.urandom(LARGE)
        (tmp_path / "large").write_bytes(large)
        with (tmp_path / "large").open("rb") as file:
            client.put_object(Bucket="bucket", Key="file", Body=file)
        client.put_object(Bucket="bucket", Key="bytes", Body=large, ChecksumAlgorithm="SHA256")
        client.upload_fileobj(io.BytesIO(large), "bucket", "parts")

        for key in ("file", "bytes", "parts"):
            assert client.get_object(Bucket="bucket", Key=key)["Body"].read() == large

    def test_a_connection_is_kept_and_head_and_range_work(self, s3: Any, port: int) -> None:
        s3.put_object(Bucket="bucket", Key="ranged", Body=b"0123456789")
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        answers = []
        for method, headers in (("HEAD", {}), ("GET", {"Range": "bytes=2-4"}), ("GET", {})):
            operation = "head_object" if method == "HEAD" else "get_object"
            connection.request(method, url_for(s3, operation, "ranged"), headers=headers)
            answer = connection.getresponse()
            answers.append((answer.status, answer.getheader("content-length"), answer.read()))
            local = connection.sock and connection.sock.getsockname()
        connection.close()

        assert local is not None
        assert answers == [(200, "10", b""), (206, "3", b"234"), (200, "10", b"0123456789")]

    @pytest.mark.parametrize(("is_signed", "expected"), [(True, b" 200 "), (False, b" 403 ")])
    def test_who_waits_for_leave_to_send_gets_an_answer(
        self, s3: Any, port: int, is_signed: bool, expected: bytes
    ) -> None:
        target = url_for(s3, "put_object", "waited") if is_signed else "/bucket/waited"
        head = f"PUT {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(f"{head}Content-Length: 3\r\nExpect: 100-continue\r\n\r\n".encode())
            leave = connection.recv(65_536)
            connection.sendall(b"abc")
            answer = connection.recv(65_536)

        assert leave.startswith(b"HTTP/1.1 100 Continue\r\n")
        assert expected in answer

    def test_a_body_of_unknown_length_is_taken_but_for_storage(self, guarded: Emulator, port: int) -> None:
        target = {"X_Amz_Target": "DynamoDB_20120810.ListTables", "Content_Type": JSON}
        chunked = {"Transfer-Encoding": "chunked"}
        headers = {**signed(guarded, "POST", "/", "dynamodb", b"{}", **target), **chunked}
        listed = send(port, "POST", "/", headers, iter([b"{", b"}"]), chunked=True)
        headers = {**signed(guarded, "PUT", "/bucket/chunked", "s3", b"ab"), **chunked}
        stored = send(port, "PUT", "/bucket/chunked", headers, iter([b"a", b"b"]), chunked=True)

        assert (listed.status, listed.body) == (200, b'{"TableNames": []}')
        assert stored.status == 411

    def test_a_client_that_goes_away_leaves_nothing(self, s3: Any, port: int) -> None:
        target = url_for(s3, "put_object", "aborted", ContentLength=LARGE)
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            head = f"PUT {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: {LARGE}\r\n\r\n"
            connection.sendall(head.encode() + b"x" * 1_000_000)

        assert "Contents" not in s3.list_objects_v2(Bucket="bucket", Prefix="aborted")

    def test_who_sends_a_large_body_without_a_signature_reads_why_not(self, port: int) -> None:
        answer = send(port, "PUT", "/bucket/key", {}, b"x" * LARGE)

        assert answer.status == 403
        assert b"Sign the request" in answer.body

"""Our client of DynamoDB does what botocore's does, with every answer and without one."""

import json
import ssl
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from socket import create_server, socket
from threading import Thread
from time import sleep
from typing import Any

import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, SSLError
from botocore.retries.standard import ThrottledRetryableChecker, TransientRetryableChecker
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app.aws import connections, dynamodb
from app.aws.clients import Clients
from app.aws.connections import CONNECT_SECONDS, READ_SECONDS
from app.aws.dynamodb import KNOWN, MOST_RETRIES, DynamoDB
from app.aws.faults import transient_faults
from app.aws.sdk import CONFIG
from app.domain.errors import Unavailable
from app.observability import begin_work

KEY = {"pk": {"S": "local-me#6f1c"}, "sk": {"S": "object"}}
ITEM = KEY | {"name": {"S": "Grüße\n✓"}, "size": {"N": "12"}, "more": {"M": {"a": {"L": [{"NULL": True}]}}}}
PREFIX = "com.amazonaws.dynamodb.v20120810#"
#: Closes the connection instead of an answer.
HANG_UP = b""


def answer(status: int, content: bytes | object, *headers: str) -> bytes:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    lines = [f"HTTP/1.1 {status} Reason", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def error(code: str, status: int = 400, **fields: object) -> bytes:
    return answer(status, {"__type": f"{PREFIX}{code}", "message": "Told.", **fields})


FOUND = answer(200, {"Item": ITEM}, f"x-amz-crc32: {zlib.crc32(json.dumps({'Item': ITEM}).encode())}")


@dataclass
class Server:
    """Gives one answer after another, the last again and again. What it was asked is kept."""

    answers: Sequence[bytes]
    tls: ssl.SSLContext | None = None
    requests: list[tuple[dict[str, str], Any]] = field(default_factory=list)
    connections: list[socket] = field(default_factory=list)
    port: int = 0

    def serve(self, listener: socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            try:
                connection = self.tls.wrap_socket(connection, server_side=True) if self.tls else connection
            except OSError:
                connection.close()
                continue
            self.connections.append(connection)
            Thread(target=self.converse, args=(connection,), daemon=True).start()

    def converse(self, connection: socket) -> None:
        received = b""
        try:
            while data := connection.recv(65536):
                received += data
                head, complete, body = received.partition(b"\r\n\r\n")
                lines = [line.partition(": ") for line in head.decode().split("\r\n")[1:]]
                headers = {name.lower(): value for name, _, value in lines}
                if not complete or len(body) < int(headers["content-length"]):
                    continue
                received = b""
                self.requests.append((headers, json.loads(body)))
                answer = self.answers[min(len(self.requests), len(self.answers)) - 1]
                connection.sendall(answer)
                if not answer or b"Connection: close" in answer:
                    break
        except OSError:
            pass
        finally:
            connection.close()


@contextmanager
def serving(*answers: bytes, tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    server = Server(answers, tls)
    with create_server(("127.0.0.1", 0)) as listener:
        server.port = listener.getsockname()[1]
        thread = Thread(target=server.serve, args=(listener,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            listener.shutdown(2)
            thread.join()
            for connection in server.connections:
                connection.close()


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Repeat calls without a pause, and wait for no answer for long."""
    monkeypatch.setattr("app.aws.dynamodb.time.sleep", lambda _: None)
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0)
    monkeypatch.setattr(connections, "READ_SECONDS", 0.3)


@pytest.fixture
def signing(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Server], DynamoDB]]:
    made: list[DynamoDB] = []

    def make(server: Server, scheme: str = "http") -> DynamoDB:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"{scheme}://127.0.0.1:{server.port}")
        access = dynamodb.access()
        assert access is not None
        made.append(DynamoDB(access))
        return made[-1]

    yield make
    for client in made:
        client.close()


def botocores(server: Server) -> Any:
    config = CONFIG.merge(Config(read_timeout=0.3))
    return botocore.session.get_session().create_client(
        "dynamodb", endpoint_url=f"http://127.0.0.1:{server.port}", config=config
    )


CALLS: dict[str, Callable[[Any], Any]] = {
    "get": lambda client: client.get_item(TableName="objects", Key=KEY, ConsistentRead=True),
    "put": lambda client: client.put_item(TableName="objects", Item=ITEM, ReturnValues="NONE"),
    "query": lambda client: client.query(TableName="objects", Limit=3, ScanIndexForward=False),
    "scan": lambda client: client.scan(TableName="objects"),
    "update": lambda client: client.update_item(TableName="objects", Key=KEY, UpdateExpression="SET a=b"),
    "batch get": lambda client: client.batch_get_item(RequestItems={"objects": {"Keys": [KEY]}}),
    "batch write": lambda client: client.batch_write_item(
        RequestItems={"objects": [{"DeleteRequest": {"Key": KEY}}]}
    ),
    "transact": lambda client: client.transact_write_items(
        TransactItems=[{"Put": {"TableName": "objects", "Item": ITEM}}]
    ),
}


def outcome(call: Callable[[], Any]) -> Any:
    """Return what a call answers or raises, in terms that both clients share."""
    try:
        with transient_faults():
            found = call()
    except ClientError as refused:
        response: Any = refused.response
        known = type(refused).__name__ in KNOWN and type(refused).__name__
        status = response["ResponseMetadata"]["HTTPStatusCode"]
        fields = [response.get(name) for name in ("Error", "Item", "CancellationReasons")]
        return known, status, refused.operation_name, fields
    except Unavailable as fault:
        return "Unavailable", str(fault)
    return {name: value for name, value in found.items() if name != "ResponseMetadata"}


@pytest.mark.parametrize("name", CALLS)
def test_a_request_is_that_of_botocore(name: str, signing: Callable[[Server], DynamoDB]) -> None:
    told = ("content-type", "x-amz-target")
    with serving(answer(200, {})) as theirs, serving(answer(200, {})) as ours:
        assert CALLS[name](signing(ours)) == {}
        CALLS[name](botocores(theirs))
        [(our_headers, our_body)], [(their_headers, their_body)] = ours.requests, theirs.requests

    tokens = [body.pop("ClientRequestToken", None) for body in (our_body, their_body)]
    assert our_body == their_body
    assert [len(token or "") for token in tokens] == [36 if name == "transact" else 0] * 2
    hosts = [headers.pop("host").partition(":")[0] for headers in (our_headers, their_headers)]
    assert hosts == ["127.0.0.1"] * 2
    assert [our_headers[one] for one in told] == [their_headers[one] for one in told]
    # Other libraries in this process add words of their own to botocore's.
    assert our_headers["user-agent"] == their_headers["user-agent"].partition(" ")[0] == "wharf"


#: Each is given again and again, for a call and its repetitions.
ANSWERS = {
    "an item": FOUND,
    "nothing": answer(200, {}),
    "a failed condition": error("ConditionalCheckFailedException", Item=ITEM),
    "a cancelled transaction": error(
        "TransactionCanceledException",
        CancellationReasons=[{"Code": "None"}, {"Code": "ConditionalCheckFailed", "Item": ITEM}],
    ),
    "a fault of ours": error("ValidationException"),
    "no such table": error("ResourceNotFoundException"),
    "a denied call": error("AccessDeniedException"),
    "too many calls": error("ThrottlingException"),
    "too little throughput": error("ProvisionedThroughputExceededException"),
    "a transaction at work": error("TransactionInProgressException"),
    "a conflict": error("TransactionConflictException"),
    "an error": error("InternalServerError", 500),
    "an error without words": answer(500, b""),
    "no server": answer(503, b"<html><body>Service Unavailable</body></html>"),
    "a limit of a proxy": answer(429, b"{}"),
    "a wrong gateway": answer(502, {"message": "No."}),
    "another error": answer(400, {"message": "No type."}),
    "an error of no name": answer(400, {"__type": f"{PREFIX}index"}),
    "an end without an answer": HANG_UP,
    "half an answer": b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\nConnection: close\r\n\r\n{",
    "what is not HTTP": b"220 mail.example.com ESMTP\r\nConnection: close\r\n\r\n",
}


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_means_what_it_means_to_botocore(name: str, signing: Callable[[Server], DynamoDB]) -> None:
    call = CALLS["transact" if "transaction" in name else "get" if name == "an item" else "put"]
    with serving(ANSWERS[name]) as theirs, serving(ANSWERS[name]) as ours:
        found = outcome(partial(call, signing(ours)))
        expected = outcome(partial(call, botocores(theirs)))

        assert found == expected
        assert len(ours.requests) == len(theirs.requests)


def test_a_broken_answer_is_asked_for_again(signing: Callable[[Server], DynamoDB]) -> None:
    broken = FOUND.replace(b"object", b"obJect"), answer(200, b"{"), FOUND
    with serving(*broken) as server:
        found = CALLS["get"](signing(server))

        assert (found, len(server.requests)) == ({"Item": ITEM}, 3)


#: No answers of DynamoDB. botocore takes some of them for empty ones, and fails on others without a word.
NO_ANSWERS = {
    "another text": FOUND.replace(b"object", b"obJect"),
    "half a text": answer(200, b"{"),
    "an empty text": answer(200, b""),
    "a list": answer(200, []),
    "null": answer(200, None),
    "lists in lists": answer(200, b"[" * 200_000),
    "a checksum of letters": answer(200, {}, "x-amz-crc32: abc"),
    "a number without end": b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n{}",
    "more than memory": b"HTTP/1.1 200 OK\r\nContent-Length: 4611686018427387904\r\n\r\n{}",
    "an early hint": b"HTTP/1.1 103 Early Hints\r\n\r\n" + FOUND,
    "nothing on purpose": b"HTTP/1.1 204 No Content\r\n\r\n",
    "something created": answer(201, {}),
}


@pytest.mark.parametrize("broken", NO_ANSWERS.values(), ids=NO_ANSWERS)
def test_an_answer_that_stays_broken_is_not_believed(
    broken: bytes, signing: Callable[[Server], DynamoDB]
) -> None:
    with serving(broken) as server:
        assert outcome(partial(CALLS["get"], signing(server)))[0] == "Unavailable"
        assert len(server.requests) == 4


def test_an_answer_that_does_not_come_is_waited_for_four_times(
    signing: Callable[[Server], DynamoDB],
) -> None:
    unfinished = b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{"
    with serving(unfinished) as server:
        found = outcome(partial(CALLS["get"], signing(server)))

        assert found == ("Unavailable", "AWS does not answer: ReadTimeoutError")
        assert len(server.requests) == 4


def test_nobody_to_connect_to_is_unavailable(signing: Callable[[Server], DynamoDB]) -> None:
    with serving(FOUND) as server:
        client = signing(server)

    assert outcome(partial(CALLS["get"], client)) == (
        "Unavailable",
        "AWS does not answer: EndpointConnectionError",
    )


def test_a_repetition_of_a_transaction_is_known_by_its_token(
    signing: Callable[[Server], DynamoDB],
) -> None:
    with serving(HANG_UP, answer(200, {})) as server:
        client = signing(server)
        CALLS["transact"](client)
        CALLS["transact"](client)
        first, again, other = (body["ClientRequestToken"] for _, body in server.requests)

    assert first == again != other


def test_pages_follow_each_other(signing: Callable[[Server], DynamoDB]) -> None:
    pages = [{"Items": [ITEM], "LastEvaluatedKey": KEY}, {"Items": []}]
    with serving(*(answer(200, page) for page in pages)) as server:
        found = list(signing(server).get_paginator("query").paginate(TableName="objects", Limit=1))

        assert found == pages
        assert [body.get("ExclusiveStartKey") for _, body in server.requests] == [None, KEY]
        assert {body["Limit"] for _, body in server.requests} == {1}


class TestConnections:
    def test_one_call_after_another_has_the_same(self, signing: Callable[[Server], DynamoDB]) -> None:
        with serving(FOUND) as server:
            client = signing(server)
            for _ in range(3):
                CALLS["get"](client)

            assert (len(server.requests), len(server.connections)) == (3, 1)

    def test_one_that_has_ended_meanwhile_is_not_tried(self, signing: Callable[[Server], DynamoDB]) -> None:
        with serving(FOUND) as server, begin_work() as work:
            client = signing(server)
            CALLS["get"](client)
            server.connections[0].shutdown(2)
            sleep(0.05)
            CALLS["get"](client)

            assert (len(server.connections), work.aws_retries) == (2, 0)

    def test_one_that_the_server_closes_is_not_kept(self, signing: Callable[[Server], DynamoDB]) -> None:
        with serving(answer(200, {}, "Connection: close")) as server, begin_work() as work:
            client = signing(server)
            CALLS["get"](client)
            CALLS["get"](client)

            assert (len(server.connections), work.aws_retries) == (2, 0)

    def test_threads_at_once_have_one_each(self, signing: Callable[[Server], DynamoDB]) -> None:
        with serving(FOUND) as server:
            client = signing(server)
            found: list[Any] = []
            threads = [
                Thread(target=lambda: found.extend(CALLS["get"](client) for _ in range(20))) for _ in range(8)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

            assert found == [{"Item": ITEM}] * 160
            assert len(server.connections) <= 8

    def test_closed_ones_are_opened_anew(self, signing: Callable[[Server], DynamoDB]) -> None:
        with serving(FOUND) as server:
            client = signing(server)
            CALLS["get"](client)
            client.close()
            CALLS["get"](client)

            assert len(server.connections) == 2


def test_a_call_counts_for_its_unit_of_work(signing: Callable[[Server], DynamoDB]) -> None:
    with serving(error("InternalServerError", 500), FOUND) as server, begin_work() as work:
        CALLS["get"](signing(server))

    assert (work.aws_calls, work.aws_retries) == (1, 1)
    assert work.aws_seconds > 0


def certificate_of(host: str, folder: Path) -> Path:
    """Return a certificate that only itself vouches for, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(host))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = folder / f"{host}.pem"
    path.write_bytes(private + made.public_bytes(pem))
    return path


@contextmanager
def certified(certificate: Path) -> Iterator[Server]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with serving(FOUND, tls=context) as server:
        yield server


class TestTls:
    def test_a_host_that_an_authority_vouches_for_is_asked(
        self, signing: Callable[..., DynamoDB], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        certificate = certificate_of("127.0.0.1", tmp_path)
        monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate))
        with certified(certificate) as server:
            client = signing(server, "https")

            assert CALLS["get"](client) == CALLS["get"](client) == {"Item": ITEM}
            assert len(server.connections) == 1

    def test_one_that_no_authority_vouches_for_is_not(
        self, signing: Callable[..., DynamoDB], tmp_path: Path
    ) -> None:
        with certified(certificate_of("127.0.0.1", tmp_path)) as server:
            with pytest.raises(SSLError, match="certificate verify failed"):
                CALLS["get"](signing(server, "https"))
            assert server.requests == []

    def test_one_with_the_certificate_of_another_is_not(
        self, signing: Callable[..., DynamoDB], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        certificate = certificate_of("127.0.0.2", tmp_path)
        monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate))
        with certified(certificate) as server:
            client = signing(server, "https")

            with pytest.raises(SSLError, match="IP address mismatch"):
                CALLS["get"](client)
            assert server.requests == []


class TestWhatBotocoreDoes:
    def test_it_repeats_the_same(self) -> None:
        throttled: Any = ThrottledRetryableChecker()
        transient: Any = TransientRetryableChecker()
        codes = {*throttled._throttled_error_codes, *transient._transient_error_codes}

        assert codes == dynamodb.RETRIED_CODES
        assert set(transient._transient_status_codes) == dynamodb.RETRIED_STATUSES

    def test_it_waits_as_long_and_tries_as_often(self) -> None:
        config: Any = botocore.session.get_session().create_client("dynamodb", config=CONFIG).meta.config

        assert config.retries["total_max_attempts"] == 1 + MOST_RETRIES
        assert (config.connect_timeout, config.read_timeout) == (CONNECT_SECONDS, READ_SECONDS)

    def test_it_asks_the_same_host_in_each_region(self, monkeypatch: pytest.MonkeyPatch) -> None:
        session = botocore.session.get_session()
        regions = session.get_available_regions("dynamodb")
        for region in regions:
            monkeypatch.setenv("AWS_DEFAULT_REGION", region)
            access = dynamodb.access()
            client = session.create_client("dynamodb", region)

            assert access is not None
            assert access.endpoint.geturl() == client.meta.endpoint_url

        assert len(regions) > 20


OTHER_PARTITIONS = ["cn-north-1", "us-gov-west-1", "us-iso-east-1", "eusc-de-east-1", "nowhere", ""]


class TestTheEnvironment:
    @pytest.mark.parametrize("region", OTHER_PARTITIONS)
    def test_other_partitions_have_other_hosts(self, region: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_DEFAULT_REGION", region)

        assert dynamodb.access() is None

    @pytest.mark.parametrize("variable", dynamodb.FOR_BOTOCORE)
    def test_what_only_botocore_knows_is_left_to_it(
        self, variable: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(variable, "given")

        assert dynamodb.access() is None

    @pytest.mark.parametrize(
        "url",
        [
            "http://127.0.0.1:1/path",
            "http://me:secret@127.0.0.1:1",
            "http://[::1]:1",
            "http://127.0.0.1:1?a=b",
            "127.0.0.1:1",
            "ftp://127.0.0.1",
        ],
    )
    def test_an_address_of_another_form_is_left_to_it(
        self, url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)

        assert dynamodb.access() is None

    @pytest.mark.parametrize("variable", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"])
    @pytest.mark.parametrize("key", ["a\r\nx-more: 1", " a", "a\n", "schlüssel"])
    def test_no_key_ends_the_head_of_a_request(
        self, variable: str, key: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(variable, key)

        assert dynamodb.access() is None

    @pytest.mark.parametrize("variable", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"])
    def test_without_credentials_or_a_region_botocore_looks_for_them(
        self, variable: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv(variable)

        assert dynamodb.access() is None

    def test_the_services_own_address_comes_first(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:2")

        access = dynamodb.access()

        assert access is not None
        assert access.endpoint.port == 2

    @pytest.mark.parametrize(
        ("signs", "switch", "is_ours"), [(True, "", True), (True, "off", False), (False, "", False)]
    )
    def test_a_switch_goes_back_to_botocore(
        self, signs: bool, switch: str, is_ours: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SIGNED_CALLS", switch)

        client = Clients(signs=signs).client("dynamodb")

        assert isinstance(client, DynamoDB) is is_ours
        assert not isinstance(Clients(signs=signs).client("sqs"), DynamoDB)

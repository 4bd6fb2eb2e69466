"""Nothing that clients send or payloads hold reaches the log or the metrics, wherever they put it.

A canary stands in every place there is. Every line is valid JSON, whatever happened.
"""

import json
import logging
import zlib
from base64 import b64encode
from collections.abc import Iterator
from struct import pack
from typing import Any, NoReturn

import httpx2
import pytest

from app.domain.errors import InvalidPayload, ProblemCode
from app.domain.kinds import KINDS
from app.domain.objects.stored import StoredObject
from app.domain.objects.values import PayloadKey, Revision
from app.observability import sinks
from app.observability.logs import JsonFormatter
from app.observability.measuring import NAMESPACE
from app.observability.metrics import Sample
from app.sandbox.client import Sandbox
from tests.captured import Captured
from tests.conftest import NOW, Aws, Clock, make_object
from tests.edges.stored import URL, behind
from tests.edges.test_worker_batch import Context, take_batch
from tests.events import object_created, stream_record
from tests.faults import after, answering, fail, not_replying
from tests.services import WholeService, relaying_on

STEM = "kanarie7731"
IN_HEX = STEM.encode().hex()
IN_BASE64 = b64encode(STEM.encode() * 3).decode()[4:36]
IDEMPOTENT = {"Idempotency-Key": f"{STEM}-key"}
HARMLESS_HEADERS = {
    "Authorization": f"Bearer {STEM}-token",
    "Cookie": f"session={STEM}-cookie",
    "Forwarded": f"for={STEM}-for",
    "Origin": f"https://{STEM}-origin.example",
    "Referer": f"https://{STEM}-referer.example/?q={STEM}",
    "User-Agent": f"{STEM}-agent",
    "X-Amz-Security-Token": f"{STEM}-security",
    "X-Amzn-Trace-Id": f"Root={STEM}-root",
    "X-Api-Key": f"{STEM}-api-key",
    "X-Correlation-Id": f"{STEM}-correlation",
    "X-Forwarded-For": f"{STEM}-forwarded",
    "X-Request-Id": f"{STEM}-request",
    "traceparent": f"{STEM}-parent",
    "tracestate": f"vendor={STEM}-state",
}
REFUSED_HEADERS = (
    "Accept",
    "Content-Type",
    "Idempotency-Key",
    "If-Match",
    "If-None-Match",
    "Content-Encoding",
)
CANARY = f"{STEM}-value"
RECORD = {
    "kind": "record",
    "name": f"{STEM}-name",
    "attributes": {f"{STEM}-attribute": CANARY, "deep": [{"er": [CANARY]}]},
    "labels": {f"{STEM}-label": CANARY},
}
CSV = f"{STEM}-column,b\n{CANARY},2\n"


def payload(form: str, content: str, parameters: str = "") -> dict[str, Any]:
    return {"media_type": f"text/csv{parameters}", form: content}


Request = tuple[str, str, dict[str, Any]]


def creates() -> Iterator[dict[str, Any]]:
    """Bodies that are taken, and bodies that are wrong in one place."""
    dataset = {"kind": "dataset", "name": f"{STEM}.csv"}
    yield RECORD
    yield dataset | {"payload": payload("text", CSV, f"; note={STEM}")}
    yield dataset | {"payload": payload("base64", b64encode(CSV.encode()).decode())}
    yield dataset | {"payload": {"media_type": "text/csv", "size": 12}}
    yield RECORD | {"kind": STEM}
    yield RECORD | {STEM: 1}
    yield RECORD | {"name": [STEM]}
    yield RECORD | {"name": f"{STEM}\n{STEM}"}
    yield RECORD | {"labels": {f"{STEM}:{STEM}": STEM * 20}}
    yield RECORD | {"attributes": {STEM: "x" * 40_000}}
    yield RECORD | {"payload": payload("text", CSV)}
    yield dataset | {"payload": payload("base64", STEM)}
    yield dataset | {"payload": {"media_type": STEM, "text": CSV}}
    yield dataset | {"payload": {"media_type": f"{STEM}/{STEM}", "text": CSV}}
    yield dataset | {"payload": {"media_type": "text/csv", "size": STEM, "sha256": STEM}}
    yield dataset | {"payload": {"media_type": "text/csv", STEM: STEM}}


def requests() -> Iterator[Request]:
    yield from (("POST", "/v1/objects", {"json": body, "headers": IDEMPOTENT}) for body in creates())
    for content in (b'{"kind": "%s' % STEM.encode(), f'{{"{STEM}": NaN}}'.encode(), b"\xff" + STEM.encode()):
        yield "POST", "/v1/objects", {"content": content, "headers": {"Content-Type": "application/json"}}
    for query in ("kind", "status", "label", "limit", "cursor", "owner", STEM):
        yield "GET", f"/v1/objects?{query}={STEM}:{STEM}", {}
        yield "GET", f"{URL}/history?{query}={STEM}", {}
    for path in (
        f"/v1/objects/{STEM}",
        f"{URL}/artifacts/{STEM}",
        f"/problems/{STEM}",
        f"/{STEM}",
        f"/docs/{STEM}",
    ):
        yield "GET", path, {}
        yield "DELETE", path, {}
        yield STEM.upper(), path, {}
    yield (
        "PATCH",
        URL,
        {"json": {"name": f"{STEM}-renamed", "labels": {STEM: STEM}, "attributes": {STEM: STEM}}},
    )
    yield "PATCH", URL, {"json": {"name": STEM * 50, STEM: STEM}}
    yield (
        "POST",
        f"{URL}/uploads",
        {"json": {"media_type": f"text/csv; a={STEM}", "size": 9, "sha256": "a" * 64}},
    )
    yield "POST", f"{URL}/uploads", {"json": {"media_type": STEM, "size": STEM, "sha256": STEM}}
    yield "PUT", f"{URL}/payload", {"content": CSV, "headers": {"Content-Type": f"text/csv; name={STEM}"}}
    yield "PUT", f"{URL}/payload", {"content": CSV, "headers": {"Content-Type": STEM}}
    yield "POST", f"{URL}/reprocess", {"content": CSV}
    for part in ("", "/payload", "/artifacts/profile.json", "/history"):
        yield "GET", URL + part, {}
        yield "GET", URL + part, {"headers": {"Accept": "application/json"}}
    for name in REFUSED_HEADERS:
        yield "PATCH", URL, {"content": b"{}", "headers": {name: STEM}}
        yield "GET", URL, {"headers": {name: f'"{STEM}'}}


class Heard(Captured):
    """Every line of the service, down to the details, and of its libraries, and every sample."""

    def __init__(self) -> None:
        super().__init__(JsonFormatter(service="wharf"))
        self.samples: list[Sample] = []

    def events(self) -> list[str]:
        return [line["message"] for line in self.lines]

    def assert_clean(self) -> None:
        everything = self.text.lower() + str([sample.dimensions for sample in self.samples]).lower()
        assert self.lines
        for canary in (STEM, IN_HEX, IN_BASE64.lower(), "x-amz-signature", "x-amz-credential"):
            assert canary not in everything


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> Iterator[Heard]:
    """Hear what a deployed function would log: libraries from WARNING on."""
    monkeypatch.setenv(NAMESPACE, "Wharf/test")
    heard = Heard()
    handlers = {"wharf": heard.handler(), "": heard.handler(logging.WARNING)}
    monkeypatch.setattr(logging.getLogger("wharf"), "propagate", False)
    logging.getLogger("wharf").setLevel(logging.DEBUG)
    for name, handler in handlers.items():
        logging.getLogger(name).addHandler(handler)
    sinks.append(heard.samples.extend)
    yield heard
    sinks.remove(heard.samples.extend)
    for name, handler in handlers.items():
        logging.getLogger(name).removeHandler(handler)
    logging.getLogger("wharf").setLevel(logging.INFO)


def test_the_log_would_show_a_canary(heard: Heard) -> None:
    logging.getLogger("wharf").info("object.ready", extra={"object_name": CANARY})

    with pytest.raises(AssertionError):
        heard.assert_clean()


def test_nothing_that_a_client_sends_is_logged(client: httpx2.Client, aws: Aws, heard: Heard) -> None:
    behind(client, aws).add("ready", name=f"{STEM}.csv")
    client.event_hooks["response"].clear()
    client.headers.update(HARMLESS_HEADERS)
    sent = list(requests())

    statuses = [client.request(method, url, **given).status_code for method, url, given in sent]

    assert {201, 202, 200, 307, 400, 404, 405, 406, 415, 422} <= set(statuses)
    assert heard.events().count("request.done") == len(sent) > 70
    heard.assert_clean()


def test_nothing_that_a_client_sends_is_logged_when_aws_refuses(
    client: httpx2.Client, aws: Aws, heard: Heard
) -> None:
    """AWS may quote a value in its refusal, and this service in its failure."""
    client.event_hooks["response"].clear()
    refusal = answering(400, "ValidationException")
    refusal()[1]["Error"]["Message"] = f"The value {CANARY} is not allowed."
    for fault in (refusal, answering(503), not_replying):
        fail(aws.dynamodb, "PutItem", fault)
        client.post("/v1/objects", json=RECORD, headers=IDEMPOTENT)

    assert heard.events().count("request.crashed") == 1
    assert [line["error"] for line in heard.lines if line["message"] == "request.unavailable"] == [
        "Unavailable: AWS is busy: InternalError",
        "Unavailable: AWS does not answer: ReadTimeoutError",
    ]
    heard.assert_clean()


def png_with_text(text: bytes) -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        return pack(">I", len(body)) + name + body + pack(">I", zlib.crc32(name + body))

    header = chunk(b"IHDR", pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(b"\0\0"))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"tEXt", b"Comment\0" + text) + pixels + chunk(b"IEND", b"")


SECRET_TEXT = STEM.encode()
PAYLOADS: list[tuple[str, str, bytes]] = [
    ("dataset", "text/csv", CSV.encode()),
    ("dataset", "text/csv", b'a,b\n"' + SECRET_TEXT + b"\n" * 5),
    ("dataset", "text/csv", SECRET_TEXT + b"\0" + SECRET_TEXT),
    ("dataset", "application/x-ndjson", b'{"a": "%s"}\n{"a": %s}\n' % (SECRET_TEXT, SECRET_TEXT)),
    ("dataset", "application/vnd.apache.parquet", b"PAR1" + SECRET_TEXT * 9 + b"PAR1"),
    ("image", "image/png", png_with_text(SECRET_TEXT)),
    ("image", "image/png", png_with_text(SECRET_TEXT)[:-20]),
    ("image", "image/jpeg", b"\xff\xd8\xff\xe0" + SECRET_TEXT * 9),
    ("document", "text/plain", SECRET_TEXT + b"\xff"),
    ("document", "application/pdf", b"%PDF-1.7\n1 0 obj <</Title (" + SECRET_TEXT + b")>> endobj"),
    ("file", f"text/plain; note={STEM}", SECRET_TEXT),
    ("file", "image/png", SECRET_TEXT),
]
MESSAGES = [
    STEM,
    json.dumps({"detail-type": STEM, "detail": {STEM: STEM}}),
    json.dumps({"detail-type": "Object Created", "detail": {"object": {"key": STEM, "size": 1}}}),
    json.dumps(
        {"detail-type": "Object Created", "detail": {"object": {"key": f"payloads/a/{STEM}/1", "size": STEM}}}
    ),
    object_created(f"payloads/{STEM}/{STEM}/1"),
    json.dumps({"detail-type": "object.deleted", "detail": {"owner": STEM, "subject": [STEM]}}),
]


def test_nothing_that_payloads_and_messages_hold_is_logged(aws: Aws, clock: Clock, heard: Heard) -> None:
    with Sandbox([kind.processor for kind in KINDS.values() if kind.processor]) as sandbox:
        service = WholeService(aws, clock, sandbox)
        worker = service.worker
        uploaded = [upload(service, number, *given) for number, given in enumerate(PAYLOADS)]
        for body in [*(object_created(str(key), 1) for key in uploaded), *MESSAGES]:
            worker.handle(take_batch(aws, body), Context())

    done = [line for line in heard.lines if line["message"] == "message.done"]
    outcomes = [line["outcome"] for line in done]
    assert len(done) == len(PAYLOADS) + len(MESSAGES)
    assert {outcome: outcomes.count(outcome) for outcome in set(outcomes)} == {
        "ready": 4,
        "rejected": len(PAYLOADS) - 4,
        "buried": len(MESSAGES),
    }
    heard.assert_clean()


def test_nothing_of_a_verdict_is_logged_that_could_not_be_written(
    aws: Aws, clock: Clock, heard: Heard
) -> None:
    """The verdict on a payload quotes it; a fault while that is saved has the verdict as its context."""
    service = WholeService(aws, clock, SandboxThatRefuses())
    key = upload(service, 1, "file", "text/plain", SECRET_TEXT)
    after(aws.dynamodb, "PutItem", lambda _: fail(aws.dynamodb, "PutItem", not_replying))

    service.worker.handle(take_batch(aws, object_created(str(key), 1)), Context())

    assert {"processing.failed", "message.done"} <= set(heard.events())
    heard.assert_clean()


class SandboxThatRefuses:
    def run(self, _task: Any, *, seconds: float) -> NoReturn:
        assert seconds > 0
        raise InvalidPayload(ProblemCode.INVALID_CONTENT, f"Line 1 says {CANARY}.")


def upload(service: WholeService, number: int, kind: str, media_type: str, content: bytes) -> PayloadKey:
    stored = make_object(
        id=f"0b7e7d3a-9a0e-4e6f-8a51-{number:012d}",
        kind=kind,
        name=f"{STEM}.csv",
        attributes={STEM: STEM},
        labels={STEM: STEM},
        newest=Revision(1, media_type, len(content), None, NOW),
    )
    service.repository.add(stored)
    key = PayloadKey(stored.owner, stored.id, 1)
    assert stored.newest is not None
    service.payloads.put_once(key, content, stored.newest)
    return key


def test_nothing_that_the_relay_announces_or_cannot_read_is_logged(
    aws: Aws, clock: Clock, heard: Heard
) -> None:
    relaying = relaying_on(aws, clock=clock)
    good = make_object(name=CANARY, attributes={STEM: STEM}, labels={STEM: STEM})

    relaying.relay([record(good), record(good, status={"S": STEM}), record(good, version={"S": STEM})])

    assert heard.events().count("event.published") == 1
    assert heard.events().count("relay.set_aside") == 2
    heard.assert_clean()


def record(stored: StoredObject, **broken: Any) -> dict[str, Any]:
    created = stream_record(None, stored)
    created["dynamodb"]["NewImage"] |= broken
    return created

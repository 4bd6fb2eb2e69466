"""The promises of the parts store to the services, and to clients with the URL of a part."""

from uuid import uuid4

import httpx2
import pytest

from app.domain.errors import Unavailable
from app.domain.objects.values import Part, PayloadKey, Revision
from app.storage.parts import PartsStore
from app.storage.payloads import PayloadStore
from tests.conftest import Aws
from tests.faults import answering, fail, lose_reply
from tests.in_parts import FIRST, LAST, PART_BYTES, SIZE

DECLARED = Revision(1, "application/octet-stream", SIZE, None, None, PART_BYTES)


@pytest.fixture
def key(owner: str) -> PayloadKey:
    return PayloadKey(owner, str(uuid4()), 1)


@pytest.fixture
def parts(backend: Aws) -> PartsStore:
    return backend.adapters().parts


def send(backend: Aws, key: PayloadKey, upload_id: str, number: int, body: bytes) -> None:
    backend.s3.upload_part(
        Bucket=backend.bucket, Key=str(key), UploadId=upload_id, PartNumber=number, Body=body
    )


def uploaded(backend: Aws, parts: PartsStore, key: PayloadKey) -> tuple[str, tuple[Part, ...]]:
    """Upload every part. Return the id of the upload, and what S3 has of it."""
    upload_id = parts.begin(key, DECLARED)
    for number, body in enumerate((FIRST, LAST), start=1):
        send(backend, key, upload_id, number, body)
    listed = parts.list(key, upload_id)
    assert listed is not None
    return upload_id, listed


def content_of(backend: Aws, key: PayloadKey) -> tuple[bytes, str]:
    found = backend.s3.get_object(Bucket=backend.bucket, Key=str(key))
    return found["Body"].read(), found["ContentType"]


def test_parts_become_a_payload_with_its_type(parts: PartsStore, key: PayloadKey, backend: Aws) -> None:
    upload_id, listed = uploaded(backend, parts, key)

    parts.complete(key, upload_id, listed)

    assert [(part.number, part.size) for part in listed] == [(1, len(FIRST)), (2, len(LAST))]
    assert content_of(backend, key) == (FIRST + LAST, "application/octet-stream")
    assert not parts.is_known(key, upload_id)


def test_nothing_is_a_payload_before(
    parts: PartsStore, payloads: PayloadStore, key: PayloadKey, backend: Aws
) -> None:
    upload_id, _ = uploaded(backend, parts, key)

    assert parts.is_known(key, upload_id)
    assert not payloads.exists(key)


def test_an_unknown_upload_is_told(parts: PartsStore, key: PayloadKey) -> None:
    upload_id = parts.begin(key, DECLARED)
    empty = parts.list(key, upload_id)
    for _ in range(2):
        parts.abort(key, upload_id)

    assert empty == ()
    assert parts.list(key, upload_id) is None
    assert not parts.is_known(key, upload_id)


def test_a_payload_that_is_there_is_not_replaced(
    parts: PartsStore, payloads: PayloadStore, key: PayloadKey, backend: Aws
) -> None:
    upload_id, listed = uploaded(backend, parts, key)
    payloads.put_once(key, b"first", DECLARED)

    parts.complete(key, upload_id, listed)

    assert content_of(backend, key)[0] == b"first"
    assert not parts.is_known(key, upload_id)


def test_a_completion_whose_reply_got_lost_has_succeeded(
    parts: PartsStore, key: PayloadKey, backend: Aws
) -> None:
    upload_id, listed = uploaded(backend, parts, key)
    lose_reply(backend.s3, "CompleteMultipartUpload")

    parts.complete(key, upload_id, listed)

    assert content_of(backend, key)[0] == FIRST + LAST


def test_a_part_that_was_sent_again_is_told(parts: PartsStore, key: PayloadKey, backend: Aws) -> None:
    upload_id, listed = uploaded(backend, parts, key)
    send(backend, key, upload_id, 1, b"b" * PART_BYTES)

    with pytest.raises(Unavailable):
        parts.complete(key, upload_id, listed)


def test_what_s3_refuses_for_another_reason_is_a_fault(
    parts: PartsStore, key: PayloadKey, backend: Aws
) -> None:
    upload_id, listed = uploaded(backend, parts, key)
    for call in (
        lambda: parts.complete(key, upload_id, listed),
        lambda: parts.abort(key, upload_id),
        lambda: parts.is_known(key, upload_id),
    ):
        for operation in ("CompleteMultipartUpload", "AbortMultipartUpload", "ListParts"):
            fail(backend.s3, operation, answering(403, "AccessDenied"))
        with pytest.raises(backend.s3.exceptions.ClientError, match="AccessDenied"):
            call()


class TestUrls:
    """These tests run on the emulator only: moto checks no signature."""

    def test_a_part_is_sent_to_its_url(self, emulated: Aws, key: PayloadKey) -> None:
        parts = emulated.adapters().parts
        upload_id = parts.begin(key, DECLARED)
        signed = parts.sign(key, upload_id, 2, size=len(LAST), seconds=60)

        answer = httpx2.put(signed.url, content=LAST, headers=signed.headers)

        assert answer.status_code == 200
        assert answer.headers["ETag"]
        [part] = parts.list(key, upload_id) or ()
        assert (part.number, part.size) == (2, len(LAST))

    @pytest.mark.parametrize("body", [b"", LAST[1:], LAST + b"!"])
    def test_a_part_other_than_signed_is_refused(self, emulated: Aws, key: PayloadKey, body: bytes) -> None:
        parts = emulated.adapters().parts
        upload_id = parts.begin(key, DECLARED)
        signed = parts.sign(key, upload_id, 2, size=len(LAST), seconds=60)

        answer = httpx2.put(signed.url, content=body, headers=signed.headers)

        assert (answer.status_code, parts.list(key, upload_id)) == (403, ())
        assert b"SignatureDoesNotMatch" in answer.content

    @pytest.mark.parametrize("changed", ["number", "upload", "object", "owner", "no part"])
    def test_a_url_for_one_part_is_none_for_another(
        self, emulated: Aws, key: PayloadKey, changed: str
    ) -> None:
        parts = emulated.adapters().parts
        other = PayloadKey(f"{key.owner}-2", key.object_id, 1)
        upload_id, of_other = parts.begin(key, DECLARED), parts.begin(other, DECLARED)
        url = parts.sign(key, upload_id, 2, size=len(LAST), seconds=60).url
        forged = {
            "number": url.replace("partNumber=2", "partNumber=1"),
            "upload": url.replace(upload_id, of_other),
            "object": url.replace(key.object_id, str(uuid4())),
            "owner": url.replace(f"/{key.owner}/", f"/{other.owner}/").replace(upload_id, of_other),
            "no part": url.replace(f"uploadId={upload_id}&partNumber=2&", ""),
        }[changed]

        assert forged != url
        assert httpx2.put(forged, content=LAST).status_code == 403
        assert parts.list(key, upload_id) == parts.list(other, of_other) == ()

"""The promises of the payload store to the services, and to clients with a signed URL."""

import time
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from botocore.exceptions import IncompleteReadError

from app.domain.errors import NotFound, Unavailable, UnknownMessage
from app.domain.objects.values import Artifact, PayloadKey, Revision
from app.storage.payloads import Download, PayloadStore, SignedRequest
from tests.conftest import Aws
from tests.faults import after, calls_of, lose_reply, sent_by

CSV = b"a,b\n1,2\n3,4\n"
DECLARED = Revision(1, "text/csv", len(CSV), None, None)
WITH_CHECKSUM = Revision(1, "text/csv", len(CSV), sha256(CSV).hexdigest(), None)


@pytest.fixture
def key(owner: str) -> PayloadKey:
    return PayloadKey(owner, str(uuid4()), 1)


def content_of(backend: Aws, key: str) -> tuple[bytes, str]:
    found = backend.s3.get_object(Bucket=backend.bucket, Key=key)
    return found["Body"].read(), found["ContentType"]


def test_a_key_is_read_back_from_its_text(key: PayloadKey) -> None:
    assert PayloadKey.parse(str(key)) == key


@pytest.mark.parametrize(
    "text",
    [
        "",
        "payloads/local-me/1",
        "payloads/local-me/x/1/more",
        "payloads/local-me/x/one",
        "payloads/local-me/x/-1",
        "artifacts/local-me/x/1",
        "relay-failures/local-me/x/1",
    ],
)
def test_what_is_no_key_of_a_payload_is_refused(text: str) -> None:
    with pytest.raises(UnknownMessage):
        PayloadKey.parse(text)


def test_a_payload_is_stored_with_its_type(payloads: PayloadStore, key: PayloadKey, backend: Aws) -> None:
    payloads.put_once(key, CSV, DECLARED)

    assert content_of(backend, str(key)) == (CSV, "text/csv")


def test_a_payload_is_written_once_and_never_overwritten(
    payloads: PayloadStore, key: PayloadKey, backend: Aws
) -> None:
    payloads.put_once(key, CSV, DECLARED)

    payloads.put_once(key, b"other bytes", Revision(1, "text/plain", 11, None, None))

    assert content_of(backend, str(key)) == (CSV, "text/csv")


def test_a_put_whose_reply_got_lost_has_succeeded(
    payloads: PayloadStore, key: PayloadKey, backend: Aws
) -> None:
    lose_reply(backend.s3, "PutObject")
    sent = sent_by(backend.s3, "PutObject")

    payloads.put_once(key, CSV, DECLARED)

    assert len(sent) == 2
    assert content_of(backend, str(key)) == (CSV, "text/csv")


def test_whether_a_payload_exists_is_told(payloads: PayloadStore, key: PayloadKey) -> None:
    existed = payloads.exists(key)
    payloads.put_once(key, CSV, DECLARED)

    assert (existed, payloads.exists(key)) == (False, True)


def test_another_revision_is_another_payload(payloads: PayloadStore, key: PayloadKey) -> None:
    payloads.put_once(key, CSV, DECLARED)

    assert not payloads.exists(PayloadKey(key.owner, key.object_id, 2))
    assert not payloads.exists(PayloadKey(key.owner, key.object_id, 11))


@pytest.mark.parametrize("body", [b"", CSV, bytes(range(256)) * 10_000], ids=["empty", "small", "2.5 MB"])
def test_a_payload_is_fetched_into_a_file_and_hashed(
    payloads: PayloadStore, key: PayloadKey, tmp_path: Path, body: bytes
) -> None:
    payloads.put_once(key, body, DECLARED)

    fetched = payloads.fetch(key, tmp_path / "payload", at_most=10_000_000)

    assert fetched == Download(len(body), sha256(body).hexdigest())
    assert (tmp_path / "payload").read_bytes() == body


@pytest.mark.parametrize(("at_most", "size"), [(0, 0), (1, 1), (11, 11), (12, 12), (13, 12)])
def test_a_fetch_stops_after_so_many_bytes(
    payloads: PayloadStore, key: PayloadKey, tmp_path: Path, at_most: int, size: int
) -> None:
    payloads.put_once(key, CSV, DECLARED)

    fetched = payloads.fetch(key, tmp_path / "payload", at_most=at_most)

    assert fetched == Download(size, sha256(CSV[:size]).hexdigest())
    assert (tmp_path / "payload").read_bytes() == CSV[:size]


BYTES = bytes(range(256))


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        (b"", b""),
        (CSV, CSV),
        (BYTES * 256 + b"0123456789AB", BYTES * 256 + b"0123456789AB"),
        (BYTES * 10_000 + b"PAR1", BYTES * 256 + (BYTES + b"PAR1")[-12:]),
    ],
    ids=["empty", "small", "as long as an excerpt", "2.5 MB"],
)
def test_of_an_excerpt_only_both_ends_are_stored_but_all_is_hashed(
    payloads: PayloadStore, key: PayloadKey, tmp_path: Path, body: bytes, kept: bytes
) -> None:
    payloads.put_once(key, body, DECLARED)

    fetched = payloads.fetch_excerpt(key, tmp_path / "payload", at_most=10_000_000)

    assert fetched == Download(len(body), sha256(body).hexdigest())
    assert (tmp_path / "payload").read_bytes() == kept


class Breaking:
    """A body whose connection breaks after some reads."""

    def __init__(self, body: Any, reads: int) -> None:
        self._body = body
        self._reads = reads

    def read(self, amount: int) -> bytes:
        if self._reads == 0:
            raise IncompleteReadError(actual_bytes=1, expected_bytes=2)
        self._reads -= 1
        found: bytes = self._body.read(amount)
        return found

    def close(self) -> None:
        self._body.close()


def breaking(backend: Aws, *, reads: int, times: int) -> None:
    after(
        backend.s3,
        "GetObject",
        lambda answer: answer.update(Body=Breaking(answer["Body"], reads)),
        times=times,
    )


@pytest.mark.parametrize("fetch", ["fetch", "fetch_excerpt"])
def test_a_broken_connection_goes_on_where_it_broke(
    payloads: PayloadStore, key: PayloadKey, backend: Aws, tmp_path: Path, fetch: str
) -> None:
    body = BYTES * 20_000
    payloads.put_once(key, body, DECLARED)
    calls = calls_of(backend.s3)
    breaking(backend, reads=2, times=2)

    fetched = getattr(payloads, fetch)(key, tmp_path / "payload", at_most=10_000_000)

    assert fetched == Download(len(body), sha256(body).hexdigest())
    assert [call.parameters.get("Range") for call in calls] == [None, "bytes=2097152-", "bytes=4194304-"]


def test_a_connection_that_breaks_at_once_is_told(
    payloads: PayloadStore, key: PayloadKey, backend: Aws, tmp_path: Path
) -> None:
    payloads.put_once(key, CSV, DECLARED)
    breaking(backend, reads=0, times=9)

    with pytest.raises(Unavailable):
        payloads.fetch(key, tmp_path / "payload", at_most=100)


def test_a_payload_that_is_not_there_is_not_found(
    payloads: PayloadStore, key: PayloadKey, tmp_path: Path
) -> None:
    with pytest.raises(NotFound):
        payloads.fetch(key, tmp_path / "payload", at_most=10)


def test_an_artifact_is_stored_and_described(
    payloads: PayloadStore, key: PayloadKey, backend: Aws, tmp_path: Path
) -> None:
    source = tmp_path / "profile.json"
    source.write_bytes(b'{"rows":2}')

    artifact = payloads.put_artifact(key, "profile.json", "application/json", source)

    assert artifact == Artifact("profile.json", "application/json", 10, sha256(b'{"rows":2}').hexdigest())
    stored = content_of(backend, f"artifacts/{key.owner}/{key.object_id}/1/profile.json")
    assert stored == (b'{"rows":2}', "application/json")


def test_an_artifact_made_again_replaces_the_first(
    payloads: PayloadStore, key: PayloadKey, backend: Aws, tmp_path: Path
) -> None:
    source = tmp_path / "profile.json"
    for content in (b"first", b"second"):
        source.write_bytes(content)
        payloads.put_artifact(key, "profile.json", "application/json", source)

    assert content_of(backend, key.artifact("profile.json")) == (b"second", "application/json")


def test_an_empty_artifact_is_stored(
    payloads: PayloadStore, key: PayloadKey, backend: Aws, tmp_path: Path
) -> None:
    source = tmp_path / "text.txt"
    source.touch()

    artifact = payloads.put_artifact(key, "text.txt", "text/plain", source)

    assert artifact.size == 0
    assert content_of(backend, key.artifact("text.txt")) == (b"", "text/plain")


def keys_of(backend: Aws, key: PayloadKey) -> list[str]:
    """All that is kept of an object."""
    folders = (f"{folder}/{key.owner}/{key.object_id}" for folder in ("payloads", "artifacts"))
    pages = (backend.s3.list_objects_v2(Bucket=backend.bucket, Prefix=folder) for folder in folders)
    return [found["Key"] for page in pages for found in page.get("Contents", [])]


def fill(payloads: PayloadStore, key: PayloadKey, source: Path, *, revisions: int = 2) -> None:
    source.write_bytes(b"{}")
    for number in range(1, revisions + 1):
        revision = PayloadKey(key.owner, key.object_id, number)
        payloads.put_once(revision, CSV, DECLARED)
        for name in ("profile.json", "Größe 日本.txt"):
            payloads.put_artifact(revision, name, "application/json", source)


def test_a_purge_removes_all_payloads_and_artifacts_of_an_object(
    payloads: PayloadStore, key: PayloadKey, backend: Aws, tmp_path: Path
) -> None:
    fill(payloads, key, tmp_path / "a")
    before = keys_of(backend, key)

    payloads.purge(key.owner, key.object_id)

    assert len(before) == 6
    assert keys_of(backend, key) == []


def test_a_purge_leaves_what_belongs_to_others(
    payloads: PayloadStore, key: PayloadKey, backend: Aws, tmp_path: Path
) -> None:
    """An owner or an id may begin like another one."""
    neighbours = [
        PayloadKey(key.owner, str(uuid4()), 1),
        PayloadKey(key.owner, f"{key.object_id}0", 1),
        PayloadKey(f"{key.owner}0", key.object_id, 1),
    ]
    for each in (key, *neighbours):
        fill(payloads, each, tmp_path / "a", revisions=1)

    payloads.purge(key.owner, key.object_id)

    assert all(payloads.exists(neighbour) for neighbour in neighbours)
    assert not payloads.exists(key)


def test_to_purge_again_or_for_nothing_changes_nothing(
    payloads: PayloadStore, key: PayloadKey, backend: Aws, tmp_path: Path
) -> None:
    payloads.purge(key.owner, key.object_id)
    fill(payloads, key, tmp_path / "a")

    for _ in range(2):
        payloads.purge(key.owner, key.object_id)

    assert keys_of(backend, key) == []


def test_only_some_revisions_are_purged_where_they_are_named(
    payloads: PayloadStore, key: PayloadKey, backend: Aws, tmp_path: Path
) -> None:
    fill(payloads, key, tmp_path / "a", revisions=12)

    payloads.purge(key.owner, key.object_id, only=lambda revision: revision not in (1, 11, 12))

    left = {key.split("/")[3] for key in keys_of(backend, key)}
    assert left == {"1", "11", "12"}
    assert len(keys_of(backend, key)) == 9


def test_one_payload_is_deleted_and_that_again_changes_nothing(
    payloads: PayloadStore, key: PayloadKey, backend: Aws, tmp_path: Path
) -> None:
    fill(payloads, key, tmp_path / "a", revisions=2)
    first = PayloadKey(key.owner, key.object_id, 1)

    for _ in range(2):
        payloads.delete(first)

    assert not payloads.exists(first)
    assert len(keys_of(backend, key)) == 5


def test_more_than_a_page_is_purged(
    payloads: PayloadStore, key: PayloadKey, backend: Aws, tmp_path: Path
) -> None:
    """S3 lists up to 1,000 keys at a time; here it is asked for three."""
    fill(payloads, key, tmp_path / "a", revisions=4)
    calls = calls_of(backend.s3)
    with_small_pages = shrink_pages(backend.s3)

    payloads.purge(key.owner, key.object_id)

    with_small_pages.close()
    assert sum(call.operation == "ListObjectsV2" for call in calls) > 2
    assert keys_of(backend, key) == []


def shrink_pages(client: Any) -> ExitStack:
    """Shorten the pages until the stack is closed."""

    def shrink(params: dict[str, Any], **_: Any) -> None:
        params["MaxKeys"] = 3

    event = "provide-client-params.s3.ListObjectsV2"
    client.meta.events.register(event, shrink)
    undo = ExitStack()
    undo.callback(client.meta.events.unregister, event, shrink)
    return undo


def test_a_purge_whose_reply_got_lost_has_succeeded(
    payloads: PayloadStore, key: PayloadKey, backend: Aws, tmp_path: Path
) -> None:
    fill(payloads, key, tmp_path / "a")
    lose_reply(backend.s3, "DeleteObjects")

    payloads.purge(key.owner, key.object_id)

    assert keys_of(backend, key) == []


def test_a_purge_that_leaves_something_is_said_to_be_worth_another_try(
    payloads: PayloadStore, key: PayloadKey, backend: Aws, tmp_path: Path
) -> None:
    """S3 answers 200 with the keys that it did not delete."""
    fill(payloads, key, tmp_path / "a")
    left = {"Errors": [{"Key": str(key), "Code": "InternalError", "Message": "Not now."}]}
    after(backend.s3, "DeleteObjects", lambda answer: answer.update(left))

    with pytest.raises(Unavailable):
        payloads.purge(key.owner, key.object_id)


def test_what_was_purged_can_be_written_again(payloads: PayloadStore, key: PayloadKey, backend: Aws) -> None:
    payloads.put_once(key, CSV, DECLARED)
    payloads.purge(key.owner, key.object_id)

    payloads.put_once(key, b"x", DECLARED)

    assert content_of(backend, str(key)) == (b"x", "text/csv")


@pytest.fixture
def signing(emulated: Aws) -> PayloadStore:
    return emulated.adapters().payloads


def put(signed: SignedRequest, body: bytes = CSV, **headers: str) -> int:
    sent = signed.headers | {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx2.put(signed.url, content=body, headers=sent).status_code


@pytest.mark.parametrize("revision", [DECLARED, WITH_CHECKSUM], ids=["plain", "with checksum"])
def test_an_upload_with_exactly_the_given_headers_is_taken(
    signing: PayloadStore, key: PayloadKey, emulated: Aws, revision: Revision
) -> None:
    signed = signing.sign_upload(key, revision, seconds=60)

    assert put(signed) == 200
    assert content_of(emulated, str(key)) == (CSV, "text/csv")


def test_an_empty_upload_is_taken(signing: PayloadStore, key: PayloadKey) -> None:
    signed = signing.sign_upload(key, Revision(1, "text/csv", 0, None, None), seconds=60)

    assert put(signed, b"") == 200


def test_a_second_upload_to_the_same_url_is_refused(
    signing: PayloadStore, key: PayloadKey, emulated: Aws
) -> None:
    signed = signing.sign_upload(key, DECLARED, seconds=60)
    put(signed)

    assert put(signed, b"x,y\n5,6\n7,8\n") == 412
    assert content_of(emulated, str(key)) == (CSV, "text/csv")


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (CSV + b"5", {}),
        (CSV[:-1], {}),
        (CSV, {"Content_Type": "text/plain"}),
        (CSV, {"If_None_Match": "other"}),
        (CSV, {"x_amz_checksum_sha256": "q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s="}),
    ],
    ids=["longer", "shorter", "another type", "overwriting", "another checksum"],
)
def test_an_upload_other_than_signed_is_refused(
    signing: PayloadStore, key: PayloadKey, body: bytes, headers: dict[str, str]
) -> None:
    signed = signing.sign_upload(key, WITH_CHECKSUM, seconds=60)

    assert put(signed, body, **headers) == 403
    assert not signing.exists(key)


@pytest.mark.parametrize("missing", ["Content-Type", "If-None-Match", "x-amz-checksum-sha256"])
def test_an_upload_without_a_signed_header_is_refused(
    signing: PayloadStore, key: PayloadKey, missing: str
) -> None:
    signed = signing.sign_upload(key, WITH_CHECKSUM, seconds=60)
    headers = {name: value for name, value in signed.headers.items() if name != missing}

    answer = httpx2.put(signed.url, content=CSV, headers=headers)

    assert answer.status_code == 403
    assert not signing.exists(key)


def test_other_bytes_than_the_checksum_says_are_refused(signing: PayloadStore, key: PayloadKey) -> None:
    signed = signing.sign_upload(key, WITH_CHECKSUM, seconds=60)

    assert put(signed, b"x,y\n5,6\n7,8\n") == 400
    assert not signing.exists(key)


def test_a_url_for_one_payload_is_none_for_another(signing: PayloadStore, key: PayloadKey) -> None:
    signed = signing.sign_upload(key, DECLARED, seconds=60)
    other = PayloadKey(key.owner, str(uuid4()), 1)
    moved = SignedRequest(signed.url.replace(key.object_id, other.object_id), signed.headers)

    assert put(moved) == 403
    assert not signing.exists(other)


def test_a_download_is_an_attachment_that_is_not_cached(signing: PayloadStore, key: PayloadKey) -> None:
    signing.put_once(key, CSV, DECLARED)
    url = signing.sign_download(str(key), media_type="text/csv", file_name="Größe 日本.csv", seconds=60)

    answer = httpx2.get(url)

    assert (answer.status_code, answer.content) == (200, CSV)
    assert answer.headers["content-type"].partition(";")[0] == "text/csv"
    assert answer.headers["cache-control"] == "no-store"
    disposition = answer.headers["content-disposition"]
    assert disposition == "attachment; filename*=UTF-8''Gr%C3%B6%C3%9Fe%20%E6%97%A5%E6%9C%AC.csv"


def test_a_head_is_signed_for_head_only(signing: PayloadStore, key: PayloadKey) -> None:
    signing.put_once(key, CSV, DECLARED)
    url = signing.sign_download(
        str(key), media_type="text/csv", file_name="cities.csv", seconds=60, method="HEAD"
    )

    answer = httpx2.head(url)

    assert (answer.status_code, answer.headers["content-length"]) == (200, str(len(CSV)))
    assert httpx2.get(url).status_code == 403


def test_a_get_url_answers_no_head(signing: PayloadStore, key: PayloadKey) -> None:
    signing.put_once(key, CSV, DECLARED)
    url = signing.sign_download(str(key), media_type="text/csv", file_name="cities.csv", seconds=60)

    assert httpx2.head(url).status_code == 403


def test_a_url_ends_with_its_time(signing: PayloadStore, key: PayloadKey) -> None:
    upload = signing.sign_upload(key, DECLARED, seconds=1)
    download = signing.sign_download(str(key), media_type="text/csv", file_name="cities.csv", seconds=1)
    signing.put_once(key, CSV, DECLARED)
    time.sleep(2.1)

    refused = httpx2.get(download)

    assert (refused.status_code, "Request has expired" in refused.text) == (403, True)
    assert put(upload) == 403

"""The store of payloads and artifacts: one bucket. It does not know what is inside the files.

payloads/<owner>/<id>/<revision>            written once, never overwritten
artifacts/<owner>/<id>/<revision>/<name>
"""

import hashlib
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from botocore.exceptions import ClientError, HTTPClientError, IncompleteReadError

from app.aws.clients import credentials_end
from app.aws.faults import all_faults, error_code, transient_faults
from app.domain.errors import NotFound, Unavailable
from app.domain.objects.values import ARTIFACTS, PAYLOADS, Artifact, PayloadKey, Revision

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CHUNK_BYTES = 1024 * 1024
#: The first and the last bytes, which tell the type of a file (app/processors/recognition).
HEAD_BYTES, TAIL_BYTES = 64 * 1024, 12
#: The exceptions that botocore raises when a connection breaks in the middle of a body.
BROKEN = (HTTPClientError, IncompleteReadError)
WRITTEN_BEFORE = "PreconditionFailed"
BEING_WRITTEN = "ConditionalRequestConflict"


@dataclass(frozen=True, slots=True)
class SignedRequest:
    url: str
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Download:
    """A payload as it was read from S3; `sha256` in lower-case hex."""

    size: int
    sha256: str


class PayloadStore:
    """The `presigner` is an S3 client whose endpoint is the host that clients see."""

    def __init__(self, client: "S3Client", bucket: str, presigner: "S3Client") -> None:
        self._client = client
        self._bucket = bucket
        self._presigner = presigner

    def origin(self) -> str:
        """Return scheme and host of presigned URLs. To find them, a URL is signed that nobody uses."""
        signed = self._presigner.generate_presigned_url("head_bucket", Params={"Bucket": self._bucket})
        return "{0.scheme}://{0.netloc}".format(urlsplit(signed))

    def signable_until(self, wanted: datetime) -> datetime:
        """Return the earlier of `wanted` and the end of the credentials that sign: a URL ends with them."""
        end = credentials_end(self._presigner)
        return wanted if end is None else min(wanted, end)

    def sign_upload(self, key: PayloadKey, revision: Revision, *, seconds: int) -> SignedRequest:
        """Presign one PUT of exactly the declared size, type and (when declared) SHA-256."""
        parameters = {
            "Bucket": self._bucket,
            "Key": str(key),
            "ContentLength": revision.size,
            "ContentType": revision.media_type,
            "IfNoneMatch": "*",
        }
        headers = {"Content-Type": revision.media_type, "If-None-Match": "*"}
        if revision.sha256 is not None:
            checksum = b64encode(bytes.fromhex(revision.sha256)).decode()
            parameters["ChecksumSHA256"] = checksum
            headers["x-amz-checksum-sha256"] = checksum
        url = self._presigner.generate_presigned_url(
            "put_object", Params=parameters, ExpiresIn=seconds, HttpMethod="PUT"
        )
        return SignedRequest(url, headers)

    def sign_download(
        self,
        key: str,
        *,
        media_type: str,
        file_name: str,
        seconds: int,
        method: str = "GET",
        disposition: str = "attachment",
    ) -> str:
        """Presign a URL that answers with a name (RFC 6266, RFC 8187) and may not be cached."""
        parameters = {
            "Bucket": self._bucket,
            "Key": key,
            "ResponseContentType": media_type,
            "ResponseContentDisposition": f"{disposition}; filename*=UTF-8''{quote(file_name, safe='')}",
            "ResponseCacheControl": "no-store",
        }
        operation = "head_object" if method == "HEAD" else "get_object"
        return self._presigner.generate_presigned_url(
            operation, Params=parameters, ExpiresIn=seconds, HttpMethod=method
        )

    @transient_faults()
    def put_once(self, key: PayloadKey, body: bytes, revision: Revision) -> None:
        """Write a payload. A payload that is there already counts as written."""
        try:
            self._client.put_object(
                Bucket=self._bucket,
                Key=str(key),
                Body=body,
                ContentType=revision.media_type,
                IfNoneMatch="*",
            )
        except ClientError as refused:
            if error_code(refused) not in (WRITTEN_BEFORE, BEING_WRITTEN):
                raise

    @transient_faults()
    def exists(self, key: PayloadKey) -> bool:
        try:
            self._client.head_object(Bucket=self._bucket, Key=str(key))
        except ClientError as refused:
            if error_code(refused) not in ("404", "NoSuchKey"):
                raise
            return False
        return True

    @all_faults()
    def check(self) -> None:
        """Raise Unavailable when the bucket does not answer, does not exist or refuses us."""
        self._client.head_bucket(Bucket=self._bucket)

    @transient_faults()
    def fetch(self, key: PayloadKey, target: Path, *, at_most: int) -> Download:
        """Copy a payload to a file and hash it on the way. Stop after `at_most` bytes.

        Raises NotFound.
        """
        digest, size = hashlib.sha256(), 0
        with target.open("wb") as file:
            for chunk in self._chunks(key, at_most):
                file.write(chunk)
                digest.update(chunk)
                size += len(chunk)
        return Download(size, digest.hexdigest())

    @transient_faults()
    def fetch_excerpt(self, key: PayloadKey, target: Path, *, at_most: int) -> Download:
        """Hash a payload like `fetch`, but write only its first and last bytes to the file.

        Raises NotFound.
        """
        digest, size, head, tail = hashlib.sha256(), 0, b"", b""
        for chunk in self._chunks(key, at_most):
            digest.update(chunk)
            size += len(chunk)
            left = HEAD_BYTES - len(head)
            head, behind = head + chunk[:left], chunk[left:]
            tail = (tail + behind)[-TAIL_BYTES:]
        target.write_bytes(head + tail)
        return Download(size, digest.hexdigest())

    def _chunks(self, key: PayloadKey, at_most: int) -> Iterator[bytes]:
        """Yield a payload's bytes, up to `at_most`. Where a connection breaks, go on from there."""
        size = 0
        while True:
            began_at = size
            try:
                for chunk in self._from(key, size, at_most):
                    size += len(chunk)
                    yield chunk
            except BROKEN:
                if size == began_at:
                    raise
            else:
                return

    def _from(self, key: PayloadKey, start: int, at_most: int) -> Iterator[bytes]:
        place: Any = {"Range": f"bytes={start}-"} if start else {}
        try:
            body = self._client.get_object(Bucket=self._bucket, Key=str(key), **place)["Body"]
        except self._client.exceptions.NoSuchKey:
            raise NotFound("payload") from None
        with closing(body):
            while start < at_most and (chunk := body.read(min(CHUNK_BYTES, at_most - start))):
                start += len(chunk)
                yield chunk

    @transient_faults()
    def put_artifact(self, key: PayloadKey, name: str, media_type: str, source: Path) -> Artifact:
        """Write an artifact from a file. To write it again replaces it."""
        with source.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            file.seek(0)
            self._client.put_object(
                Bucket=self._bucket, Key=key.artifact(name), Body=file, ContentType=media_type
            )
        return Artifact(name, media_type, source.stat().st_size, sha256)

    @transient_faults()
    def delete(self, key: PayloadKey) -> None:
        """Delete one payload. To delete it again changes nothing."""
        self._client.delete_object(Bucket=self._bucket, Key=str(key))

    @transient_faults()
    def purge(self, owner: str, object_id: str, *, only: Callable[[int], bool] = lambda _: True) -> None:
        """Delete the payloads and artifacts of those revisions of an object for which `only` is true.

        A key without a revision counts as one of revision 0. To purge again changes nothing. Raises
        Unavailable at the end when S3 left some undeleted.
        """
        undeleted = 0
        for folder in (PAYLOADS, ARTIFACTS):
            prefix = f"{folder}/{owner}/{object_id}/"
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
            for page in pages:
                keys = [content["Key"] for content in page.get("Contents", [])]
                undeleted += self._delete([key for key in keys if only(_revision_in(key, prefix))])
        if undeleted:
            raise Unavailable(f"S3 left {undeleted} objects undeleted.")

    def _delete(self, keys: Sequence[str]) -> int:
        """Delete objects. Return how many S3 left undeleted."""
        if not keys:
            return 0
        answer = self._client.delete_objects(
            Bucket=self._bucket,
            Delete={"Objects": [{"Key": key} for key in keys], "Quiet": True},
        )
        return len(answer.get("Errors", []))


def _revision_in(key: str, prefix: str) -> int:
    """Return the revision that a key names; 0 for a key that somebody else put there."""
    name = key.removeprefix(prefix).partition("/")[0]
    return int(name) if name.isdecimal() else 0

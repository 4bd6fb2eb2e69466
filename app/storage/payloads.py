"""The store of payloads and artifacts: one bucket. It does not know what is inside the files.

payloads/<owner>/<id>/<revision>            written once, never overwritten
artifacts/<owner>/<id>/<revision>/<name>
relay-failures/<sequence number>.json       stream records that could not be read as a change
"""

import hashlib
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from botocore.exceptions import ClientError

from app.aws import all_faults, credentials_end, error_code, insist, passing_faults
from app.domain.errors import NotFound, Unavailable
from app.domain.values import ARTIFACTS, PAYLOADS, Artifact, PayloadKey, Revision

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

RELAY_FAILURES = "relay-failures"
CHUNK_BYTES = 1024 * 1024
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
        self, key: str, *, media_type: str, file_name: str, seconds: int, method: str = "GET"
    ) -> str:
        """Presign a URL that answers as an attachment (RFC 6266, RFC 8187) and may not be cached."""
        parameters = {
            "Bucket": self._bucket,
            "Key": key,
            "ResponseContentType": media_type,
            "ResponseContentDisposition": f"attachment; filename*=UTF-8''{quote(file_name, safe='')}",
            "ResponseCacheControl": "no-store",
        }
        operation = "head_object" if method == "HEAD" else "get_object"
        return self._presigner.generate_presigned_url(
            operation, Params=parameters, ExpiresIn=seconds, HttpMethod=method
        )

    @passing_faults()
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

    @passing_faults()
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

    @passing_faults()
    def fetch(self, key: PayloadKey, target: Path, *, at_most: int) -> Download:
        """Copy a payload to a file and hash it on the way. Stop after `at_most` bytes.

        Raises NotFound.
        """
        try:
            body = self._client.get_object(Bucket=self._bucket, Key=str(key))["Body"]
        except self._client.exceptions.NoSuchKey:
            raise NotFound("payload") from None
        digest, size = hashlib.sha256(), 0
        with target.open("wb") as file:
            while size < at_most and (chunk := body.read(min(CHUNK_BYTES, at_most - size))):
                file.write(chunk)
                digest.update(chunk)
                size += len(chunk)
        return Download(size, digest.hexdigest())

    @passing_faults()
    def put_artifact(self, key: PayloadKey, name: str, media_type: str, source: Path) -> Artifact:
        """Write an artifact from a file. To write it again replaces it."""
        with source.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            file.seek(0)
            self._client.put_object(
                Bucket=self._bucket, Key=key.artifact(name), Body=file, ContentType=media_type
            )
        return Artifact(name, media_type, source.stat().st_size, sha256)

    @passing_faults()
    def delete(self, key: PayloadKey) -> None:
        """Delete one payload. To delete it again changes nothing."""
        self._client.delete_object(Bucket=self._bucket, Key=str(key))

    @passing_faults()
    def purge(self, owner: str, object_id: str, *, only: Callable[[int], bool] = lambda _: True) -> None:
        """Delete the payloads and artifacts of those revisions of an object for which `only` is true.

        To purge again changes nothing. Raises Unavailable when S3 left some undeleted.
        """
        for folder in (PAYLOADS, ARTIFACTS):
            prefix = f"{folder}/{owner}/{object_id}/"
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
            for page in pages:
                keys = [content["Key"] for content in page.get("Contents", [])]
                revisions = [int(key.removeprefix(prefix).partition("/")[0]) for key in keys]
                self._delete([key for key, revision in zip(keys, revisions, strict=True) if only(revision)])

    def _delete(self, keys: Sequence[str]) -> None:
        if keys:
            answer = self._client.delete_objects(
                Bucket=self._bucket,
                Delete={"Objects": [{"Key": key} for key in keys], "Quiet": True},
            )
            if answer.get("Errors"):
                raise Unavailable("S3 left objects undeleted.")

    def set_aside(self, name: str, record: bytes) -> None:
        """Keep a stream record that the relay could not turn into an event."""
        insist(partial(self._put, f"{RELAY_FAILURES}/{name}.json", record))

    @passing_faults()
    def _put(self, key: str, body: bytes) -> None:
        self._client.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType="application/json")

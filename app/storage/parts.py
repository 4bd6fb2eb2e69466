"""Uploads in parts: S3's multipart uploads, each for one payload of the bucket.

S3 keeps the parts until they are put together or the upload is aborted. The bucket
aborts what is left after a week (template.yaml).
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from app.aws.faults import error_code, transient_faults
from app.domain.errors import Unavailable
from app.domain.objects.values import Part, PayloadKey, Revision
from app.storage.payloads import BEING_WRITTEN, WRITTEN_BEFORE, SignedRequest

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

UNKNOWN_UPLOAD = "NoSuchUpload"
#: A part was sent again after the parts were listed.
CHANGED_PART = "InvalidPart"


class PartsStore:
    """The `presigner` is an S3 client whose endpoint is the host that clients see."""

    def __init__(self, client: "S3Client", bucket: str, presigner: "S3Client") -> None:
        self._client = client
        self._bucket = bucket
        self._presigner = presigner

    @transient_faults()
    def begin(self, key: PayloadKey, revision: Revision) -> str:
        """Begin an upload, and return S3's id of it."""
        begun = self._client.create_multipart_upload(
            Bucket=self._bucket, Key=str(key), ContentType=revision.media_type
        )
        return begun["UploadId"]

    def sign(self, key: PayloadKey, upload_id: str, number: int, *, size: int, seconds: int) -> SignedRequest:
        """Presign the PUT of one part of exactly `size` bytes. A part that is sent again replaces itself."""
        parameters = {
            "Bucket": self._bucket,
            "Key": str(key),
            "UploadId": upload_id,
            "PartNumber": number,
            "ContentLength": size,
        }
        url = self._presigner.generate_presigned_url(
            "upload_part", Params=parameters, ExpiresIn=seconds, HttpMethod="PUT"
        )
        return SignedRequest(url, {})

    @transient_faults()
    def is_known(self, key: PayloadKey, upload_id: str) -> bool:
        """False if the upload was completed or aborted, or S3 has forgotten it."""
        try:
            self._client.list_parts(Bucket=self._bucket, Key=str(key), UploadId=upload_id, MaxParts=1)
        except ClientError as refused:
            if error_code(refused) != UNKNOWN_UPLOAD:
                raise
            return False
        return True

    @transient_faults()
    def list(self, key: PayloadKey, upload_id: str) -> tuple[Part, ...] | None:
        """Return the parts that S3 has, by number; None if S3 does not know the upload."""
        pages = self._client.get_paginator("list_parts").paginate(
            Bucket=self._bucket, Key=str(key), UploadId=upload_id
        )
        try:
            return tuple(
                Part(int(part["PartNumber"]), int(part["Size"]), part["ETag"])
                for page in pages
                for part in page.get("Parts", [])
            )
        except ClientError as refused:
            if error_code(refused) != UNKNOWN_UPLOAD:
                raise
            return None

    @transient_faults()
    def complete(self, key: PayloadKey, upload_id: str, parts: Sequence[Part]) -> None:
        """Put the parts together, which may take minutes. If the payload is there already, drop them.

        A HEAD tells whether the payload is there now: a reply may be lost, and then the SDK's
        repeat meets an upload that S3 no longer knows. Raises Unavailable if a part was
        sent again meanwhile.
        """
        wanted: Any = {"Parts": [{"PartNumber": part.number, "ETag": part.tag} for part in parts]}
        try:
            self._client.complete_multipart_upload(
                Bucket=self._bucket,
                Key=str(key),
                UploadId=upload_id,
                MultipartUpload=wanted,
                IfNoneMatch="*",
            )
        except ClientError as refused:
            if error_code(refused) == CHANGED_PART:
                raise Unavailable("A part was sent again while the upload was put together.") from refused
            if error_code(refused) not in (UNKNOWN_UPLOAD, WRITTEN_BEFORE, BEING_WRITTEN):
                raise
            self.abort(key, upload_id)

    @transient_faults()
    def abort(self, key: PayloadKey, upload_id: str) -> None:
        """Drop an upload with its parts. To abort one that S3 does not know changes nothing."""
        try:
            self._client.abort_multipart_upload(Bucket=self._bucket, Key=str(key), UploadId=upload_id)
        except ClientError as refused:
            if error_code(refused) != UNKNOWN_UPLOAD:
                raise

"""The sample object as a file that is uploaded in two parts, and what S3 has of it."""

from datetime import datetime, timedelta
from typing import Any

from app.domain.objects.stored import StoredObject
from app.domain.objects.values import Part, Revision
from tests.conftest import NOW, Aws, make_object

#: The smallest that moto puts together, as S3 does.
PART_BYTES = 5 * 1024 * 1024
FIRST, LAST = b"a" * PART_BYTES, b"the end"
SIZE = len(FIRST) + len(LAST)
EXPIRES_AT = NOW + timedelta(hours=24)


def make_in_parts(expires_at: datetime = EXPIRES_AT, **changes: Any) -> StoredObject:
    """An object that awaits a payload in parts, of which nothing is begun."""
    values: dict[str, Any] = {
        "kind": "file",
        "name": "film.bin",
        "newest": Revision(1, "application/octet-stream", SIZE, None, expires_at, PART_BYTES),
        "deadline": expires_at + timedelta(minutes=5),
        "writable_until": expires_at,
    }
    return make_object(**values | changes)


def begun(aws: Aws, stored: StoredObject) -> StoredObject:
    """The object as it is once S3 has begun its upload."""
    assert stored.newest is not None
    key = stored.payload_key(stored.newest_number)
    return stored.begin_parts(aws.adapters().parts.begin(key, stored.newest))


def upload(aws: Aws, stored: StoredObject, number: int, body: bytes | None = None) -> None:
    """Send a part to S3, with the right bytes if no others are given."""
    assert stored.parts_upload is not None
    aws.s3.upload_part(
        Bucket=aws.bucket,
        Key=str(stored.payload_key(stored.newest_number)),
        UploadId=stored.parts_upload.id,
        PartNumber=number,
        Body=body if body is not None else (FIRST, LAST)[number - 1],
    )


def uploaded(aws: Aws, stored: StoredObject) -> StoredObject:
    """The object as it is once all its parts are in S3."""
    known = begun(aws, stored)
    for number in (1, 2):
        upload(aws, known, number)
    return known


def uploads_left(aws: Aws) -> list[str]:
    """The keys of the uploads in parts that S3 has begun and not ended."""
    return [found["Key"] for found in aws.s3.list_multipart_uploads(Bucket=aws.bucket).get("Uploads", [])]


def parts_of(*sizes: int) -> tuple[Part, ...]:
    return tuple(Part(number, size, f'"{number}"') for number, size in enumerate(sizes, start=1))

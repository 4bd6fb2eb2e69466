"""The store of stream records that were set aside: whole, as files in the payload bucket.

relay-failures/<sequence number>.json    one record, which the relay could not turn into an event
aws/lambda/<mapping>/<shard>/…           a batch, which Lambda gave up

Lambda chooses its name itself (AWS Lambda Developer Guide, "Retain discarded records for a
DynamoDB event source in Lambda").
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from app.aws.faults import insist, transient_faults

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BY_RELAY = "relay-failures/"
BY_LAMBDA = "aws/lambda/"

#: A stream record in a function (AWS Lambda Developer Guide, "Using AWS Lambda with DynamoDB").
StreamRecord = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AsideFile:
    """A file of records, as the operator finds it."""

    key: str
    #: Empty if the file is not one that the relay or Lambda wrote.
    records: tuple[StreamRecord, ...]

    @property
    def is_by_lambda(self) -> bool:
        return self.key.startswith(BY_LAMBDA)


class SetAsideStore:
    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def keep(self, name: str, record: StreamRecord) -> None:
        """Keep one record. To keep it again replaces it."""
        key = f"{BY_RELAY}{quote(name, safe='')}.json"
        insist(partial(self._put, key, json.dumps(record).encode()))

    @transient_faults()
    def _put(self, key: str, body: bytes) -> None:
        self._client.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType="application/json")

    @transient_faults()
    def files(self) -> list[AsideFile]:
        """Return every file of records, read whole."""
        return [self._file(key) for prefix in (BY_RELAY, BY_LAMBDA) for key in self._keys(prefix)]

    def _keys(self, prefix: str) -> Iterator[str]:
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
        for page in pages:
            yield from (found["Key"] for found in page.get("Contents", []))

    def _file(self, key: str) -> AsideFile:
        body = self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        return AsideFile(key, _records(body))

    @transient_faults()
    def remove(self, file: AsideFile) -> None:
        self._client.delete_object(Bucket=self._bucket, Key=file.key)


def _records(body: bytes) -> tuple[StreamRecord, ...]:
    """Return the records in a file: one by itself, or those of the batch in Lambda's `payload`."""
    try:
        kept = json.loads(body)
        if "dynamodb" in kept:
            return (kept,)
        payload = kept["payload"]
        batch = json.loads(payload) if isinstance(payload, str) else payload
        return tuple(record for record in batch["Records"] if "dynamodb" in record)
    except (KeyError, RecursionError, TypeError, ValueError):
        return ()


def in_order_of_objects(files: Sequence[AsideFile]) -> list[tuple[StreamRecord, AsideFile]]:
    """Return every record with its file: all of one object together, in the order of its changes.

    Sequence numbers are numbers that grow, for one object, with each change.
    """
    found = [(record, file) for file in files for record in file.records]
    return sorted(found, key=lambda pair: (pk_of(pair[0]), *_place(number_of(pair[0]))))


def pk_of(record: StreamRecord) -> str:
    """Return the partition key of the record's object; empty if the record has none."""
    try:
        return str(record["dynamodb"]["Keys"]["pk"]["S"])
    except (KeyError, TypeError):
        return ""


def number_of(record: StreamRecord) -> str:
    try:
        return str(record["dynamodb"]["SequenceNumber"])
    except (KeyError, TypeError):
        return ""


def _place(number: str) -> tuple[int, str]:
    return (len(number), number)

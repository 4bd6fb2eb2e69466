"""Measure what the door of the emulator adds to an upload, against the emulator without one.

Both stores are on this machine, and take turns. A presigned URL leaves the body unsigned; a
signed upload is hashed by the door as it arrives, and by the client before it is sent.
"""

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

import boto3

from app.aws.sdk import S3_CONFIG
from app.local.aws import emulator
from app.local.aws.emulator import Door, Emulator, listen
from app.local.doors import keys
from benchmarks.measuring import table
from benchmarks.samples import MB

HEAD = ("upload", "without door", "with door", "ratio")
BYTES = 100 * MB
RUNS = 11
BUCKET, KEY = "benchmark", "payload"

Upload = Callable[[Any, bytes], None]


def main(_: Sequence[str]) -> None:
    table(f"The door of the emulator: uploads of {BYTES // MB} MB", HEAD, _rows(BYTES, RUNS))


def _rows(size: int, runs: int) -> Iterator[Sequence[str]]:
    body = os.urandom(size)
    with ExitStack() as running:
        stores = [_store(running.enter_context(started(door))) for door in (None, a_door())]
        for name, upload in {"presigned URL": by_url, "signed": by_client}.items():
            for store in stores:
                upload(store, body)
            turns = [[_seconds(upload, store, body) for store in stores] for _ in range(runs)]
            bare, guarded = (median(turn[side] for turn in turns) for side in (0, 1))
            ratio = median(turn[1] / turn[0] for turn in turns)
            yield name, f"{bare * 1000:.0f} ms", f"{guarded * 1000:.0f} ms", f"{ratio:.2f}"


def a_door() -> Door:
    return Door(keys.new_credentials(), frozenset(), ())


@contextmanager
def started(door: Door | None) -> Iterator[Emulator]:
    with TemporaryDirectory(prefix="wharf-benchmark-") as folder:
        with listen(0) as probe:
            port = probe.getsockname()[1]
        own = emulator.start(port, Path(folder), door=door)
        try:
            yield own
        finally:
            own.stop()


def _store(own: Emulator) -> Any:
    key_id, secret = own.credentials.values()
    session = boto3.session.Session(key_id, secret, region_name=emulator.REGION)
    store = session.client("s3", endpoint_url=own.url, config=S3_CONFIG)
    store.create_bucket(Bucket=BUCKET)
    return store


def _seconds(upload: Upload, store: Any, body: bytes) -> float:
    began = time.perf_counter()
    upload(store, body)
    return time.perf_counter() - began


def by_url(store: Any, body: bytes) -> None:
    url = urlsplit(store.generate_presigned_url("put_object", Params={"Bucket": BUCKET, "Key": KEY}))
    connection = HTTPConnection(url.netloc)
    connection.request("PUT", f"{url.path}?{url.query}", body)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    assert answer.status == 200


def by_client(store: Any, body: bytes) -> None:
    store.put_object(Bucket=BUCKET, Key=KEY, Body=body)


if __name__ == "__main__":
    main(sys.argv[1:])

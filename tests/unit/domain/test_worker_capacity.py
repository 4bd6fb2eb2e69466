"""No payload within the limits of a deployment needs more time or disk than its worker has."""

import pytest

from app.domain.disk import FILES_AT_ONCE
from app.domain.kinds import GIBIBYTE, KINDS, MEBIBYTE, RESERVED_BYTES, WorkerCapacity

CAPACITIES = [
    WorkerCapacity(lease, storage)
    for lease in (10, 30, 60, 120, 300, 600, 900)
    for storage in (512, 4096, 10_240)
]


@pytest.mark.parametrize("capacity", CAPACITIES, ids=str)
@pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if kind.processor])
def test_all_that_is_on_disk_at_once_fits(capacity: WorkerCapacity, name: str) -> None:
    kind = capacity.fit(KINDS[name])
    stored = 0 if kind.needs_excerpt_only else kind.size_limit
    written = capacity.disk_bytes_beside(kind)

    assert stored + written + RESERVED_BYTES == capacity.storage_mebibytes * MEBIBYTE
    assert FILES_AT_ONCE * kind.unpacked_limit <= written
    assert FILES_AT_ONCE * stored <= written


def test_a_plain_table_may_be_as_large_as_its_text() -> None:
    kind = WorkerCapacity(300, 2048).fit(KINDS["dataset"])

    assert kind.size_limit <= kind.unpacked_limit


@pytest.mark.parametrize("capacity", CAPACITIES, ids=str)
def test_a_file_is_hashed_in_time(capacity: WorkerCapacity) -> None:
    kind = capacity.fit(KINDS["file"])

    assert kind.size_limit / 30e6 <= 0.75 * capacity.lease_seconds


def test_the_deployed_worker_takes_what_the_docs_say() -> None:
    capacity = WorkerCapacity(300, 10_240)

    assert capacity.fit(KINDS["file"]).size_limit == 6_750_000_000
    assert capacity.fit(KINDS["dataset"]).size_limit == GIBIBYTE
    assert capacity.fit(KINDS["dataset"]).unpacked_limit == 2288 * MEBIBYTE
    assert capacity.fit(KINDS["image"]) == KINDS["image"]


def test_a_small_payload_may_not_hold_a_worker_as_long_as_a_large_one() -> None:
    capacity = WorkerCapacity(300, 10_240)

    assert capacity.seconds_for(0) == 60
    assert capacity.seconds_for(440 * 1024) == 60 + 440 / 256
    assert capacity.seconds_for(10 * MEBIBYTE) == 100
    assert capacity.seconds_for(GIBIBYTE) == capacity.seconds == 225


def test_no_payload_has_longer_than_a_short_lease_allows() -> None:
    assert WorkerCapacity(10, 10_240).seconds_for(0) == 7.5

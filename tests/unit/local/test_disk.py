"""Data that do not fit are refused before they are taken, and data that were taken keep their room."""

from collections.abc import Callable
from pathlib import Path

import pytest

from app.local.doors.disk import KEPT_BYTES, MEBIBYTE, Disk
from app.local.doors.signatures import Refused

FREE = 20 * MEBIBYTE


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Disk:
    """A disk with FREE bytes. A small file system would need root; the system test has one."""
    usage = type("Usage", (), {"free": FREE})
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    return Disk.of(tmp_path / "not yet there")


def refuses(act: Callable[[], object]) -> bool:
    try:
        act()
    except Refused as refused:
        return refused.status == 507
    return False


def upload(disk: Disk, size: int, *, is_upload: bool = True) -> None:
    with disk.expecting(size, is_upload=is_upload):
        pass


def test_an_upload_is_taken_while_it_leaves_what_is_kept(disk: Disk) -> None:
    upload(disk, FREE - 2 * KEPT_BYTES - MEBIBYTE)

    assert refuses(lambda: upload(disk, FREE - 2 * KEPT_BYTES))


def test_artifacts_may_use_room_that_uploads_may_not(disk: Disk) -> None:
    size = FREE - 2 * KEPT_BYTES

    assert refuses(lambda: upload(disk, size))
    upload(disk, size, is_upload=False)


def test_uploads_at_once_share_the_room(disk: Disk) -> None:
    with disk.expecting(8 * MEBIBYTE, is_upload=True):
        assert refuses(lambda: upload(disk, 8 * MEBIBYTE))
    upload(disk, 8 * MEBIBYTE)


def test_parts_keep_their_room_until_their_upload_ends(disk: Disk) -> None:
    with disk.expecting_part("1", 8 * MEBIBYTE):
        pass

    assert refuses(lambda: upload(disk, 8 * MEBIBYTE))
    with disk.end_parts("1"):
        pass
    upload(disk, 8 * MEBIBYTE)


def test_the_table_keeps_room_to_be_written(disk: Disk, tmp_path: Path) -> None:
    (tmp_path / "dynamodb.json").write_bytes(b"x" * 3 * MEBIBYTE)
    disk.state = Disk.of(tmp_path).state

    assert refuses(lambda: upload(disk, 8 * MEBIBYTE))
    disk.add_record(MEBIBYTE)
    assert disk.state == 4 * MEBIBYTE
    assert refuses(lambda: disk.add_record(6 * MEBIBYTE))


def test_it_is_full_for_as_long_as_what_was_refused_would_be_refused_again(disk: Disk) -> None:
    before = disk.is_full()
    with disk.expecting(8 * MEBIBYTE, is_upload=True):
        assert refuses(lambda: upload(disk, 8 * MEBIBYTE))
        between = disk.is_full()

    assert (before, between, disk.is_full(), disk.refusals) == (False, True, False, 1)

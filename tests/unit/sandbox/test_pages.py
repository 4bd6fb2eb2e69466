"""The fork server's memory, of which each child is a copy."""

import platform
from pathlib import Path

import pytest

from app.processors.report import Task
from app.sandbox.client import Sandbox

HEAVY = "tests.unit.sandbox.heavy"
HUGE_PAGES = Path("/sys/kernel/mm/transparent_hugepage")


def can_gather() -> bool:
    """True for Linux from 6.1 on, if it has huge pages."""
    return HUGE_PAGES.exists() and tuple(map(int, platform.release().split(".")[:2])) >= (6, 1)


@pytest.mark.skipif(not can_gather(), reason="the kernel gathers no memory when it is asked to")
def test_a_child_is_a_copy_of_huge_pages(tmp_path: Path) -> None:
    tmp_path.joinpath("output").mkdir()
    task = Task(
        processor=HEAVY,
        source=tmp_path,
        output=tmp_path / "output",
        media_type="text/plain",
        unpacked_limit=1,
        memory_limit=64 * 1024**2,
        disk_limit=1024**2,
    )
    with Sandbox([HEAVY]) as sandbox:
        seen = [sandbox.run(task, seconds=10).summary for _ in range(2)]

    assert all(one["huge_kib"] >= 2048 and one["is_whole"] for one in seen)

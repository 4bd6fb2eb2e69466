"""Tasks that come at once each have a sandbox; those that come one after the other share one."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import pytest

from app.domain.errors import InvalidPayload
from app.processors.report import Report, Task
from app.sandbox.pool import Sandboxes
from tests.unit.sandbox.test_sandbox import MIB, SAMPLES


@pytest.fixture
def sandboxes() -> Iterator[Sandboxes]:
    with Sandboxes([SAMPLES]) as pool:
        yield pool


class Tasks:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = count()

    def __call__(self, sample: str) -> Task:
        folder = self._folder / str(next(self._numbers))
        folder.joinpath("output").mkdir(parents=True)
        folder.joinpath("source").write_text(sample, encoding="utf-8")
        return Task(
            processor=SAMPLES,
            source=folder / "source",
            output=folder / "output",
            media_type="text/plain",
            unpacked_limit=MIB,
            memory_limit=64 * MIB,
            disk_limit=64 * MIB,
        )


@pytest.fixture
def task(tmp_path: Path) -> Tasks:
    return Tasks(tmp_path)


def servers(sandboxes: Sandboxes) -> int:
    """Return how many sandboxes are idle, each with a fork server of its own."""
    return len(sandboxes._idle)


def test_a_task_does_not_wait_for_another_that_takes_long(sandboxes: Sandboxes, task: Tasks) -> None:
    with ThreadPoolExecutor() as threads:
        slow = threads.submit(sandboxes.run, task("sleep"), seconds=5)
        quick = sandboxes.run(task("nothing"), seconds=60)

        assert not slow.done()
        assert isinstance(quick, Report)
        with pytest.raises(InvalidPayload, match="longer than 5 s"):
            slow.result()
    assert servers(sandboxes) == 2


def test_tasks_one_after_the_other_share_a_sandbox_also_after_one_that_failed(
    sandboxes: Sandboxes, task: Tasks
) -> None:
    sandboxes.start()
    for sample in ("nothing", "refuse", "nothing"):
        if sample == "refuse":
            with pytest.raises(InvalidPayload):
                sandboxes.run(task(sample), seconds=60)
        else:
            sandboxes.run(task(sample), seconds=60)

    assert servers(sandboxes) == 1


def test_a_start_adds_a_sandbox_unless_there_are_enough(sandboxes: Sandboxes) -> None:
    for enough in (1, 2, 2, 1):
        sandboxes.start(unless=enough)

    assert servers(sandboxes) == 2


def test_one_that_was_begun_does_the_first_task(sandboxes: Sandboxes, task: Tasks) -> None:
    for _ in range(2):
        sandboxes.begin()
    begun = servers(sandboxes)
    sandboxes.run(task("nothing"), seconds=60)

    assert begun == servers(sandboxes) == 1


def test_those_that_are_busy_are_there_too(sandboxes: Sandboxes, task: Tasks) -> None:
    with ThreadPoolExecutor() as threads:
        slow = threads.submit(sandboxes.run, task("sleep"), seconds=5)
        sandboxes.run(task("nothing"), seconds=60)
        sandboxes.start(unless=2)
        with pytest.raises(InvalidPayload):
            slow.result()

    assert servers(sandboxes) == 2


def test_after_a_close_there_are_none(sandboxes: Sandboxes) -> None:
    sandboxes.start()
    sandboxes.close()
    sandboxes.start()

    assert servers(sandboxes) == 1

"""The limits of a child, as its task sets them; CPU time by a child that needs no sandbox around it."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from app.domain.errors import InvalidPayload, ProblemCode
from app.processors.report import Task
from app.sandbox.output import OutputFolder
from app.sandbox.verdict import judge
from app.sandbox.wire import CPU_SECONDS, MIB, THREADS, Cause, Ending, Job, Limits

ROOT = Path(__file__).parents[3]
CONFINED = """
import os, signal, sys
from dataclasses import replace
from app.sandbox.child import confine
from app.sandbox.locks.optional import Files, Locks
from app.sandbox.locks.trials import LIMITS

signal.signal(signal.SIGXCPU, getattr(signal, sys.argv[1]))
confine(replace(LIMITS, cpu_seconds=1), server=os.getppid(), locks=Locks(), files=Files((), ()))
while True:
    pass
"""


@pytest.fixture
def task(tmp_path: Path) -> Task:
    return Task(
        processor="dataset",
        source=tmp_path / "source",
        output=tmp_path,
        media_type="text/csv",
        unpacked_limit=MIB,
        memory_limit=64 * MIB,
        disk_limit=8 * MIB,
    )


def test_they_follow_from_the_task(task: Task) -> None:
    limits = Limits.of(task, seconds=60)

    assert limits == Limits(
        cpu_seconds=CPU_SECONDS,
        memory_bytes=64 * MIB,
        output_bytes=2 * MIB,
        scratch_bytes=6 * MIB,
        file_bytes=2 * MIB,
    )
    assert limits.disk_bytes == task.disk_limit


def test_a_task_of_long_may_compute_for_long(task: Task) -> None:
    assert Limits.of(task, seconds=CPU_SECONDS).cpu_seconds == THREADS * CPU_SECONDS


@pytest.mark.skipif(sys.platform != "linux", reason="what only Linux can do")
@pytest.mark.parametrize(
    ("handler", "ended_by"),
    [("SIG_DFL", signal.SIGXCPU), ("SIG_IGN", signal.SIGKILL)],
    ids=["obeys", "ignores"],
)
def test_whoever_computes_for_longer_is_over_a_limit(
    task: Task, handler: str, ended_by: signal.Signals
) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", CONFINED, handler],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        timeout=60,
        check=False,
    )
    ending = Ending(Cause.EXITED, ended.returncode, cpu_seconds=1.0, added_bytes=0, free_bytes=2**40)
    job = Job(task, replace(Limits.of(task, 60), cpu_seconds=1), 60)

    with pytest.raises(InvalidPayload, match="1 s of CPU time") as refusal:
        judge(ending, b"", job, OutputFolder(task.output))

    assert ended.returncode == -ended_by
    assert refusal.value.code is ProblemCode.LIMIT_EXCEEDED

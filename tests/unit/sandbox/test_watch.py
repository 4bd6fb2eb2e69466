"""A process that must give way, looked at from outside."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.sandbox.watch import NICER_BY, give_way

#: Holds 1 where the kernel shares processor time out by sessions (sched(7), "The autogroup feature").
BY_SESSIONS = Path("/proc/sys/kernel/sched_autogroup_enabled")


@pytest.fixture
def pid() -> Iterator[int]:
    """Start a process that leads its session and waits."""
    waiting = [sys.executable, "-c", "input()"]
    with subprocess.Popen(waiting, stdin=subprocess.PIPE, start_new_session=True) as process:
        yield process.pid
        process.kill()


@pytest.mark.skipif(
    not BY_SESSIONS.exists() or BY_SESSIONS.read_text("ascii").strip() != "1",
    reason="the kernel does not share processor time out by sessions",
)
@pytest.mark.skipif(os.geteuid() != 0, reason="the file of a child's session is root's")
def test_a_session_gives_way_where_the_kernel_counts_by_sessions(pid: int) -> None:
    give_way(pid)

    assert Path(f"/proc/{pid}/autogroup").read_text("ascii").split()[1:] == ["nice", str(NICER_BY)]

"""No signal that asks a run to stop is lost, wherever it comes."""

import os
import signal
import subprocess
import sys
import weakref

from app.local.__main__ import StopSignal, watch

STOPS_SECONDS = 20


class Dropped:
    """Something whose finalizer runs just when the signal comes, as those of AWS clients do."""

    def __init__(self) -> None:
        weakref.finalize(self, os.kill, os.getpid(), signal.SIGTERM)


def start_that_drops_something() -> None:
    stop = StopSignal()
    stop.interrupts()
    Dropped()
    watch({}, None, stop)


def look_that_drops_something() -> None:
    stop = StopSignal()
    stop.interrupts()
    watch({"part": lambda: bool(Dropped())}, None, stop)


def start_that_takes_long() -> None:
    StopSignal().interrupts()
    os.kill(os.getpid(), signal.SIGINT)
    signal.pause()


def ended(case: str) -> subprocess.CompletedProcess[str]:
    """Signals are for the main thread, so each case has a process of its own."""
    code = f"from {__name__} import {case}; {case}()"
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=STOPS_SECONDS, check=False
    )


def test_one_that_is_ignored_in_a_finalizer_of_the_start_is_seen_after_it() -> None:
    stopped = ended("start_that_drops_something")

    assert stopped.returncode == 0
    assert "KeyboardInterrupt" in stopped.stderr, "Python ignored it, and told so"


def test_one_that_comes_in_a_finalizer_while_the_run_watches_is_seen() -> None:
    stopped = ended("look_that_drops_something")

    assert (stopped.returncode, stopped.stderr) == (0, "")


def test_one_interrupts_a_start_that_takes_long() -> None:
    stopped = ended("start_that_takes_long")

    assert stopped.returncode == -signal.SIGINT

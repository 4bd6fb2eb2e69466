"""A processor that is loaded with much memory, and tells how much of it is in huge pages."""

from pathlib import Path

from app.processors.report import Report, Task

#: Memory in which at least one huge page has its place, and that nobody writes to.
HELD = bytearray(b"held" * 1024 * 1024)


def process(task: Task) -> Report:
    told = Path("/proc/self/smaps_rollup").read_text(encoding="utf-8").splitlines()
    huge = next(line.split()[1] for line in told if line.startswith("AnonHugePages:"))
    return Report({"huge_kib": int(huge), "is_whole": HELD.count(b"held") == len(HELD) // 4})

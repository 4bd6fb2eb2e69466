"""A worker in a process of its own, on a kernel that refuses it some system calls.

A filter over the whole worker stands in for such a kernel.
"""

import errno
import json
import os
import struct
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.sandbox.locks import kernel
from tests.unit.sandbox.calls import numbers_of

ROOT = Path(__file__).parents[3]
SAMPLES = "tests.unit.sandbox.sandbox_samples"
LANDLOCK, PRCTL = ("landlock_create_ruleset", None), ("prctl", 22)
#: Arguments: the calls to refuse as [[name, first argument or null], …]; what to run as
#: {"modules", "shared", "tasks": [{"folder", "media_type", "parameters", "memory_limit"}, …]}.
WORKER = """
import json, logging, os, sys
from pathlib import Path
from app.processors.report import Task
from app.sandbox.client import Sandbox
from tests.unit.sandbox.workers import refuse

job = json.loads(sys.argv[2])
refuse(*json.loads(sys.argv[1]))

class Lines(logging.Handler):
    def emit(self, record):
        fields = {name: value for name, value in vars(record).items() if name in NAMES}
        print(json.dumps({"event": record.getMessage(), **fields}), flush=True)

NAMES = ("refused_by_kernel", "entries", "bytes", "calls", "samples", "allow_list", "landlock",
         "weaker_sandboxes")
logging.getLogger().handlers = [Lines()]
logging.getLogger("wharf").handlers = []
logging.getLogger("wharf").propagate = True
with Sandbox(job["modules"], shared=[Path(each) for each in job["shared"]]) as sandbox:
    sandbox.start()
    for each in job["tasks"]:
        folder = Path(each["folder"])
        media_type = each["media_type"].replace("pid", str(os.getpid()))
        task = Task(processor=job["modules"][0], source=folder / "source", output=folder / "output",
                    media_type=media_type, parameters=each["parameters"],
                    unpacked_limit=2**20, memory_limit=each.get("memory_limit", 2**28), disk_limit=2**30)
        print(json.dumps({"summary": sandbox.run(task, seconds=20).summary}), flush=True)
"""


@dataclass(frozen=True)
class Seen:
    status: int
    lines: list[dict[str, Any]]
    errors: str

    def events(self, name: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line.get("event") == name]

    @property
    def summaries(self) -> list[dict[str, Any]]:
        return [line["summary"] for line in self.lines if "summary" in line]


def refuse(*calls: tuple[str, int | None]) -> None:
    """Have this process, and all that come from it, live on a kernel without these calls.

    Each is a name, and the first argument with which it does not exist.
    """
    numbers = numbers_of(os.uname().machine)
    rules = [(0x20, 0, 0, 0)]
    for name, argument in calls:
        body = [(0x06, 0, 0, 0x50000 + errno.ENOSYS)]
        if argument is not None:
            body = [(0x20, 0, 0, 16), (0x15, 0, 1, argument), *body, (0x20, 0, 0, 0)]
        rules += [(0x15, 0, len(body), numbers[name]), *body]
    rules.append((0x06, 0, 0, 0x7FFF0000))
    kernel.never_gain_privileges()
    kernel.filter_system_calls(b"".join(struct.pack("=HBBI", *rule) for rule in rules))


def task(folder: Path, sample: str, media_type: str = "text/plain", /, **parameters: str) -> dict[str, Any]:
    """A task for `work`, in a new folder."""
    (folder / "output").mkdir(parents=True)
    (folder / "source").write_text(sample, encoding="utf-8")
    return {"folder": str(folder), "media_type": media_type, "parameters": parameters}


def picky(name: str) -> tuple[str, ...]:
    """Return modules for `work`, the first of which needs what a lock refuses."""
    return (f"tests.unit.sandbox.picky_{name}", SAMPLES)


def work(
    *tasks: dict[str, Any],
    refused: tuple[tuple[str, int | None], ...] = (),
    shared: tuple[Path, ...] = (),
    modules: tuple[str, ...] = (SAMPLES,),
) -> Seen:
    """Run the tasks one after the other in a worker whose kernel refuses these calls."""
    job = {"modules": modules, "shared": [str(each) for each in shared], "tasks": tasks}
    ran = subprocess.run(
        [sys.executable, "-c", WORKER, json.dumps(refused), json.dumps(job)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    lines = [json.loads(line) for line in ran.stdout.splitlines() if line.startswith("{")]
    return Seen(ran.returncode, lines, ran.stderr)

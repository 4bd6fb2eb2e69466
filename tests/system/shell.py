"""The project's scripts, run as a person runs them."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.system.conftest import ROOT


@dataclass(frozen=True, slots=True)
class Ran:
    status: int
    output: str
    """What it wrote, its errors last."""


def run_script(name: str, *arguments: str, environment: Mapping[str, str] | None = None) -> Ran:
    return run([f"scripts/{name}.sh", *arguments], environment or {})


def run(command: Sequence[str], environment: Mapping[str, str]) -> Ran:
    ran = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    return Ran(ran.returncode, ran.stdout + ran.stderr)

"""Run the project's scripts as a person runs them."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.system.conftest import ROOT


@dataclass(frozen=True, slots=True)
class Ran:
    status: int
    #: The standard output, and after it the standard error.
    output: str


def run_script(name: str, *arguments: str, environment: Mapping[str, str] | None = None) -> Ran:
    return run([f"scripts/ops/{name}.sh", *arguments], environment or {})


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

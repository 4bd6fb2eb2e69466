"""Runs `wharf` as a person does, against a running stack."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.system.conftest import ROOT, Runtime
from tests.system.shell import Ran, run

WHARF = [sys.executable, "-m", "wharf_client.cli"]


def client_environment(runtime: Runtime, owner: str = "me") -> dict[str, str]:
    """Return an environment for a caller of a running service."""
    state = str(runtime.data_dir / "state")
    named = {"PYTHONPATH": str(ROOT / "clients/python"), "XDG_STATE_HOME": state}
    return {**os.environ, **named, "WHARF_URL": runtime.url, "WHARF_OWNER": owner}


def found_url(runtime: Runtime) -> str:
    """Return the address of a service as `make listen` finds it."""
    script = [sys.executable, "-m", "scripts.ops.run_url", "--data-dir", str(runtime.data_dir)]
    return subprocess.run(script, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def wharf(environment: Mapping[str, str], *arguments: str) -> Ran:
    return run([*WHARF, *arguments], environment)


@contextmanager
def left_running(
    environment: Mapping[str, str], *arguments: str, output: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """Run `wharf` beside the test, which ends it; it is killed if the test failed before."""
    command = [*WHARF, *arguments]
    with (
        output.open("w") as written,
        subprocess.Popen(command, env=environment, stdout=written, stderr=subprocess.STDOUT) as process,
    ):
        try:
            yield process
        finally:
            process.kill()

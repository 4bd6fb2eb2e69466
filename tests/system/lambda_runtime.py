"""Start functions as Lambda does: with the Runtime Interface Emulator, awslambdaric and a built bundle.

The interpreter has no other packages, so a module that the bundle lacks is missed.
"""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from platform import machine
from typing import Any

from tests.system.conftest import ROOT, free_port

Json = dict[str, Any]

SAM_PYTHON = ROOT / ".venv-sam" / "bin" / "python"
START_SECONDS = 30
INVOKE_SECONDS = 120
PATH = "/2015-03-31/functions/function/invocations"
OF_THE_RUNTIME = ("awslambdaric", "runtime_client*", "simplejson", "snapshot_restore_py*")


class FunctionFailed(Exception):
    """The function raised an error or did not start."""


@dataclass(frozen=True)
class LambdaRuntime:
    """A Python with Lambda's own modules and no others."""

    python: Path
    emulator: Path

    @classmethod
    def install(cls, folder: Path) -> "LambdaRuntime":
        subprocess.run([SAM_PYTHON, "-m", "venv", "--without-pip", folder], check=True)
        [installed] = (ROOT / ".venv-sam" / "lib").glob("python*/site-packages")
        [bare] = (folder / "lib").glob("python*/site-packages")
        for pattern in OF_THE_RUNTIME:
            for path in installed.glob(pattern):
                copy = shutil.copytree if path.is_dir() else shutil.copy
                copy(path, bare / path.name)
        emulators = installed / "samcli" / "local" / "rapid"
        name = {"x86_64": "x86_64", "aarch64": "arm64"}[machine()]
        return cls(folder / "bin" / "python", emulators / f"aws-lambda-rie-{name}")

    @contextmanager
    def function(
        self, bundle: Path, handler: str, environment: Mapping[str, str], prefix: list[str]
    ) -> Iterator["Invoked"]:
        """Start a function. `prefix` is a command to run the emulator with; it may be empty."""
        here, runtime_api = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
        addresses = [f"--runtime-interface-emulator-address={here}", f"--runtime-api-address={runtime_api}"]
        log = bundle.with_name(f"{bundle.name}.log")
        with log.open("w") as output:
            process = subprocess.Popen(
                [*prefix, self.emulator, *addresses, self.python, "-m", "awslambdaric", handler],
                cwd=bundle,
                env={"PATH": os.environ["PATH"], "PYTHONPATH": str(bundle), **environment},
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        try:
            yield Invoked(here, log)
        finally:
            # The emulator would leave the function running, so the whole process group is ended.
            os.killpg(process.pid, 9)
            process.wait()


@dataclass(frozen=True)
class Invoked:
    address: str
    log: Path

    def __call__(self, event: Json, _context: object = None) -> Json:
        """Return what the handler returns. Raises FunctionFailed."""
        connection = self._connected()
        try:
            connection.request("POST", PATH, json.dumps(event))
            answer: Json = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        if answer and "errorType" in answer:
            raise FunctionFailed(f"{answer}\n{self.log.read_text()}")
        return answer

    def _connected(self) -> HTTPConnection:
        give_up = time.monotonic() + START_SECONDS
        while True:
            connection = HTTPConnection(self.address, timeout=INVOKE_SECONDS)
            try:
                connection.connect()
                return connection
            except ConnectionRefusedError:
                if time.monotonic() > give_up:
                    raise FunctionFailed(self.log.read_text()) from None
                time.sleep(0.01)

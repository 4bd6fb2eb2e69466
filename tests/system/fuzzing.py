"""Run Schemathesis against the running stack: every phase, valid and invalid data, all checks.

    python -m tests.system.fuzzing --examples 200     a run that can be repeated with its --seed
    python -m tests.system.fuzzing --seconds 3600     go on with new examples until the time is up

--examples counts per operation.
"""

import argparse
import os
import random
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.system.client import Client
from tests.system.conftest import ROOT, Runtime, started
from tests.system.schemathesis_hooks import READY_OBJECT

CONFIGURATION = Path(__file__).with_name("schemathesis.toml")
#: Schemathesis never acts as this owner, so it cannot delete the owner's object.
OWNER = "keeper"
SETTINGS = {
    # Otherwise a request for events takes twenty seconds if there are none.
    "MAX_WAIT_SECONDS": "0",
    # The document tells the limits of the largest deployment, and a file's follows from the lease.
    "LEASE_SECONDS": "900",
}
PAYLOAD = b"city,distance\nPorto,7\nFife,9\n"


@dataclass(frozen=True, slots=True)
class Report:
    status: int
    output: str

    @property
    def cases(self) -> int:
        """Return how many requests were generated; 0 if Schemathesis stopped before."""
        found = re.search(r"([0-9,]+) generated", self.output)
        return int(found[1].replace(",", "")) if found else 0


def fuzz(runtime: Runtime, arguments: Sequence[str]) -> Report:
    client = Client(runtime.url, {"X-Owner": OWNER})
    ready = client.upload("dataset", "cities.csv", "text/csv", PAYLOAD)
    assert client.wait_until_settled(ready)["status"] == "ready"
    st = str(Path(sys.executable).with_name("st"))
    options = ["--config-file", str(CONFIGURATION)]
    done = subprocess.run(
        [st, *options, "run", f"{runtime.url}/openapi.json", "--no-color", *arguments],
        cwd=ROOT,
        env=os.environ | {READY_OBJECT: f"{OWNER}/{ready}", "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return Report(done.returncode, done.stdout)


def main() -> int:
    parser = argparse.ArgumentParser(description="Fuzz the whole service on this machine.")
    parser.add_argument("--examples", type=int, default=100, help="examples per operation")
    parser.add_argument("--seconds", type=int, help="how long to go on with new examples")
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    given = parser.parse_args()
    arguments = [f"--max-examples={given.examples}", f"--seed={given.seed}"]
    if given.seconds:
        arguments.append(f"--max-time={given.seconds}")
    with TemporaryDirectory() as folder, started(Path(folder), settings=SETTINGS) as runtime:
        report = fuzz(runtime, arguments)
    print(report.output)
    return report.status


if __name__ == "__main__":
    sys.exit(main())

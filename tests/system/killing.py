"""Processes that live until somebody kills them, and what they leave behind."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from app.domain.webhooks.deliveries import Delivery
from app.storage.webhooks.deliveries import DeliveryRepository
from tests.system.conftest import ROOT

#: Nobody reads their output after its first line, and a full pipe would stop them.
SILENT = {"POWERTOOLS_LOG_LEVEL": "CRITICAL"}


@contextmanager
def killed(modules: Sequence[str], environment: Mapping[str, str]) -> Iterator[None]:
    """Run modules of tests.system, from when all are ready until the block ends. Then they are killed."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", f"tests.system.{module}"],
            cwd=ROOT,
            env={**os.environ, **environment, **SILENT},
            stdout=subprocess.PIPE,
            text=True,
        )
        for module in modules
    ]
    try:
        for process in processes:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
        yield
    finally:
        for process in processes:
            process.kill()
        for process in processes:
            process.communicate()


def whole_log(deliveries: DeliveryRepository, owner: str, webhook_id: str) -> list[Delivery]:
    found: list[Delivery] = []
    before: str | None = None
    while True:
        page = deliveries.page(owner, webhook_id, outcome=None, before=before, limit=500)
        found += page.items
        before = page.position
        if before is None:
            return found

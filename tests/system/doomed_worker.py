"""A worker that handles one message and kills itself with SIGKILL at a step it is told.

    python -m tests.system.doomed_worker [<step>] < message

A step is named `<before or after> <number> <what>`; `during` is in the middle of the
processor's work. Without one it lives, and prints the steps there were. Its
settings, the emulator's address among them, come from the environment. So does
`SECONDS_LATER`: how far its clock is ahead.
"""

import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from app.aws.clients import Clients
from app.bootstrap.adapters import adapters
from app.bootstrap.worker import compose_worker
from app.config import WorkerSettings
from app.domain.times import utc_now
from app.processors.report import Report, Task
from app.sandbox.client import Sandbox
from app.services.background.workspaces import clear_leftovers

SECONDS_INTO_THE_WORK = 0.05


class Steps:
    """Every call to AWS, and the sandbox's work, as they come."""

    def __init__(self, last: str | None) -> None:
        self._last = last
        self._count = 0
        self.seen: list[str] = []

    def begin(self, what: str) -> str:
        self._count += 1
        name = f"{self._count} {what}"
        self.reach(f"before {name}")
        return name

    def reach(self, step: str) -> None:
        self.seen.append(step)
        if step == self._last:
            die()

    def dies_at(self, step: str) -> bool:
        return step == self._last


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def watch_aws(steps: Steps) -> None:
    make = Clients.client

    def made(self: Clients, service: str, **options: Any) -> Any:
        client = make(self, service, **options)

        def before(model: Any, context: dict[str, Any], **_: Any) -> None:
            context["step"] = steps.begin(f"{service} {model.name}")

        def after(context: dict[str, Any], **_: Any) -> None:
            steps.reach(f"after {context['step']}")

        client.meta.events.register("before-call", before)
        client.meta.events.register("after-call", after)
        return client

    Clients.client = made  # type: ignore[method-assign]  # every client, however it is made


def watch_sandbox(steps: Steps) -> None:
    run: Callable[..., Report] = Sandbox.run

    def watched(self: Sandbox, task: Task, *, seconds: float) -> Report:
        name = steps.begin("sandbox")
        steps.seen.append(f"during {name}")
        if steps.dies_at(f"during {name}"):
            threading.Timer(SECONDS_INTO_THE_WORK, die).start()
        report = run(self, task, seconds=seconds)
        steps.reach(f"after {name}")
        return report

    Sandbox.run = watched  # type: ignore[method-assign]


class Context:
    def get_remaining_time_in_millis(self) -> int:
        return 60_000


def main() -> None:
    steps = Steps(sys.argv[1] if len(sys.argv) > 1 else None)
    watch_aws(steps)
    watch_sandbox(steps)
    clear_leftovers()
    settings = WorkerSettings.from_environment()
    ahead = timedelta(seconds=int(os.environ.get("SECONDS_LATER", "0")))
    worker = compose_worker(adapters(settings), settings, clock=lambda: utc_now() + ahead)
    answer = worker.handle(json.load(sys.stdin), Context())
    # Whoever feeds the worker deletes the message only after this.
    steps.reach(f"before {len(steps.seen)} the message is deleted")
    print(json.dumps({"steps": steps.seen, **answer}))


if __name__ == "__main__":
    main()

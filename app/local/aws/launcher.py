"""Runs the emulator in a process of its own, which ends when the process that started it is gone.

This file is run as a script, with the read end of a pipe as standard input. The
pipe closes however the starting process ends, also by SIGKILL; then the emulator
saves its state and ends, as after SIGTERM.

The variable DOOR says, as JSON, whom the door of the emulator lets in. Without it the emulator
has no door.

An upload waits for two long polls until a worker claims it. The emulator's own look for messages every
100 ms, which was most of that time, so here they look more often.
"""

import asyncio
import json
import os
import signal
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

from ministack import app as emulator
from ministack.services import sqs

DOOR = "DOOR"
LOOK_SECONDS = 0.02


def stop_at_end_of_input() -> None:
    # Reading sys.stdin would hold its lock, which would abort the interpreter's exit.
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def put_door_before_emulator() -> None:
    # Started as a script, this process does not find the package that the script is in.
    sys.path.append(str(Path(__file__).parents[3]))
    from botocore.credentials import Credentials  # noqa: PLC0415

    from app.local.doors.aws_door import AwsDoor  # noqa: PLC0415
    from app.local.doors.disk import Disk  # noqa: PLC0415
    from app.local.doors.machine import Machine, Pages  # noqa: PLC0415
    from app.local.doors.queues import backlogs  # noqa: PLC0415

    given = json.loads(os.environ.pop(DOOR))
    emulator.app = AwsDoor(
        emulator.app,
        Credentials(os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]),
        Machine(frozenset(given["names"])),
        Pages.of(given["origins"]),
        Disk.of(Path(os.environ["STATE_DIR"])),
        backlogs,
    )


def look_for_messages_often() -> None:
    """Shorten the pause of long polls, which is in the emulator's code, by what it knows as `asyncio`."""
    shorter = SimpleNamespace(
        iscoroutine=asyncio.iscoroutine, sleep=lambda seconds: asyncio.sleep(min(seconds, LOOK_SECONDS))
    )
    vars(sqs)["asyncio"] = shorter


def main() -> None:
    threading.Thread(target=stop_at_end_of_input, daemon=True).start()
    if DOOR in os.environ:
        put_door_before_emulator()
    look_for_messages_often()
    sys.argv = ["ministack"]
    emulator.main()


if __name__ == "__main__":
    main()

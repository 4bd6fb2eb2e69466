"""The command `make run`: the whole service on this machine, until Ctrl-C or SIGTERM.

Its parts start in this order and stop in the reverse order:

    data folder (locked) -> emulator -> stack -> relay -> workers -> API
"""

import argparse
import fcntl
import os
import shlex
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType

from app.config import ConfigurationError, between_commas
from app.domain.times import timestamp, utc_now
from app.local import running as runs
from app.local import settings
from app.local.aws import emulator
from app.local.aws.emulator import HOST, Door, Emulator, listen, reached_at
from app.local.disk_watch import CHECK, DiskWatch
from app.local.doors import keys
from app.local.doors.api_door import ApiDoor
from app.local.doors.machine import Machine, Pages, name_in
from app.local.errors import AWS_FAULTS, CannotStart, one_line
from app.local.feeding.place import PlaceFile

EXPECTED = (CannotStart, ConfigurationError, *AWS_FAULTS)
LOOK_SECONDS = 0.2
SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True, slots=True)
class Options:
    port: int
    aws_port: int
    data_dir: Path
    host: str

    @property
    def api_url(self) -> str:
        return f"http://{reached_at(self.host)}:{self.port}"


@dataclass(slots=True)
class StopSignal:
    """SIGINT or SIGTERM: it interrupts a start, and is seen by a run that watches.

    An interrupt alone would not do. Python ignores what a signal raises in a finalizer, such as that of a
    client that is dropped just then, and the run would go on.
    """

    is_asked: bool = False

    def interrupts(self) -> None:
        self._handle(self._interrupt)

    def waits(self) -> None:
        self._handle(self._ask)

    def _handle(self, handler: Callable[[int, FrameType | None], None]) -> None:
        for number in SIGNALS:
            signal.signal(number, handler)

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        self.is_asked = True

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        self._ask(number, frame)
        raise KeyboardInterrupt


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    stop = StopSignal()
    stop.interrupts()
    try:
        with ExitStack() as running:
            run(options, running, stop)
    except KeyboardInterrupt:
        return 0
    except EXPECTED as refused:
        print(f"wharf: {one_line(refused)}", file=sys.stderr)
        return 1
    return 0


def parse(arguments: Sequence[str] | None) -> Options:
    parser = argparse.ArgumentParser("python -m app.local", description="Run Wharf on this machine.")
    parser.add_argument("--port", type=port, default=8000, help="port of the API")
    parser.add_argument("--aws-port", type=port, default=4566, help="port of the AWS emulator")
    parser.add_argument("--data-dir", type=Path, default=Path(".local"), help="folder for all data")
    parser.add_argument(
        "--host",
        default=HOST,
        help="address of both servers; they trust any caller, so change it only inside a container",
    )
    given = parser.parse_args(arguments)
    if given.port == given.aws_port:
        parser.error("--port and --aws-port must differ")
    return Options(given.port, given.aws_port, given.data_dir, given.host)


def port(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 65535:
        raise argparse.ArgumentTypeError(f"{number} is not a port")
    return number


def run(options: Options, running: ExitStack, stop: StopSignal) -> None:
    """Start everything and wait for a signal; raise CannotStart when a part of it ends by itself."""
    settings.check(os.environ)
    # The console is a page of this server. It may use the emulator, whichever other pages may.
    own = [f"http://{name}:{options.port}" for name in ("127.0.0.1", "localhost", reached_at(options.host))]
    os.environ["CORS_ORIGINS"] = ",".join(dict.fromkeys([os.environ["CORS_ORIGINS"], *own]))
    # Webhooks may use HTTP and this machine, except for the two ports that trust every caller.
    os.environ["WEBHOOK_PORTS_REFUSED"] = f"{options.port},{options.aws_port}"
    lock_folder(options.data_dir)
    lock = lock_state(options.data_dir)
    tell_of_a_kill(options.data_dir)
    listener = running.enter_context(listen(options.port, options.host))
    settings.set_logging(os.environ, options.data_dir)
    machine = Machine(name_in(os.environ.get("PUBLIC_S3_URL", "")) | {reached_at(options.host)})
    origins = between_commas(os.environ["CORS_ORIGINS"])
    aws = start_aws(options, lock, running, machine, origins)
    print(f"AWS answers at {os.environ['AWS_ENDPOINT_URL']}. Deploying template.yaml there.", flush=True)
    print("First log lines: the bucket's trial message, and the sweeps of each minute.", flush=True)
    disk = DiskWatch(aws, options.data_dir) if aws else None
    # Imported only now, because loggers and clients read the environment at import.
    from app.local.runtime import start  # noqa: PLC0415

    door = partial(ApiDoor, machine=machine, pages=Pages.of(origins))
    place = PlaceFile(options.data_dir)
    checks = {CHECK: disk.check} if disk else {}
    backlogs = aws.backlogs if aws else dict
    server = start(listener, running, door, checks, place, backlogs, is_emulator_new=aws is not None)
    running.enter_context(runs.announced(options.data_dir, answering(options)))
    print(greeting(options, aws), flush=True)
    running.callback(say_goodbye)
    parts = {"The API": server.is_alive, **({"The AWS emulator": aws.is_alive} if aws else {})}
    watch(parts, disk, stop)


def lock_folder(folder: Path) -> int:
    """Return a descriptor that keeps other runs out until this process ends."""
    return _lock(folder, "lock", 0, f"Another run uses {folder}; stop it, or name another DATA_DIR.")


def lock_state(folder: Path, seconds: float = emulator.STOP_SECONDS) -> int:
    """Return a descriptor for the emulator to inherit, which keeps other emulators out.

    The emulator of a run that was killed ends by itself within `seconds`.
    """
    busy = (
        f"The AWS emulator of a run that was killed still uses {folder}; "
        "wait until it has ended, or name another DATA_DIR."
    )
    return _lock(folder, "emulator.lock", seconds, busy)


def _lock(folder: Path, name: str, seconds: float, busy: str) -> int:
    """Lock a file of the folder; raise CannotStart if another process has it for that long."""
    give_up = time.monotonic() + seconds
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder / name, os.O_RDWR | os.O_CREAT, 0o600)
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return lock
            except BlockingIOError:
                if time.monotonic() >= give_up:
                    os.close(lock)
                    raise CannotStart(busy) from None
            time.sleep(LOOK_SECONDS)
    except OSError as refused:
        raise CannotStart(f"{folder} cannot be used: {refused.strerror}.") from None


def tell_of_a_kill(folder: Path) -> None:
    """Tell on the terminal, once, that the last run was killed, and what that means."""
    killed = runs.last(folder)
    runs.forget(folder)
    if killed:
        print(
            f"The last run in {folder}, which began at {killed.started_at}, was killed. "
            "If its AWS emulator was killed too, all is as at the clean stop before.",
            flush=True,
        )


def start_aws(
    options: Options, lock: int, running: ExitStack, machine: Machine, origins: Sequence[str]
) -> Emulator | None:
    """Start the emulator and point the environment to it; None if the user named a running one."""
    keys.forget(options.data_dir)
    if os.environ.get("AWS_ENDPOINT_URL"):
        emulator.use_named(os.environ)
        return None
    door = Door(keys.new_credentials(), machine.names, origins)
    started = emulator.start(
        options.aws_port, options.data_dir, host=options.host, inherited=[lock], door=door
    )
    running.callback(stop_aws, started, PlaceFile(options.data_dir))
    emulator.drop_inherited(os.environ)
    os.environ.update(started.environment)
    keys.write(options.data_dir, started.environment)
    os.environ.setdefault("PUBLIC_S3_URL", started.url)
    return started


def stop_aws(aws: Emulator, place: PlaceFile) -> None:
    """Stop the emulator. One that did not save comes back as it was before, with changes to announce."""
    if not aws.stop():
        place.forget()


def answering(options: Options) -> runs.Run:
    """Return where this run answers, given an environment that points to its AWS."""
    return runs.Run(
        api_url=options.api_url,
        aws_url=os.environ["AWS_ENDPOINT_URL"],
        aws_region=os.environ["AWS_DEFAULT_REGION"],
        log_file=str(Path(os.environ["LOG_FILE"]).resolve()),
        started_at=timestamp(utc_now()),
    )


def greeting(options: Options, aws: Emulator | None) -> str:
    here = options.api_url
    console = Path(__file__).parents[1] / "console" / "index.html"
    lines = [
        "Wharf is running.",
        f"  API      {here}/v1/objects",
        f"  Docs     {here}/docs",
        *([f"  Console  {here}/"] if console.exists() else []),
        f"  AWS      {os.environ['AWS_ENDPOINT_URL']}",
        *(
            [f"           for other clients: . {shlex.quote(str(options.data_dir / keys.FILE))}"]
            if aws
            else []
        ),
        *webhooks(options),
        f"Ctrl-C stops it; its data stays {f'in {options.data_dir}' if aws else 'there'}.",
    ]
    return "\n".join(lines)


def webhooks(options: Options) -> list[str]:
    """Return what is different for webhooks here."""
    if os.environ.get("WEBHOOKS") == "off":
        return []
    return [
        "  Webhooks may go to this machine here, and over plain http://,",
        f"           but not to the ports {options.port} and {options.aws_port}.",
    ]


def say_goodbye() -> None:
    """Ignore further signals while everything stops, which takes seconds."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    print("Stopping.", flush=True)


def watch(parts: Mapping[str, Callable[[], bool]], disk: DiskWatch | None, stop: StopSignal) -> None:
    """Return when a signal asks for it; raise CannotStart when a part has ended by itself."""
    stop.waits()
    while not stop.is_asked:
        if disk:
            disk.look()
        for name, is_alive in parts.items():
            if not is_alive():
                raise CannotStart(f"{name} has ended by itself.")
        time.sleep(LOOK_SECONDS)


if __name__ == "__main__":
    sys.exit(main())

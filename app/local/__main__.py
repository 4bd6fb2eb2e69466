"""The command `make run`: the whole service on this machine, until Ctrl-C or SIGTERM.

Its parts start in this order and stop in the reverse order:

    data folder (locked) -> emulator -> stack -> relay -> workers -> API
"""

import argparse
import fcntl
import os
import re
import signal
import sys
import time
from collections.abc import Callable, MutableMapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from app.config import ConfigurationError
from app.local import emulator
from app.local.emulator import HOST, Emulator, listen, reached_at
from app.local.errors import AWS_FAULTS, CannotStart

LOG_FILE = "log.jsonl"
LOG_LEVELS = ("DEBUG", "INFO")
RATE = re.compile(r"0(\.\d+)?|1(\.0+)?")
EXPECTED = (CannotStart, ConfigurationError, *AWS_FAULTS)
LOOK_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Options:
    port: int
    aws_port: int
    data_dir: Path
    host: str


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        with ExitStack() as running:
            run(options, running)
    except KeyboardInterrupt:
        return 0
    except EXPECTED as refused:
        print(f"wharf: {refused}", file=sys.stderr)
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


def run(options: Options, running: ExitStack) -> None:
    """Start everything and wait; raise CannotStart when a part of it ends by itself."""
    lock = lock_folder(options.data_dir)
    listener = running.enter_context(listen(options.port, options.host))
    set_logging(os.environ, options.data_dir)
    aws = start_aws(options, lock, running)
    # Imported only now, because loggers and clients read the environment at import.
    from app.local.runtime import start  # noqa: PLC0415

    server = start(listener, running)
    print(greeting(options, aws), flush=True)
    running.callback(say_goodbye)
    watch({"The API": server.is_alive, **({"The AWS emulator": aws.is_alive} if aws else {})})


def lock_folder(folder: Path) -> int:
    """Return a descriptor that keeps other runs out as long as any process has it open."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise CannotStart(f"Another run uses {folder}; stop it, or name another DATA_DIR.") from None
    except OSError as refused:
        raise CannotStart(f"{folder} cannot be used: {refused.strerror}.") from None
    return lock


def set_logging(environment: MutableMapping[str, str], folder: Path) -> None:
    """Set up lines for a person on the terminal, and in a file the JSON lines that AWS would get.

    Raises CannotStart if a setting is invalid.
    """
    environment.setdefault("LOG_FORMAT", "text")
    environment.setdefault("LOG_FILE", str(folder / LOG_FILE))
    level = environment.get("LOG_LEVEL", "INFO")
    if level not in LOG_LEVELS:
        raise CannotStart(f"LOG_LEVEL must be one of {', '.join(LOG_LEVELS)}.")
    environment["POWERTOOLS_LOG_LEVEL"] = level
    rate = environment.get("DEBUG_SAMPLE_RATE", "0")
    if not RATE.fullmatch(rate):
        raise CannotStart("DEBUG_SAMPLE_RATE must be a number from 0 to 1.")
    environment["POWERTOOLS_LOGGER_SAMPLE_RATE"] = rate


def start_aws(options: Options, lock: int, running: ExitStack) -> Emulator | None:
    """Start the emulator and point the environment to it; None if the user named a running one."""
    if os.environ.get("AWS_ENDPOINT_URL"):
        emulator.use_named(os.environ)
        return None
    started = emulator.start(options.aws_port, options.data_dir, host=options.host, inherited=[lock])
    running.callback(started.stop)
    emulator.drop_inherited(os.environ)
    os.environ.update(started.environment)
    os.environ.setdefault("PUBLIC_S3_URL", started.url)
    return started


def greeting(options: Options, aws: Emulator | None) -> str:
    here = f"http://{reached_at(options.host)}:{options.port}"
    console = Path(__file__).parents[1] / "console" / "index.html"
    lines = [
        "Wharf is running.",
        f"  API      {here}/v1/objects",
        f"  Docs     {here}/docs",
        *([f"  Console  {here}/"] if console.exists() else []),
        f"  AWS      {os.environ['AWS_ENDPOINT_URL']}",
        f"Ctrl-C stops it; its data stays {f'in {options.data_dir}' if aws else 'there'}.",
    ]
    return "\n".join(lines)


def say_goodbye() -> None:
    """Ignore further signals while everything stops, which takes seconds."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    print("Stopping.", flush=True)


def watch(parts: dict[str, Callable[[], bool]]) -> None:
    while True:
        for name, is_alive in parts.items():
            if not is_alive():
                raise CannotStart(f"{name} has ended by itself.")
        time.sleep(LOOK_SECONDS)


if __name__ == "__main__":
    sys.exit(main())

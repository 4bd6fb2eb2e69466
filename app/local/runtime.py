"""Deploys the stack, and runs its three functions and the API's server in this process.

The exit stack that `start` is given stops everything, in the reverse order.
"""

import asyncio
import importlib
import logging
import os
import socket
import time
from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from threading import Event, Thread
from typing import Any

import boto3
import uvicorn
from anyio.to_thread import current_default_thread_limiter

from app.aws import CONFIG, THREADS
from app.local import catch_up, stack
from app.local.errors import CannotStart, log_fault
from app.local.invocation import Handler, Json
from app.local.prometheus import Prometheus
from app.local.sources import QueueSource, send_sweep
from app.local.stack import Function, Stack
from app.local.stream import StreamSource, hand_over
from app.observability import sinks

logger = logging.getLogger("wharf.local")

WORKERS = 2
WORK_ENDS_SECONDS = 10
DRAIN_SECONDS = 10
SERVER_STARTS_SECONDS = 20
REQUESTS_END_SECONDS = 5
CATCH_UP_TRIES = 3

#: Settings that a person may give to `make run`, and the stack's parameters for them.
PARAMETERS = {
    "CORS_ORIGINS": "CorsOrigins",
    "DEBUG_SAMPLE_RATE": "DebugSampleRate",
    "DOWNLOAD_SECONDS": "DownloadSeconds",
    "KEY_OWNERS": "KeyOwners",
    "LEASE_SECONDS": "LeaseSeconds",
    "LIST_SHARDS": "ListShards",
    "LOG_LEVEL": "LogLevel",
    "MAX_ATTEMPTS": "MaxAttempts",
    "MAX_BYTES": "MaxBytes",
    "MAX_OBJECTS": "MaxObjects",
    "UPLOAD_SECONDS": "UploadSeconds",
}
#: Settings that the template's rules refuse in the AuthMode that is deployed here.
THIS_PROCESS_ONLY = ("ADMIN_OWNERS",)


@dataclass(frozen=True, slots=True)
class Server:
    """The API under uvicorn, in a thread, because the main thread receives the signals."""

    uvicorn: uvicorn.Server
    thread: Thread

    def is_alive(self) -> bool:
        return self.thread.is_alive()

    def stop(self) -> None:
        """Accept no more requests, and let those in progress end."""
        self.uvicorn.should_exit = True
        self.thread.join(REQUESTS_END_SECONDS + 1)


def start(listener: socket.socket, running: ExitStack) -> Server:
    """Start relay, workers and API; raise CannotStart if the stack or the API cannot start."""
    prometheus = Prometheus()
    sinks.append(prometheus.record)
    session = boto3.session.Session()
    deployed = deploy(session, os.environ)
    client = session.client("lambda", config=CONFIG)
    functions = {
        name: stack.describe_function(client, deployed, f"{name}Function")
        for name in ("Api", "Worker", "Relay")
    }
    set_environment(os.environ, functions.values())
    start_relay(session, functions["Relay"], deployed, running)
    start_workers(session, functions["Worker"], deployed, running)
    server = serve(prometheus.beside(importlib.import_module("app.lambda_api").app), listener)
    running.callback(server.stop)
    wait_for(server)
    return server


def deploy(session: boto3.session.Session, environment: Mapping[str, str]) -> Stack:
    """Deploy the stack with the settings in the environment."""
    given = {PARAMETERS[name]: value for name, value in environment.items() if name in PARAMETERS}
    deployed = stack.deploy(session.client("cloudformation", config=CONFIG), parameters=given)
    stack.expire_items(session.client("dynamodb", config=CONFIG), deployed)
    return deployed


def set_environment(environment: MutableMapping[str, str], functions: Iterable[Function]) -> None:
    """Give this process, which runs all functions, the environment that the template gives each."""
    given = {name: environment[name] for name in THIS_PROCESS_ONLY if name in environment}
    for function in functions:
        environment.update(function.environment)
    environment.update(given, AUTH_MODE="local")


def start_relay(
    session: boto3.session.Session, function: Function, deployed: Stack, running: ExitStack
) -> None:
    handler = _handler("lambda_relay")
    stopping = Event()
    source = StreamSource(session.client("dynamodbstreams", config=CONFIG), function, handler, stopping)
    # First the records that the stream still holds, then the lost changes, then new records.
    source.drain(DRAIN_SECONDS)
    announce_lost(session, function, handler, deployed)
    thread = _thread(source.run, "relay")
    running.callback(stop_relay, source, thread)


def announce_lost(
    session: boto3.session.Session, function: Function, handler: Handler, deployed: Stack
) -> None:
    """Hand the relay a record for every change that the stream lost over a restart."""
    client = session.client("dynamodb", config=CONFIG)
    table = deployed.outputs["TableName"]
    lost = list(catch_up.lost_records(client, table, function.source_arn or ""))
    for start_at in range(0, len(lost), function.batch_size):
        left: Sequence[Json] = lost[start_at : start_at + function.batch_size]
        for _ in range(CATCH_UP_TRIES):
            left = hand_over(left, function, handler)
        if left:
            logger.error("relay.not_caught_up", extra={"objects": len(left)})


def stop_relay(source: StreamSource, thread: Thread) -> None:
    """Stop the relay once the stream is empty, since the emulator forgets the stream's records."""
    source.stopping.set()
    thread.join(WORK_ENDS_SECONDS)
    try:
        is_drained = source.drain(DRAIN_SECONDS)
    except Exception as fault:  # noqa: BLE001  # logged, and never fatal
        log_fault("stream.unreachable", fault)
        is_drained = False
    if not is_drained:
        logger.warning("relay.not_drained", extra={"then": "the next start announces the rest"})


def start_workers(
    session: boto3.session.Session, function: Function, deployed: Stack, running: ExitStack
) -> None:
    client = session.client("sqs", config=CONFIG)
    queue_url = deployed.outputs["QueueUrl"]
    send_sweep(client, queue_url)
    source = QueueSource(client, queue_url, function, _handler("lambda_worker"), Event())
    threads = [_thread(source.run, f"worker-{number}") for number in range(1, WORKERS + 1)]
    running.callback(stop_workers, source, threads)


def stop_workers(source: QueueSource, threads: Sequence[Thread]) -> None:
    """Wait up to WORK_ENDS_SECONDS. Work that takes longer is cut off; the sweep finds it later."""
    source.stopping.set()
    give_up = time.monotonic() + WORK_ENDS_SECONDS
    for thread in threads:
        thread.join(max(0.0, give_up - time.monotonic()))


def serve(app: Any, listener: socket.socket) -> Server:
    config = uvicorn.Config(
        app,
        # uvicorn's lines take the same way as all others.
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=REQUESTS_END_SECONDS,
    )
    server = uvicorn.Server(config)

    async def run() -> None:
        # No more requests at once than each AWS client has connections.
        current_default_thread_limiter().total_tokens = THREADS
        await server.serve(sockets=[listener])

    return Server(server, _thread(lambda: asyncio.run(run()), "api"))


def wait_for(server: Server) -> None:
    give_up = time.monotonic() + SERVER_STARTS_SECONDS
    while not server.uvicorn.started:
        if not server.is_alive() or time.monotonic() > give_up:
            raise CannotStart("The API did not start.")
        time.sleep(0.02)


def _handler(module: str) -> Handler:
    """Return the function's handler. The module reads the environment, so it is imported only now."""
    handler: Handler = importlib.import_module(f"app.{module}").handler
    return handler


def _thread(run: Callable[[], None], name: str) -> Thread:
    thread = Thread(target=run, name=name, daemon=True)
    thread.start()
    return thread

"""Deploys the stack, and runs its functions and the API's server in this process.

The exit stack that `start` is given stops everything, in the reverse order.
"""

import importlib
import os
import socket
import time
from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from contextlib import ExitStack
from threading import Event, Thread

import boto3
from starlette.types import ASGIApp

from app.aws.sdk import CONFIG
from app.bootstrap.adapters import adapters
from app.config import WorkerSettings
from app.domain.errors import Unavailable
from app.domain.times import utc_now
from app.local.aws import stack
from app.local.aws.stack import Function, Stack
from app.local.doors.queues import Backlog
from app.local.errors import AWS_FAULTS, log_fault
from app.local.feeding.fairness import FairSource, Turns
from app.local.feeding.invocation import handler_of
from app.local.feeding.leases import free_leases
from app.local.feeding.place import PlaceFile
from app.local.feeding.relay import start_relay
from app.local.feeding.sources import ClockSource, QueueSource
from app.local.prometheus import Prometheus, queues_of
from app.local.server import Server, serve, wait_for
from app.local.settings import PARAMETERS, THIS_PROCESS_ONLY
from app.observability import sinks
from app.services.operations.readiness import Check

WORKERS = 6
#: A slow payload may hold its worker for minutes. The others' small ones have the rest.
WORKERS_OF_ONE_OWNER = 2
#: To start a sandbox takes most of a second of processor time, which requests want as well.
SANDBOX_EVERY_SECONDS = 1.5
#: One sender may be busy with slow endpoints while others take the messages that come.
SENDERS = 4
WORK_ENDS_SECONDS = 10


def start(
    listener: socket.socket,
    running: ExitStack,
    door: Callable[[ASGIApp], ASGIApp],
    checks: Mapping[str, Check],
    place: PlaceFile,
    backlogs: Callable[[], Mapping[str, Backlog]],
    *,
    is_emulator_new: bool,
) -> Server:
    """Start relay, workers and API; raise CannotStart if the stack or the API cannot start.

    `door` stands before the API; `checks` are what it needs beside AWS; `backlogs` tells what waits.
    """
    session = boto3.session.Session()
    deployed = deploy(session, os.environ)
    prometheus = Prometheus(queues_of(deployed.outputs), backlogs)
    sinks.append(prometheus.record)
    client = session.client("lambda", config=CONFIG)
    api, worker, relay, forwarder = (
        stack.describe_function(client, deployed, f"{name}Function", source)
        for name, source in (("Api", None), ("Worker", "Work"), ("Relay", "Changes"), ("Relay", "Arrivals"))
    )
    # A stack without webhooks has no sender.
    is_there = "SenderFunction" in deployed.resources
    sender = [stack.describe_function(client, deployed, "SenderFunction", "Messages")] if is_there else []
    set_environment(os.environ, (api, worker, relay, *sender))
    start_relay(session, relay, deployed, running, place, is_emulator_new=is_emulator_new)
    stopping = Event()
    threads = start_forwarding(session, forwarder, deployed, stopping)
    threads += start_workers(session, worker, deployed, stopping)
    for function in sender:
        threads += start_sender(session, function, deployed, stopping)
    running.callback(stop_threads, stopping, threads)
    return start_api(door, prometheus, listener, checks, running)


def deploy(session: boto3.session.Session, environment: Mapping[str, str]) -> Stack:
    """Deploy the stack with the settings in the environment."""
    given = {PARAMETERS[name]: value for name, value in environment.items() if name in PARAMETERS}
    deployed = stack.deploy(session.client("cloudformation", config=CONFIG), given)
    for logical_id in ("ObjectsTable", "WebhooksTable"):
        stack.expire_items(session.client("dynamodb", config=CONFIG), deployed, logical_id)
    return deployed


def set_environment(environment: MutableMapping[str, str], functions: Iterable[Function]) -> None:
    """Give this process, which runs all functions, the environment that the template gives each."""
    given = {name: environment[name] for name in THIS_PROCESS_ONLY if name in environment}
    for function in functions:
        environment.update(function.environment)
    environment.update(given, AUTH_MODE="local")


def start_forwarding(
    session: boto3.session.Session, function: Function, deployed: Stack, stopping: Event
) -> list[Thread]:
    client = session.client("sqs", config=CONFIG)
    queue_url = deployed.outputs["ArrivalQueueUrl"]
    source = QueueSource(client, queue_url, function, handler_of("lambda_relay"), stopping)
    return [_thread(source.run, "forwarder")]


def start_workers(
    session: boto3.session.Session, function: Function, deployed: Stack, stopping: Event
) -> list[Thread]:
    try:
        free_leases(adapters(WorkerSettings.from_environment()).objects, utc_now())
    except (*AWS_FAULTS, Unavailable) as fault:
        # Leases lapse, so this is only a delay.
        log_fault("leases.not_freed", fault)
    handler = handler_of("lambda_worker")
    client = session.client("sqs", config=CONFIG)
    queue = QueueSource(client, deployed.outputs["QueueUrl"], function, handler, stopping)
    source = FairSource(queue, Turns(WORKERS_OF_ONE_OWNER))
    clock = ClockSource(function, handler, stopping)
    threads = [_thread(source.work, f"worker-{number}") for number in range(1, WORKERS + 1)]
    threads.append(_thread(lambda: start_sandboxes(stopping), "sandboxes"))
    return [*threads, _thread(source.receive, "receiver"), _thread(clock.run, "clock")]


def start_sandboxes(stopping: Event) -> None:
    """Start a sandbox for each worker, one by one: a payload that needs a new one waits for seconds.

    The worker's module has started the first.
    """
    sandboxes = importlib.import_module("app.lambda_worker").composed.sandbox
    try:
        for number in range(2, WORKERS + 1):
            if stopping.wait(SANDBOX_EVERY_SECONDS):
                return
            sandboxes.start(unless=number)
    except Unavailable as fault:
        # The payloads try again.
        log_fault("sandbox.not_started", fault)


def start_sender(
    session: boto3.session.Session, function: Function, deployed: Stack, stopping: Event
) -> list[Thread]:
    handler = handler_of("lambda_sender")
    client = session.client("sqs", config=CONFIG)
    queue = QueueSource(client, deployed.outputs["SenderQueueUrl"], function, handler, stopping)
    clock = ClockSource(function, handler, stopping)
    return [_thread(run, "sender") for run in (clock.run, *[queue.run] * SENDERS)]


def start_api(
    door: Callable[[ASGIApp], ASGIApp],
    prometheus: Prometheus,
    listener: socket.socket,
    checks: Mapping[str, Check],
    running: ExitStack,
) -> Server:
    app = importlib.import_module("app.lambda_api").app
    app.state.services.readiness.add(checks)
    server = serve(door(prometheus.beside(app)), listener)
    running.callback(server.stop)
    # Waiting stops before the server, which waits for requests in progress.
    running.callback(app.state.services.waiting.stop)
    wait_for(server)
    return server


def stop_threads(stopping: Event, threads: Sequence[Thread]) -> None:
    """Stop them together, and wait up to WORK_ENDS_SECONDS.

    Work that takes longer is cut off; the sweep finds it later.
    """
    stopping.set()
    give_up = time.monotonic() + WORK_ENDS_SECONDS
    for thread in threads:
        thread.join(max(0.0, give_up - time.monotonic()))


def _thread(run: Callable[[], None], name: str) -> Thread:
    thread = Thread(target=run, name=name, daemon=True)
    thread.start()
    return thread

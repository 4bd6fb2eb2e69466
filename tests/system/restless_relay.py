"""A relay to be killed at any moment.

It reads the stream of the stack's table as `make run` does, and goes on where it was killed. Its settings
come from the environment. Calls to AWS fail now and then, before or after they were carried out, and
transactions are in conflict.
"""

import os
import random
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import boto3

from app.bootstrap.adapters import Adapters
from app.bootstrap.relay import compose_relay
from app.config import RelaySettings
from app.local.aws import stack
from app.local.feeding.place import PlaceFile
from app.local.feeding.stream import StreamSource
from tests.faults import cancelling
from tests.system.restless_sender import Restless

#: A small number, so that a batch can be finished within a life.
RECORDS_AT_ONCE = 10
PAUSE_SECONDS = 0.05


class Conflicting(Restless):
    """Makes clients of which some calls fail, and some transactions are in conflict."""

    def __init__(self, share: float) -> None:
        super().__init__(share)
        self._conflicts = share

    def client(self, service: str, **options: Any) -> Any:
        client = super().client(service, **options)
        client.meta.events.register("before-call.dynamodb.TransactWriteItems", self._conflict)
        return client

    def _conflict(self, params: Any, **_: Any) -> Any:
        if random.random() > self._conflicts:
            return None
        items = params["body"].count(b'"Put"') + 1
        return cancelling(*["None"] * (items - 1), "TransactionConflict")()


def main(ready: Callable[[], None]) -> None:
    relaying = compose_relay(
        Adapters(RelaySettings.from_environment(), Conflicting(float(os.environ["FAULTS"])))
    )

    def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
        first = relaying.relay(event["Records"])
        return {"batchItemFailures": [] if first is None else [{"itemIdentifier": first}]}

    session = boto3.session.Session()
    deployed = stack.stack_at(session.client("cloudformation"), stack.STACK_NAME)
    function = stack.describe_function(session.client("lambda"), deployed, "RelayFunction", "Changes")
    function = replace(function, batch_size=RECORDS_AT_ONCE)
    place = PlaceFile(Path(os.environ["DATA_DIR"]))
    client = session.client("dynamodbstreams")
    source = StreamSource(client, function, handler, Event(), place.read(), place.write)
    ready()
    while True:
        # Longer and longer pauses after a fault would be most of a life.
        if not source.poll():
            time.sleep(PAUSE_SECONDS)

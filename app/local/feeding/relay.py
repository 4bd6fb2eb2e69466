"""Starts and stops the relay: where it begins in the stream, what it announces first, and how it ends."""

import logging
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from itertools import chain, islice
from threading import Event, Thread

import boto3

from app.aws.sdk import CONFIG
from app.local.aws.stack import Function, Stack
from app.local.errors import AWS_FAULTS, log_fault
from app.local.feeding import catch_up
from app.local.feeding.invocation import Handler, Json, handler_of
from app.local.feeding.place import PlaceFile, beginning
from app.local.feeding.stream import StreamSource, hand_over, still_has

logger = logging.getLogger("wharf.local")

#: How long the relay may take to end its last batch and what follows it.
STOPS_SECONDS = 10
DRAIN_SECONDS = 10
CATCH_UP_TRIES = 3


def start_relay(
    session: boto3.session.Session,
    function: Function,
    deployed: Stack,
    running: ExitStack,
    place: PlaceFile,
    *,
    is_emulator_new: bool,
) -> None:
    handler = handler_of("lambda_relay")
    client = session.client("dynamodbstreams", config=CONFIG)
    kept = place.read()
    is_in_stream = still_has(client, kept, function.source_arn or "")
    begin_at = beginning(kept, is_in_stream=is_in_stream, is_emulator_new=is_emulator_new)
    # From now on there may be changes that are not relayed.
    place.write(begin_at)
    in_hand = place.in_hand()
    source = StreamSource(client, function, handler, Event(), begin_at, place.write, place.take)
    if not begin_at.is_caught_up:
        catch_up_with(session, source, deployed, in_hand)
    drained: Future[bool] = Future()
    Thread(target=run_until_drained, args=(source, drained), name="relay", daemon=True).start()
    running.callback(stop_relay, source, drained)


def catch_up_with(
    session: boto3.session.Session, source: StreamSource, deployed: Stack, in_hand: Sequence[Json]
) -> None:
    """Announce what the stream lost, after the records that it still holds.

    If AWS fails each time, the run begins all the same, and the next start catches up.
    """
    for _ in range(CATCH_UP_TRIES):
        try:
            left = announce_lost(session, source, deployed, in_hand)
        except AWS_FAULTS as fault:
            log_fault("stream.unreachable", fault)
        else:
            if left:
                logger.error("relay.not_caught_up", extra={"objects": left})
            else:
                source.move(is_caught_up=True)
            return


def announce_lost(
    session: boto3.session.Session, source: StreamSource, deployed: Stack, in_hand: Sequence[Json]
) -> int:
    """Hand the relay a record for every change that the stream lost; return how many it did not finish."""
    source.drain(DRAIN_SECONDS)
    client, table = session.client("dynamodb", config=CONFIG), deployed.outputs["TableName"]
    lost = chain(
        catch_up.unfinished(client, table, in_hand),
        catch_up.lost_records(client, table, source.function.source_arn or ""),
    )
    left = 0
    while batch := list(islice(lost, source.function.batch_size)):
        left += len(announced_at_last(batch, source.function, source.handler))
    return left


def announced_at_last(records: Sequence[Json], function: Function, handler: Handler) -> Sequence[Json]:
    """Hand records to the relay until it gets stuck several times. Return those that it did not finish."""
    tries = CATCH_UP_TRIES
    while records and tries:
        left = hand_over(records, function, handler)
        tries = tries - 1 if len(left) == len(records) else CATCH_UP_TRIES
        records = left
    return records


def run_until_drained(source: StreamSource, drained: "Future[bool]") -> None:
    """Feed the relay until it is to stop, and then what the stream still holds."""
    source.run()
    try:
        drained.set_result(source.drain(DRAIN_SECONDS))
    except Exception as fault:  # noqa: BLE001  # logged, and never fatal
        log_fault("stream.unreachable", fault)
        drained.set_result(False)


def stop_relay(source: StreamSource, drained: "Future[bool]") -> None:
    """Stop the relay once the stream is empty, since the emulator forgets the stream's records.

    An emulator that does not answer holds the stop up for no longer than STOPS_SECONDS.
    """
    source.stopping.set()
    try:
        is_drained = drained.result(STOPS_SECONDS)
    except TimeoutError:
        is_drained = False
    if is_drained and source.place.is_caught_up:
        source.move(is_drained=True)
    else:
        logger.warning("relay.not_drained", extra={"then": "the next start announces the rest"})

"""The promises of the event bus to the relay and to subscribers."""

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from app.domain.causes import Cause, Trace
from app.domain.events import ObjectEvent, event_of
from app.domain.objects.stored import StoredObject
from app.messaging.event_bus import EventBus, Published
from tests.conftest import NOW, Aws
from tests.contracts.conftest import MakeStored
from tests.faults import calls_of

Subscribe = Callable[[dict[str, Any]], str]


@pytest.fixture
def bus(backend: Aws) -> EventBus:
    return backend.adapters().bus


@pytest.fixture
def subscribe(backend: Aws) -> Subscribe:
    """Makes a queue that gets what matches a pattern; returns its URL."""

    def subscribe_to(pattern: dict[str, Any]) -> str:
        name = f"subscriber-{uuid4().hex}"
        url: str = backend.sqs.create_queue(QueueName=name)["QueueUrl"]
        found = backend.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        backend.events.put_rule(Name=name, EventBusName=backend.bus, EventPattern=json.dumps(pattern))
        target = {"Id": "queue", "Arn": found["Attributes"]["QueueArn"]}
        backend.events.put_targets(Rule=name, EventBusName=backend.bus, Targets=[target])
        return url

    return subscribe_to


def received(backend: Aws, url: str, number: int) -> list[dict[str, Any]]:
    """Return this many envelopes, or as many as come within a second of the one before."""
    envelopes: list[dict[str, Any]] = []
    while len(envelopes) < number:
        messages = backend.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1)
        if not messages.get("Messages"):
            break
        envelopes += [json.loads(message["Body"]) for message in messages["Messages"]]
    return envelopes


NOTHING_LEFT = Published(frozenset(), frozenset())


def born(stored: StoredObject) -> ObjectEvent:
    event = event_of(None, stored)
    assert event is not None
    return event


def test_an_event_reaches_a_subscriber_as_a_cloud_event(
    bus: EventBus, subscribe: Subscribe, backend: Aws, owner: str, make: MakeStored
) -> None:
    url = subscribe({"source": ["wharf.objects"], "detail": {"owner": [owner]}})
    event = born(make(name="Größe 日本 🚢", attributes={"share": 1 / 3, "": [None, "\"'\\"]}))

    published = bus.publish([event])

    [envelope] = received(backend, url, 1)
    assert published == NOTHING_LEFT
    assert envelope["detail"] == event.as_cloud_event()
    assert (envelope["source"], envelope["detail-type"]) == ("wharf.objects", "object.created")


def test_a_rule_can_choose_by_type(
    bus: EventBus, subscribe: Subscribe, backend: Aws, owner: str, make: MakeStored
) -> None:
    url = subscribe({"detail-type": ["object.deleted"], "detail": {"owner": [owner]}})
    stored = make()
    deleted = event_of(stored, stored.delete(now=NOW, cause=Cause("request-2")))
    assert deleted is not None

    bus.publish([born(stored), deleted])

    [envelope] = received(backend, url, 1)
    assert envelope["detail"]["id"] == deleted.id


def test_a_rule_can_choose_by_the_object(
    bus: EventBus, subscribe: Subscribe, backend: Aws, owner: str, make: MakeStored
) -> None:
    url = subscribe({"detail": {"owner": [owner], "data": {"kind": ["file"], "labels": {"team": ["x"]}}}})
    wanted = make(kind="file", labels={"team": "x"})

    bus.publish([born(make()), born(wanted), born(make(kind="file"))])

    [envelope] = received(backend, url, 1)
    assert envelope["detail"]["subject"] == wanted.id


def test_more_events_than_one_call_takes_are_all_published(
    bus: EventBus, subscribe: Subscribe, backend: Aws, owner: str, make: MakeStored
) -> None:
    url = subscribe({"detail": {"owner": [owner]}})
    events = [born(make()) for _ in range(23)]

    published = bus.publish(events)

    assert published == NOTHING_LEFT
    found = {envelope["detail"]["id"] for envelope in received(backend, url, 23)}
    assert found == {event.id for event in events}


def test_publishing_nothing_is_nothing(bus: EventBus) -> None:
    assert bus.publish([]) == NOTHING_LEFT


def test_an_event_carries_the_trace_of_its_cause_on(
    bus: EventBus, subscribe: Subscribe, backend: Aws, owner: str, make: MakeStored
) -> None:
    """The trace goes to X-Ray beside the event, and to everybody else in the event.

    See CloudEvents, "Distributed Tracing extension".
    """
    trace = Trace("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", is_sampled=True, state="a=b")
    url = subscribe({"detail": {"owner": [owner]}})
    calls = calls_of(backend.events)

    bus.publish([born(make(cause=Cause("request-1", trace))), born(make())])

    envelopes = received(backend, url, 2)
    traced, untraced = sorted(
        (one["detail"] for one in envelopes), key=lambda event: "traceparent" not in event
    )
    assert (traced["traceparent"], traced["tracestate"]) == (trace.traceparent, "a=b")
    assert {"traceparent", "tracestate"}.isdisjoint(untraced)
    entries = [entry for call in calls for entry in call.parameters["Entries"]]
    assert [entry.get("TraceHeader") for entry in entries] == [trace.xray_header, None]

"""The service as the functions compose it, on AWS in this process, with a clock of the test's."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from app.api.services import ApiServices
from app.bootstrap.adapters import Clock
from app.bootstrap.api import compose_api
from app.bootstrap.relay import compose_relay
from app.bootstrap.worker import compose_worker
from app.config import ApiSettings, WorkerSettings
from app.domain.events import ObjectEvent
from app.domain.times import utc_now
from app.domain.usage import NOTHING
from app.messaging.messages import Message, Outcome
from app.services.changes.relaying import Relaying
from app.storage.history import HistoryRepository
from app.storage.recording import CountedEvent, EventRecorder
from tests.conftest import Aws

PLENTY_SECONDS = 300.0
AFTER_EVERY_VERSION = 10**12 - 1


def add_to_history(history: HistoryRepository, event: ObjectEvent) -> None:
    """Write an event as the relay does, without a change of usage."""
    recorder = EventRecorder(history._client, history._table)  # both stand in one table
    recorder.record([CountedEvent(event, NOTHING)], shard=0)


def purge_history(history: HistoryRepository, owner: str, object_id: str) -> None:
    """Empty all events of an object, that of its deletion too."""
    assert purge_before(history, owner, object_id, AFTER_EVERY_VERSION)


def purge_before(
    history: HistoryRepository,
    owner: str,
    object_id: str,
    version: int,
    *,
    has_time: Callable[[], bool] = lambda: True,
) -> bool:
    """Empty the events of an object before a version, as a purge a moment after the deletion does."""
    forgotten_at = utc_now() + timedelta(days=33)
    return history.purge(
        owner, object_id, before_version=version, forgotten_at=forgotten_at, has_time=has_time
    )


def services_on(aws: Aws, *, clock: Clock = utc_now, **settings: Any) -> ApiServices:
    """Return the API's use cases; `settings` are those of its function."""
    api = aws.settings(ApiSettings, auth_mode="local", **settings)
    return compose_api(aws.adapters(list_shards=api.list_shards), api, clock=clock)


def relaying_on(aws: Aws, *, clock: Clock = utc_now) -> Relaying:
    return compose_relay(aws.adapters(), clock=clock)


class WholeService:
    """`sandbox` runs the processors; None where no payload gets that far."""

    def __init__(self, aws: Aws, clock: Clock, sandbox: Any = None, **settings: Any) -> None:
        shards = settings.pop("list_shards", 1)
        adapters = aws.adapters(list_shards=shards)
        adapters.sandbox = sandbox
        self.aws = aws
        self.repository, self.payloads = adapters.objects, adapters.payloads
        self.history, self.usage = adapters.history, adapters.usage
        self.queue = adapters.queue
        of_api = aws.settings(ApiSettings, auth_mode="local", list_shards=shards)
        api = compose_api(adapters, of_api, clock=clock)
        self.creating, self.reading, self.editing = api.creating, api.reading, api.editing
        self.parts = api.parts
        self.worker = compose_worker(adapters, aws.settings(WorkerSettings, **settings), clock=clock)
        self.relaying = compose_relay(adapters, clock=clock)

    def dispatch(self, message: Message, *, seconds_left: float = PLENTY_SECONDS) -> Outcome:
        """Handle one message as the worker does, without the queue around it."""
        return self.worker.dispatcher.dispatch(message, seconds_left=lambda: seconds_left)

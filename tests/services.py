"""The service as the functions compose it, on AWS in this process, with a clock of the test's."""

from typing import Any

from app.api.services import ApiServices
from app.bootstrap import Clock, compose_api, compose_relay, compose_worker
from app.config import ApiSettings, WorkerSettings
from app.domain.events import ObjectEvent
from app.domain.times import utc_now
from app.domain.usage import NOTHING
from app.messaging.messages import Message, Outcome
from app.services.relaying import Relaying
from app.storage.history import HistoryRepository
from app.storage.usage import CountedEvent, UsageRepository
from tests.conftest import Aws

PLENTY_SECONDS = 300.0


def add_to_history(history: HistoryRepository, event: ObjectEvent) -> None:
    """Write an event as the relay does, without a change of usage."""
    usage = UsageRepository(history._client, history._table)  # both stand in one table
    usage.record([CountedEvent(event, NOTHING)], shard=0)


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
        self.worker = compose_worker(adapters, aws.settings(WorkerSettings, **settings), clock=clock)
        self.relaying = compose_relay(adapters, clock=clock)

    def dispatch(self, message: Message, *, seconds_left: float = PLENTY_SECONDS) -> Outcome:
        """Handle one message as the worker does, without the queue around it."""
        return self.worker.dispatcher.dispatch(message, seconds_left=lambda: seconds_left)

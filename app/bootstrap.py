"""The composition root: adapters from settings, services from adapters.

The only place that makes clients, repositories and services; tests use it too.
Each import stands where it is needed, so that the worker and the relay never
load FastAPI, the API never loads DuckDB, and each bundle holds only what its
function composes (scripts/build/bundle.py follows the calls from here).
"""

from collections.abc import Callable
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from app.aws import Clients
from app.config import ApiSettings, Settings, WorkerSettings
from app.domain.times import utc_now

if TYPE_CHECKING:
    from app.api.services import ApiServices
    from app.messaging.dead_letters import DeadLetterQueue
    from app.messaging.event_bus import EventBus
    from app.messaging.work_queue import WorkQueue
    from app.sandbox.client import Sandbox
    from app.services.redriving import Redriving
    from app.services.relaying import Relaying
    from app.services.republishing import Republishing
    from app.storage.history import HistoryRepository
    from app.storage.objects import ObjectRepository
    from app.storage.payloads import PayloadStore
    from app.storage.usage import UsageRepository
    from app.worker.batch import BatchWorker

Clock = Callable[[], datetime]


class Adapters:
    """What reaches AWS, and the sandbox. Each is made when it is first asked for."""

    def __init__(self, settings: Settings, clients: Clients) -> None:
        self._settings = settings
        self._clients = clients

    def drop_connections(self) -> None:
        """Close every open connection to AWS. The next call opens a new one."""
        self._clients.drop_connections()

    @cached_property
    def dynamodb(self) -> Any:
        return self._clients.client("dynamodb")

    @cached_property
    def s3(self) -> Any:
        return self._clients.client("s3")

    @cached_property
    def objects(self) -> "ObjectRepository":
        from app.storage.objects import ObjectRepository

        return ObjectRepository(self.dynamodb, self._settings.table_name, self._settings.list_shards)

    @cached_property
    def history(self) -> "HistoryRepository":
        from app.storage.history import HistoryRepository

        return HistoryRepository(self.dynamodb, self._settings.table_name)

    @cached_property
    def usage(self) -> "UsageRepository":
        from app.storage.usage import UsageRepository

        return UsageRepository(self.dynamodb, self._settings.table_name)

    @cached_property
    def payloads(self) -> "PayloadStore":
        from app.storage.payloads import PayloadStore

        public = self._settings.public_s3_url
        presigner = self._clients.client("s3", endpoint_url=public) if public else self.s3
        return PayloadStore(self.s3, self._settings.bucket_name, presigner)

    @cached_property
    def queue(self) -> "WorkQueue":
        from app.messaging.work_queue import WorkQueue

        sqs = self._clients.client("sqs")
        return WorkQueue(sqs, self._settings.queue_url, self._settings.dead_letter_queue_url)

    @cached_property
    def dead_letters(self) -> "DeadLetterQueue":
        from app.messaging.dead_letters import DeadLetterQueue

        sqs = self._clients.client("sqs")
        return DeadLetterQueue(sqs, self._settings.dead_letter_queue_url, self._settings.queue_url)

    @cached_property
    def bus(self) -> "EventBus":
        from app.messaging.event_bus import EventBus

        return EventBus(self._clients.client("events"), self._settings.bus_name)

    @cached_property
    def sandbox(self) -> "Sandbox":
        from app.domain.kinds import KINDS
        from app.sandbox.client import Sandbox

        return Sandbox([kind.processor for kind in KINDS.values() if kind.processor])


def adapters(settings: Settings, *, insists: bool = False) -> Adapters:
    return Adapters(settings, Clients(insists=insists))


def compose_api(adapters: Adapters, settings: ApiSettings, *, clock: Clock = utc_now) -> "ApiServices":
    from app.api.services import ApiServices
    from app.domain.usage import Limits
    from app.services.creating import Creating
    from app.services.editing import Editing
    from app.services.quotas import Quotas
    from app.services.readiness import Readiness
    from app.services.reading import Reading
    from app.services.uploads import Uploads

    limits = Limits(settings.max_objects, settings.max_bytes)
    uploads = Uploads(adapters.payloads, seconds=settings.upload_seconds)
    quotas = Quotas(adapters.usage, limits, clock=clock)
    objects, payloads = adapters.objects, adapters.payloads
    shards, seconds = settings.list_shards, settings.download_seconds
    return ApiServices(
        creating=Creating(objects, payloads, uploads, quotas, shards=shards, clock=clock),
        reading=Reading(objects, payloads, adapters.history, download_seconds=seconds, clock=clock),
        editing=Editing(objects, payloads, uploads, quotas, clock=clock),
        usage=adapters.usage,
        limits=limits,
        readiness=Readiness(objects, payloads),
    )


def compose_worker(adapters: Adapters, settings: WorkerSettings, *, clock: Clock = utc_now) -> "BatchWorker":
    from app.services.processing import Processing
    from app.services.purging import Purging
    from app.services.sweeping import Sweeping
    from app.worker.batch import BatchWorker
    from app.worker.dispatch import Dispatcher

    objects, payloads, queue = adapters.objects, adapters.payloads, adapters.queue
    lease, attempts = settings.lease_seconds, settings.max_attempts
    processing = Processing(
        objects, payloads, queue, adapters.sandbox, lease_seconds=lease, max_attempts=attempts, clock=clock
    )
    purging = Purging(objects, payloads, adapters.history, clock=clock)
    sweeping = Sweeping(objects, payloads, queue, purging, max_attempts=attempts, clock=clock)
    return BatchWorker(Dispatcher(processing, purging, sweeping), queue)


def compose_relay(adapters: Adapters, *, clock: Clock = utc_now) -> "Relaying":
    from app.services.relaying import Relaying

    return Relaying(adapters.usage, adapters.bus, adapters.payloads, clock=clock)


def compose_redriving(adapters: Adapters) -> "Redriving":
    from app.services.redriving import Redriving

    return Redriving(adapters.objects, adapters.dead_letters)


def compose_republishing(adapters: Adapters) -> "Republishing":
    from app.services.republishing import Republishing

    return Republishing(adapters.objects, adapters.bus)

"""The composition root: one builder per function, and one per operator's tool.

The only place that makes clients, repositories and services. Each builder
imports what its function needs, so that the worker and the relay never load
FastAPI and the API never loads DuckDB.
"""

from typing import TYPE_CHECKING

from app.aws import Clients
from app.config import ApiSettings, OperatorSettings, RelaySettings, WorkerSettings

if TYPE_CHECKING:
    from app.services.api import ApiServices
    from app.services.redriving import Redriving
    from app.services.relaying import Relaying
    from app.services.republishing import Republishing
    from app.worker.batch import BatchWorker


def build_api(settings: ApiSettings) -> "ApiServices":
    from app.domain.usage import Limits
    from app.services.api import ApiServices
    from app.services.editing import Editing
    from app.services.objects import Objects
    from app.services.quotas import Quotas
    from app.services.readiness import Readiness
    from app.services.uploads import Uploads
    from app.storage.history import HistoryRepository
    from app.storage.objects import ObjectRepository
    from app.storage.payloads import PayloadStore
    from app.storage.usage import UsageRepository

    clients = Clients()
    dynamodb, s3 = clients.client("dynamodb"), clients.client("s3")
    public = settings.public_s3_url
    presigner = clients.client("s3", endpoint_url=public) if public else s3
    objects = ObjectRepository(dynamodb, settings.table_name, settings.list_shards)
    payloads = PayloadStore(s3, settings.bucket_name, presigner)
    uploads = Uploads(payloads, seconds=settings.upload_seconds)
    usage = UsageRepository(dynamodb, settings.table_name)
    quotas = Quotas(usage, Limits(settings.max_objects, settings.max_bytes))
    return ApiServices(
        Objects(
            objects,
            payloads,
            HistoryRepository(dynamodb, settings.table_name),
            uploads,
            quotas,
            shards=settings.list_shards,
            download_seconds=settings.download_seconds,
        ),
        Editing(objects, payloads, uploads, quotas),
        usage,
        Readiness(objects, payloads),
        quotas,
    )


def build_worker(settings: WorkerSettings) -> "BatchWorker":
    from app.domain.kinds import KINDS
    from app.messaging.work_queue import WorkQueue
    from app.sandbox.client import Sandbox
    from app.services.processing import Processing
    from app.services.purging import Purging
    from app.services.sweeping import Sweeping
    from app.services.workspaces import clear_leftovers
    from app.storage.history import HistoryRepository
    from app.storage.objects import ObjectRepository
    from app.storage.payloads import PayloadStore
    from app.worker.batch import BatchWorker
    from app.worker.dispatch import Dispatcher

    clients = Clients()
    dynamodb, s3 = clients.client("dynamodb"), clients.client("s3")
    objects = ObjectRepository(dynamodb, settings.table_name, settings.list_shards)
    payloads = PayloadStore(s3, settings.bucket_name, s3)
    purging = Purging(objects, payloads, HistoryRepository(dynamodb, settings.table_name))
    queue = WorkQueue(clients.client("sqs"), settings.queue_url, settings.dead_letter_queue_url)
    clear_leftovers()
    sandbox = Sandbox([kind.processor for kind in KINDS.values() if kind.processor])
    processing = Processing(
        objects,
        payloads,
        queue,
        sandbox,
        lease_seconds=settings.lease_seconds,
        max_attempts=settings.max_attempts,
        memory_limit=settings.processor_memory_bytes,
    )
    sweeping = Sweeping(objects, payloads, queue, purging, max_attempts=settings.max_attempts)
    return BatchWorker(Dispatcher(processing, purging, sweeping), queue)


def build_relay(settings: RelaySettings) -> "Relaying":
    from app.messaging.event_bus import EventBus
    from app.services.relaying import Relaying
    from app.storage.history import HistoryRepository
    from app.storage.payloads import PayloadStore
    from app.storage.usage import UsageRepository

    clients = Clients()
    dynamodb, s3 = clients.client("dynamodb"), clients.client("s3")
    return Relaying(
        HistoryRepository(dynamodb, settings.table_name),
        UsageRepository(dynamodb, settings.table_name),
        EventBus(clients.client("events"), settings.bus_name),
        PayloadStore(s3, settings.bucket_name, s3),
    )


def build_redriving(settings: OperatorSettings) -> "Redriving":
    from app.messaging.dead_letters import DeadLetterQueue
    from app.services.redriving import Redriving
    from app.storage.objects import ObjectRepository

    clients = Clients()
    return Redriving(
        ObjectRepository(clients.client("dynamodb"), settings.table_name, settings.list_shards),
        DeadLetterQueue(clients.client("sqs"), settings.dead_letter_queue_url, settings.queue_url),
    )


def build_republishing(settings: OperatorSettings) -> "Republishing":
    from app.messaging.event_bus import EventBus
    from app.services.republishing import Republishing
    from app.storage.objects import ObjectRepository

    clients = Clients()
    return Republishing(
        ObjectRepository(clients.client("dynamodb"), settings.table_name, settings.list_shards),
        EventBus(clients.client("events"), settings.bus_name),
    )

"""Composes what the routes of the API call."""

import os

from app.api.services import ApiServices
from app.bootstrap.adapters import Adapters, Clock
from app.config import ApiSettings
from app.domain.kinds import WorkerCapacity
from app.domain.times import utc_now
from app.domain.usage import Limits
from app.domain.webhooks.endpoints import Reach
from app.observability import IN_LAMBDA
from app.services.changes.following import Following
from app.services.changes.waiting import ON_LAMBDA, ON_ONE_MACHINE, Waiting
from app.services.changes.watching import Watching
from app.services.objects.creating import Creating
from app.services.objects.downloads import Downloads
from app.services.objects.editing import Editing
from app.services.objects.parts import PartUploads
from app.services.objects.quotas import Quotas
from app.services.objects.reading import Reading
from app.services.objects.sharing import Sharing
from app.services.objects.uploads import Uploads
from app.services.operations.readiness import Readiness
from app.services.webhooks.delivery_log import DeliveryLogs
from app.services.webhooks.managing import Webhooks


def compose_api(adapters: Adapters, settings: ApiSettings, *, clock: Clock = utc_now) -> ApiServices:
    capacity = WorkerCapacity(settings.lease_seconds, settings.storage_mebibytes)
    hours = settings.multipart_hours
    uploads = Uploads(adapters.payloads, capacity, seconds=settings.upload_seconds, multipart_hours=hours)
    quotas = compose_quotas(adapters, settings, clock=clock)
    objects, payloads = adapters.objects, adapters.payloads
    shards, seconds = settings.list_shards, settings.download_seconds
    downloads = Downloads(payloads, clock=clock)
    reading = Reading(objects, adapters.history, downloads, download_seconds=seconds)
    following = Following(adapters.usage, adapters.feed, adapters.history, clock=clock)
    pace = ON_LAMBDA if os.environ.get(IN_LAMBDA) else ON_ONE_MACHINE
    waiting = Waiting(adapters.watched, max_seconds=settings.max_wait_seconds, pace=pace)
    webhooks = compose_webhooks(adapters, settings, clock=clock)
    deliveries = DeliveryLogs(
        webhooks,
        adapters.endpoints,
        adapters.deliveries,
        adapters.history,
        adapters.sender_queue,
        clock=clock,
    )
    return ApiServices(
        creating=Creating(objects, payloads, uploads, quotas, shards=shards, clock=clock),
        reading=reading,
        editing=Editing(objects, payloads, adapters.parts, uploads, quotas, clock=clock),
        parts=compose_parts(adapters, settings, uploads, clock=clock),
        sharing=Sharing(adapters.links, objects, downloads, clock=clock),
        following=following,
        watching=Watching(reading, following, waiting, shards=shards),
        waiting=waiting,
        webhooks=webhooks,
        deliveries=deliveries,
        usage=adapters.usage,
        limits=quotas.limits,
        capacity=capacity,
        readiness=Readiness(objects, payloads),
        bucket_origin=payloads.origin,
    )


def compose_quotas(adapters: Adapters, settings: ApiSettings, *, clock: Clock = utc_now) -> Quotas:
    return Quotas(adapters.usage, Limits(settings.max_objects, settings.max_bytes), clock=clock)


def compose_webhooks(adapters: Adapters, settings: ApiSettings, *, clock: Clock = utc_now) -> Webhooks:
    return Webhooks(
        adapters.webhooks,
        adapters.sender_queue,
        reach=Reach(settings.webhook_ports_refused),
        is_on=bool(settings.webhooks_table_name),
        clock=clock,
    )


def compose_parts(
    adapters: Adapters, settings: ApiSettings, uploads: Uploads, *, clock: Clock = utc_now
) -> PartUploads:
    stores = (adapters.objects, adapters.payloads, adapters.parts)
    return PartUploads(*stores, adapters.queue, uploads, seconds=settings.upload_seconds, clock=clock)

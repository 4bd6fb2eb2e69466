"""Composes what the routes of the API call.

A function that starts for one request makes what this request asks for. Most requests do without webhooks,
links and the feed. Each import therefore stands where it is needed.
"""

import os
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

from app.api.services import ApiServices
from app.bootstrap.adapters import Adapters, Clock
from app.config import ApiSettings
from app.domain.kinds import WorkerCapacity
from app.domain.times import utc_now
from app.domain.usage import Limits
from app.observability import IN_LAMBDA
from app.quick_start import IS_AWAITED
from app.services.objects.quotas import Quotas

if TYPE_CHECKING:
    from app.services.changes.following import Following
    from app.services.changes.waiting import Waiting
    from app.services.changes.watching import Watching
    from app.services.objects.creating import Creating
    from app.services.objects.downloads import Downloads
    from app.services.objects.editing import Editing
    from app.services.objects.parts import PartUploads
    from app.services.objects.reading import Reading
    from app.services.objects.sharing import Sharing
    from app.services.objects.uploads import Uploads
    from app.services.operations.readiness import Readiness
    from app.services.webhooks.delivery_log import DeliveryLogs
    from app.services.webhooks.managing import Webhooks
    from app.storage.usage import UsageRepository


def compose_api(adapters: Adapters, settings: ApiSettings, *, clock: Clock = utc_now) -> ApiServices:
    composed = Composed(adapters, settings, clock)
    if not IS_AWAITED:
        # Nobody waits, and several threads may ask for one part at once later.
        for name, part in vars(Composed).items():
            if isinstance(part, cached_property):
                getattr(composed, name)
    return composed


class Composed:
    """The services of the API. Each is made when it is first asked for."""

    def __init__(self, adapters: Adapters, settings: ApiSettings, clock: Clock) -> None:
        self._adapters = adapters
        self._settings = settings
        self._clock = clock
        self.capacity = WorkerCapacity(settings.lease_seconds, settings.storage_mebibytes)

    @cached_property
    def creating(self) -> "Creating":
        from app.services.objects.creating import Creating

        stores = (self._adapters.objects, self._adapters.payloads)
        shards = self._settings.list_shards
        return Creating(*stores, self._uploads, self._quotas, shards=shards, clock=self._clock)

    @cached_property
    def reading(self) -> "Reading":
        from app.services.objects.reading import Reading

        stores = (self._adapters.objects, self._adapters.history)
        return Reading(*stores, self._downloads, download_seconds=self._settings.download_seconds)

    @cached_property
    def editing(self) -> "Editing":
        from app.services.objects.editing import Editing

        stores = (self._adapters.objects, self._adapters.payloads, self._adapters.parts)
        return Editing(*stores, self._uploads, self._quotas, clock=self._clock)

    @cached_property
    def parts(self) -> "PartUploads":
        from app.services.objects.parts import PartUploads

        stores = (self._adapters.objects, self._adapters.payloads, self._adapters.parts)
        seconds, queue = self._settings.upload_seconds, self._adapters.queue
        return PartUploads(*stores, queue, self._uploads, seconds=seconds, clock=self._clock)

    @cached_property
    def sharing(self) -> "Sharing":
        from app.services.objects.sharing import Sharing

        stores = (self._adapters.links, self._adapters.objects)
        return Sharing(*stores, self._downloads, clock=self._clock)

    @cached_property
    def following(self) -> "Following":
        from app.services.changes.following import Following

        stores = (self._adapters.usage, self._adapters.feed, self._adapters.history)
        return Following(*stores, clock=self._clock)

    @cached_property
    def watching(self) -> "Watching":
        from app.services.changes.watching import Watching

        parts = (self.reading, self.following, self.waiting)
        return Watching(*parts, shards=self._settings.list_shards)

    @cached_property
    def waiting(self) -> "Waiting":
        from app.services.changes.waiting import ON_LAMBDA, ON_ONE_MACHINE, Waiting

        pace = ON_LAMBDA if os.environ.get(IN_LAMBDA) else ON_ONE_MACHINE
        return Waiting(self._adapters.watched, max_seconds=self._settings.max_wait_seconds, pace=pace)

    @cached_property
    def webhooks(self) -> "Webhooks":
        from app.domain.webhooks.endpoints import Reach
        from app.services.webhooks.managing import Webhooks

        return Webhooks(
            self._adapters.webhooks,
            self._adapters.sender_queue,
            reach=Reach(self._settings.webhook_ports_refused),
            is_on=bool(self._settings.webhooks_table_name),
            clock=self._clock,
        )

    @cached_property
    def deliveries(self) -> "DeliveryLogs":
        from app.services.webhooks.delivery_log import DeliveryLogs

        stores = (self._adapters.endpoints, self._adapters.deliveries, self._adapters.history)
        return DeliveryLogs(self.webhooks, *stores, self._adapters.sender_queue, clock=self._clock)

    @cached_property
    def usage(self) -> "UsageRepository":
        return self._adapters.usage

    @cached_property
    def readiness(self) -> "Readiness":
        from app.services.operations.readiness import Readiness

        return Readiness(self._adapters.objects, self._adapters.payloads)

    @property
    def limits(self) -> Limits:
        return self._quotas.limits

    @property
    def bucket_origin(self) -> Callable[[], str]:
        return self._adapters.payloads.origin

    @cached_property
    def _quotas(self) -> Quotas:
        return compose_quotas(self._adapters, self._settings, clock=self._clock)

    @cached_property
    def _downloads(self) -> "Downloads":
        from app.services.objects.downloads import Downloads

        return Downloads(self._adapters.payloads, clock=self._clock)

    @cached_property
    def _uploads(self) -> "Uploads":
        from app.services.objects.uploads import Uploads

        settings = self._settings
        seconds, hours = settings.upload_seconds, settings.multipart_hours
        return Uploads(self._adapters.payloads, self.capacity, seconds=seconds, multipart_hours=hours)


def compose_quotas(adapters: Adapters, settings: ApiSettings, *, clock: Clock = utc_now) -> Quotas:
    return Quotas(adapters.usage, Limits(settings.max_objects, settings.max_bytes), clock=clock)

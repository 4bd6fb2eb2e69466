"""Composes what the worker does."""

from app.bootstrap.adapters import Adapters, Clock
from app.config import WorkerSettings
from app.domain.kinds import WorkerCapacity
from app.domain.times import utc_now
from app.services.background.completing import Completing
from app.services.background.processing import Processing
from app.services.background.purging import Purging
from app.services.background.sweeping import Sweeping
from app.worker.batch import BatchWorker
from app.worker.dispatch import Dispatcher


def compose_worker(adapters: Adapters, settings: WorkerSettings, *, clock: Clock = utc_now) -> BatchWorker:
    objects, payloads, queue = adapters.objects, adapters.payloads, adapters.queue
    capacity, attempts = (
        WorkerCapacity(settings.lease_seconds, settings.storage_mebibytes),
        settings.max_attempts,
    )
    processing = Processing(
        objects, payloads, queue, adapters.sandbox, capacity=capacity, max_attempts=attempts, clock=clock
    )
    purging = compose_purging(adapters, clock=clock)
    sweeping = compose_sweeping(adapters, settings, clock=clock)
    completing = Completing(objects, payloads, adapters.parts)
    return BatchWorker(Dispatcher(processing, completing, purging, sweeping), queue)


def compose_purging(adapters: Adapters, *, clock: Clock = utc_now) -> Purging:
    objects, payloads, history = adapters.objects, adapters.payloads, adapters.history
    return Purging(objects, payloads, history, adapters.links, clock=clock)


def compose_sweeping(adapters: Adapters, settings: WorkerSettings, *, clock: Clock = utc_now) -> Sweeping:
    objects, payloads, parts = adapters.objects, adapters.payloads, adapters.parts
    purging, attempts = compose_purging(adapters, clock=clock), settings.max_attempts
    return Sweeping(objects, payloads, parts, adapters.queue, purging, max_attempts=attempts, clock=clock)

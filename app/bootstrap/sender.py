"""Composes what the sender does."""

from app.bootstrap.adapters import Adapters, Clock
from app.config import SenderSettings
from app.domain.times import utc_now
from app.domain.webhooks.endpoints import Reach
from app.sender.batch import SenderBatches
from app.sender.connect import Connector
from app.sender.endpoint import Endpoints
from app.sender.send import Sender
from app.services.webhooks.fanning_out import FanningOut


def compose_sender(adapters: Adapters, settings: SenderSettings, *, clock: Clock = utc_now) -> SenderBatches:
    repository, deliveries, queue = adapters.endpoints, adapters.deliveries, adapters.sender_queue
    sender = Sender(Connector(Reach(settings.webhook_ports_refused)), clock=clock)
    endpoints = Endpoints(repository, deliveries, queue, sender, clock=clock)
    fanning_out = FanningOut(adapters.webhooks, repository, deliveries, queue, clock=clock)
    return SenderBatches(fanning_out, endpoints, repository, queue, clock=clock)

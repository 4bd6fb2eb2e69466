"""Composes what the relay does with changes, and with S3's notices."""

from app.bootstrap.adapters import Adapters, Clock
from app.domain.times import utc_now
from app.services.changes.forwarding import Forwarding
from app.services.changes.relaying import Relaying


def compose_relay(adapters: Adapters, *, clock: Clock = utc_now) -> Relaying:
    return Relaying(adapters.recorder, adapters.bus, adapters.queue, adapters.set_aside, clock=clock)


def compose_forwarding(adapters: Adapters) -> Forwarding:
    return Forwarding(adapters.queue)

"""Composes what operators run from scripts/ops, beside the functions."""

from app.bootstrap.adapters import Adapters, Clock
from app.bootstrap.relay import compose_relay
from app.domain.times import utc_now
from app.services.operations.recounting import Recounting
from app.services.operations.redriving import Redriving
from app.services.operations.replaying import Replaying
from app.services.operations.republishing import Republishing


def compose_redriving(adapters: Adapters, *, clock: Clock = utc_now) -> Redriving:
    replaying = compose_replaying(adapters, clock=clock)
    return Redriving(adapters.objects, adapters.dead_letters, replaying, clock=clock)


def compose_replaying(adapters: Adapters, *, clock: Clock = utc_now) -> Replaying:
    relaying = compose_relay(adapters, clock=clock)
    return Replaying(adapters.set_aside, relaying, adapters.objects, adapters.history, clock=clock)


def compose_republishing(adapters: Adapters) -> Republishing:
    return Republishing(adapters.objects, adapters.bus)


def compose_recounting(adapters: Adapters, *, clock: Clock = utc_now) -> Recounting:
    return Recounting(adapters.objects, adapters.usage, clock=clock)

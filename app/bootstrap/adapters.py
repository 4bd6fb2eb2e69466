"""The adapters, made from settings.

Each import stands where it is needed, so that a bundle holds only the adapters that
its function asks for (scripts/build/bundle.py looks for them here).
"""

from collections.abc import Callable
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.aws.clients import Clients
from app.config import Settings

if TYPE_CHECKING:
    from app.messaging.dead_letters import DeadLetterQueue
    from app.messaging.event_bus import EventBus
    from app.messaging.sender_queue import SenderQueue
    from app.messaging.work_queue import WorkQueue
    from app.sandbox.pool import Sandboxes
    from app.storage.feed import FeedRepository
    from app.storage.history import HistoryRepository
    from app.storage.links import LinkRepository
    from app.storage.objects import ObjectRepository
    from app.storage.parts import PartsStore
    from app.storage.payloads import PayloadStore
    from app.storage.recording import EventRecorder
    from app.storage.set_aside import SetAsideStore
    from app.storage.usage import UsageRepository
    from app.storage.watched import WatchedItems
    from app.storage.webhooks.deliveries import DeliveryRepository
    from app.storage.webhooks.endpoints import EndpointRepository
    from app.storage.webhooks.webhooks import WebhookRepository

Clock = Callable[[], datetime]

#: True in Lambda, where nobody else has files. An emulator that runs functions has the code elsewhere.
IS_ALONE = Path(__file__).is_relative_to("/var/task")
#: The folders that a function of Lambda can write to: /tmp, and /dev/shm where there is one.
SHARED_FOLDERS = (Path("/tmp"), Path("/dev/shm"))  # noqa: S108  # they are emptied, not used


class Adapters:
    """The adapters that reach AWS, and the sandbox. Each is made when it is first asked for."""

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
    def sqs(self) -> Any:
        return self._clients.client("sqs")

    @cached_property
    def presigner(self) -> Any:
        public = self._settings.public_s3_url
        return self._clients.client("s3", endpoint_url=public) if public else self.s3

    @cached_property
    def objects(self) -> "ObjectRepository":
        from app.storage.objects import ObjectRepository

        return ObjectRepository(self.dynamodb, self._settings.table_name, self._settings.list_shards)

    @cached_property
    def history(self) -> "HistoryRepository":
        from app.storage.history import HistoryRepository

        return HistoryRepository(self.dynamodb, self._settings.table_name)

    @cached_property
    def links(self) -> "LinkRepository":
        from app.storage.links import LinkRepository

        return LinkRepository(self.dynamodb, self._settings.table_name)

    @cached_property
    def feed(self) -> "FeedRepository":
        from app.storage.feed import FeedRepository

        return FeedRepository(self.dynamodb, self._settings.table_name)

    @cached_property
    def recorder(self) -> "EventRecorder":
        from app.storage.recording import EventRecorder

        return EventRecorder(self.dynamodb, self._settings.table_name)

    @cached_property
    def usage(self) -> "UsageRepository":
        from app.storage.usage import UsageRepository

        return UsageRepository(self.dynamodb, self._settings.table_name)

    @cached_property
    def watched(self) -> "WatchedItems":
        from app.storage.watched import WatchedItems

        return WatchedItems(self.dynamodb, self._settings.table_name)

    @cached_property
    def payloads(self) -> "PayloadStore":
        from app.storage.payloads import PayloadStore

        return PayloadStore(self.s3, self._settings.bucket_name, self.presigner)

    @cached_property
    def parts(self) -> "PartsStore":
        from app.storage.parts import PartsStore

        return PartsStore(self.s3, self._settings.bucket_name, self.presigner)

    @cached_property
    def set_aside(self) -> "SetAsideStore":
        from app.storage.set_aside import SetAsideStore

        return SetAsideStore(self.s3, self._settings.bucket_name)

    @cached_property
    def webhooks(self) -> "WebhookRepository":
        from app.storage.webhooks.webhooks import WebhookRepository

        return WebhookRepository(self.dynamodb, self._settings.webhooks_table_name)

    @cached_property
    def endpoints(self) -> "EndpointRepository":
        from app.storage.webhooks.endpoints import EndpointRepository

        return EndpointRepository(self.dynamodb, self._settings.webhooks_table_name)

    @cached_property
    def deliveries(self) -> "DeliveryRepository":
        from app.storage.webhooks.deliveries import DeliveryRepository

        return DeliveryRepository(self.dynamodb, self._settings.webhooks_table_name)

    @cached_property
    def sender_queue(self) -> "SenderQueue":
        from app.messaging.sender_queue import SenderQueue

        return SenderQueue(self.sqs, self._settings.sender_queue_url)

    @cached_property
    def queue(self) -> "WorkQueue":
        from app.messaging.work_queue import WorkQueue

        return WorkQueue(self.sqs, self._settings.queue_url, self._settings.dead_letter_queue_url)

    @cached_property
    def dead_letters(self) -> "DeadLetterQueue":
        from app.messaging.dead_letters import DeadLetterQueue

        return DeadLetterQueue(self.sqs, self._settings.dead_letter_queue_url, self._settings.queue_url)

    @cached_property
    def bus(self) -> "EventBus":
        from app.messaging.event_bus import EventBus

        return EventBus(self._clients.client("events"), self._settings.bus_name)

    @cached_property
    def sandbox(self) -> "Sandboxes":
        from app.domain.kinds import KINDS
        from app.sandbox.pool import Sandboxes

        processors = [kind.processor for kind in KINDS.values() if kind.processor]
        return Sandboxes(processors, shared=SHARED_FOLDERS if IS_ALONE else ())


def adapters(settings: Settings, *, callers_repeat: bool = False, signs: bool = False) -> Adapters:
    return Adapters(settings, Clients(callers_repeat=callers_repeat, signs=signs))

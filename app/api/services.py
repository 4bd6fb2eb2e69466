"""Everything that the routes call, in one value that bootstrap composes."""

from collections.abc import Callable
from dataclasses import dataclass

from app.domain.kinds import WorkerCapacity
from app.domain.usage import Limits
from app.services.changes.following import Following
from app.services.changes.waiting import Waiting
from app.services.changes.watching import Watching
from app.services.objects.creating import Creating
from app.services.objects.editing import Editing
from app.services.objects.parts import PartUploads
from app.services.objects.reading import Reading
from app.services.objects.sharing import Sharing
from app.services.operations.readiness import Readiness
from app.services.webhooks.delivery_log import DeliveryLogs
from app.services.webhooks.managing import Webhooks
from app.storage.usage import UsageRepository


@dataclass(frozen=True, slots=True)
class ApiServices:
    creating: Creating
    reading: Reading
    editing: Editing
    sharing: Sharing
    parts: PartUploads
    following: Following
    watching: Watching
    waiting: Waiting
    webhooks: Webhooks
    deliveries: DeliveryLogs
    usage: UsageRepository
    limits: Limits
    capacity: WorkerCapacity
    readiness: Readiness
    #: Scheme and host of the presigned URLs.
    bucket_origin: Callable[[], str]

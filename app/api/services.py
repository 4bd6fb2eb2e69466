"""Everything that the routes call. Bootstrap composes it, each part when it is first asked for."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from app.domain.kinds import WorkerCapacity
from app.domain.usage import Limits

# Each part is loaded where it is made, so a function that starts for one request loads what it asks for.
if TYPE_CHECKING:
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


class ApiServices(Protocol):
    @property
    def creating(self) -> "Creating": ...
    @property
    def reading(self) -> "Reading": ...
    @property
    def editing(self) -> "Editing": ...
    @property
    def sharing(self) -> "Sharing": ...
    @property
    def parts(self) -> "PartUploads": ...
    @property
    def following(self) -> "Following": ...
    @property
    def watching(self) -> "Watching": ...
    @property
    def waiting(self) -> "Waiting": ...
    @property
    def webhooks(self) -> "Webhooks": ...
    @property
    def deliveries(self) -> "DeliveryLogs": ...
    @property
    def usage(self) -> "UsageRepository": ...
    @property
    def limits(self) -> Limits: ...
    @property
    def capacity(self) -> WorkerCapacity: ...
    @property
    def readiness(self) -> "Readiness": ...
    @property
    def bucket_origin(self) -> Callable[[], str]:
        """Return scheme and host of the presigned URLs."""

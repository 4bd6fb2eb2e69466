"""What the routes call, together: bootstrap composes it."""

from dataclasses import dataclass

from app.domain.usage import Limits
from app.services.creating import Creating
from app.services.editing import Editing
from app.services.readiness import Readiness
from app.services.reading import Reading
from app.storage.usage import UsageRepository


@dataclass(frozen=True, slots=True)
class ApiServices:
    creating: Creating
    reading: Reading
    editing: Editing
    usage: UsageRepository
    limits: Limits
    readiness: Readiness

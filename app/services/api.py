"""The use cases that the API calls, together."""

from dataclasses import dataclass

from app.services.editing import Editing
from app.services.objects import Objects
from app.services.quotas import Quotas
from app.services.readiness import Readiness
from app.storage.usage import UsageRepository


@dataclass(frozen=True, slots=True)
class ApiServices:
    objects: Objects
    editing: Editing
    usage: UsageRepository
    readiness: Readiness
    quotas: Quotas

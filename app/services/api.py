"""The use cases that the API calls, together."""

from dataclasses import dataclass

from app.services.editing import Editing
from app.services.objects import Objects
from app.services.readiness import Readiness


@dataclass(frozen=True, slots=True)
class ApiServices:
    objects: Objects
    editing: Editing
    readiness: Readiness

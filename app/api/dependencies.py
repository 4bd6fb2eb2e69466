"""What routes ask for. Coroutines without I/O, so that none costs a thread hop."""

import re
from typing import Annotated

from fastapi import Depends, Header, Query, Request

from app.domain.errors import InvalidIdempotencyKey
from app.services.api import ApiServices
from app.services.editing import Editing
from app.services.objects import Objects
from app.services.readiness import Readiness
from app.storage.usage import UsageRepository

PRINTABLE = re.compile(r"[\x20-\x7e]{1,255}")


async def _objects(request: Request) -> Objects:
    return _services(request).objects


async def _editing(request: Request) -> Editing:
    return _services(request).editing


async def _usage(request: Request) -> UsageRepository:
    return _services(request).usage


async def _readiness(request: Request) -> Readiness:
    return _services(request).readiness


def _services(request: Request) -> ApiServices:
    services: ApiServices = request.app.state.services
    return services


async def _request_id(request: Request) -> str:
    return str(request.state.request_id)


async def _idempotency_key(
    idempotency_key: Annotated[
        str | None,
        Header(description="Makes the request safe to repeat: 1 to 255 printable characters."),
    ] = None,
) -> str | None:
    """Bare, or quoted as draft-ietf-httpapi-idempotency-key-header has it."""
    if idempotency_key is None:
        return None
    key = idempotency_key
    if len(key) > 1 and key.startswith('"') and key.endswith('"'):
        key = key[1:-1]
    if not PRINTABLE.fullmatch(key):
        raise InvalidIdempotencyKey
    return key


ObjectsService = Annotated[Objects, Depends(_objects)]
EditingService = Annotated[Editing, Depends(_editing)]
UsageCounters = Annotated[UsageRepository, Depends(_usage)]
ReadinessService = Annotated[Readiness, Depends(_readiness)]
RequestId = Annotated[str, Depends(_request_id)]
IdempotencyKey = Annotated[str | None, Depends(_idempotency_key)]
Limit = Annotated[int, Query(ge=1, le=100)]
Cursor = Annotated[str | None, Query(description="`next_cursor` of the page before.")]

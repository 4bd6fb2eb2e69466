"""What routes ask for. Coroutines without I/O, so that none costs a thread hop."""

import re
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Header, Path, Query, Request

from app.api.schemas.annotations import Documented
from app.api.services import ApiServices
from app.domain.causes import Cause
from app.domain.errors import InvalidIdempotencyKey
from app.domain.usage import Limits
from app.services.creating import Creating
from app.services.editing import Editing
from app.services.readiness import Readiness
from app.services.reading import Reading
from app.storage.usage import UsageRepository

IDEMPOTENCY_KEY = r'^(?:[!#-~](?:[ -~]{0,253}[!-~])?|"[ -~]{1,255}")$'
"""Bare, or quoted as draft-ietf-httpapi-idempotency-key-header has it."""


async def _creating(request: Request) -> Creating:
    return _services(request).creating


async def _reading(request: Request) -> Reading:
    return _services(request).reading


async def _editing(request: Request) -> Editing:
    return _services(request).editing


async def _usage(request: Request) -> UsageRepository:
    return _services(request).usage


async def _limits(request: Request) -> Limits:
    return _services(request).limits


async def _readiness(request: Request) -> Readiness:
    return _services(request).readiness


def _services(request: Request) -> ApiServices:
    services: ApiServices = request.app.state.services
    return services


async def _cause(request: Request) -> Cause:
    cause: Cause = request.state.cause
    return cause


async def _idempotency_key(
    key: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            description="Makes the request safe to repeat: 1 to 255 printable characters, bare or quoted.",
            examples=["order-42"],
            json_schema_extra={"pattern": IDEMPOTENCY_KEY, "minLength": 1, "maxLength": 257},
        ),
    ] = None,
) -> str | None:
    """The key without its quotes."""
    if key is None:
        return None
    if not re.fullmatch(IDEMPOTENCY_KEY, key):
        raise InvalidIdempotencyKey
    return key[1:-1] if key.startswith('"') else key


CreatingService = Annotated[Creating, Depends(_creating)]
ReadingService = Annotated[Reading, Depends(_reading)]
EditingService = Annotated[Editing, Depends(_editing)]
UsageCounters = Annotated[UsageRepository, Depends(_usage)]
UsageLimits = Annotated[Limits, Depends(_limits)]
ReadinessService = Annotated[Readiness, Depends(_readiness)]
RequestCause = Annotated[Cause, Depends(_cause)]
IdempotencyKey = Annotated[str | None, Depends(_idempotency_key)]
ObjectId = Annotated[UUID, Path(description="The object's `id`.")]
Limit = Annotated[int, Query(ge=1, le=100, description="The page's length at most.")]
Cursor = Annotated[
    str | None,
    Query(
        description="`next_cursor` of the page before.",
        json_schema_extra={"pattern": "^[A-Za-z0-9_-]+$", "minLength": 1},
    ),
]
LabelFilter = Annotated[str, Documented(pattern="^[^:]+:")]

"""The parameters and dependencies that routes share.

They are coroutines without I/O: FastAPI would call plain functions in a thread.
"""

import re
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Header, Path, Query, Request
from pydantic import AfterValidator

from app.api.schemas.annotations import Documented
from app.api.services import ApiServices
from app.domain.causes import Cause
from app.domain.errors import InvalidIdempotencyKey
from app.domain.kinds import KINDS

#: Bare, or quoted as draft-ietf-httpapi-idempotency-key-header has it.
IDEMPOTENCY_KEY = r'^(?:[!#-~](?:[ -~]{0,253}[!-~])?|"[ -~]{1,255}")$'


async def _services(request: Request) -> ApiServices:
    services: ApiServices = request.app.state.services
    return services


def _known_kind(kind: str) -> str:
    if kind not in KINDS:
        raise ValueError(f"Input should be one of {', '.join(sorted(KINDS))}")
    return kind


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
    """Return the key without its quotes. Raises InvalidIdempotencyKey."""
    if key is None:
        return None
    if not re.fullmatch(IDEMPOTENCY_KEY, key):
        raise InvalidIdempotencyKey
    return key[1:-1] if key.startswith('"') else key


Services = Annotated[ApiServices, Depends(_services)]
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
KindFilter = Annotated[str, AfterValidator(_known_kind), Documented(enum=sorted(KINDS))]
LabelFilter = Annotated[str, Documented(pattern="^[^:]+:")]

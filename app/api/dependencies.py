"""The parameters and dependencies that routes share.

They are coroutines without I/O: FastAPI would call plain functions in a thread.
"""

import re
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Header, Path, Query, Request
from pydantic import BeforeValidator, Field

from app.api.schemas.annotations import Documented, one_of
from app.api.schemas.requests import LABEL_PART_CHARACTERS
from app.api.services import ApiServices
from app.domain.causes import Cause
from app.domain.errors import InvalidIdempotencyKey
from app.domain.events import EventType
from app.domain.kinds import KINDS
from app.domain.validation import MOST_LABELS

#: A key may be bare, or quoted as in draft-ietf-httpapi-idempotency-key-header.
IDEMPOTENCY_KEY = r'^(?:[!#-~](?:[ -~]{0,253}[!-~])?|"[ -~]{1,255}")$'

#: More than any position in a list takes.
CURSOR_CHARACTERS = 256
#: A key, a colon and a value.
LABEL_CHARACTERS = 2 * LABEL_PART_CHARACTERS + 1


async def _services(request: Request) -> ApiServices:
    services: ApiServices = request.app.state.services
    return services


def _apart(texts: Any) -> Any:
    """Return the parts between commas. The next validator refuses what is not a list of texts."""
    return [part for text in texts for part in text.split(",")] if isinstance(texts, list) else texts


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


def without_underscores(value: Any) -> Any:
    """Raise ValueError for `1_0`, which only Python takes for a number."""
    if isinstance(value, str) and "_" in value:
        raise ValueError("Input should be a valid integer")
    return value


Limit = Annotated[
    int, Query(ge=1, le=100, description="The page's length at most."), BeforeValidator(without_underscores)
]
Cursor = Annotated[
    str | None,
    Query(
        max_length=CURSOR_CHARACTERS,
        description="`next_cursor` of the page before.",
        json_schema_extra={"pattern": "^[A-Za-z0-9_-]+$", "minLength": 1},
    ),
]
KindFilter = Annotated[str, *one_of(sorted(KINDS))]
EventTypes = Annotated[list[EventType], BeforeValidator(_apart), Field(max_length=len(EventType))]
LabelFilter = Annotated[str, Field(max_length=LABEL_CHARACTERS), Documented(pattern="^[^:]+:")]
#: An object has no more labels.
LabelFilters = Annotated[list[LabelFilter], Field(max_length=MOST_LABELS)]

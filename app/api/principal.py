"""Who the caller is, from what API Gateway vouches for and never from a header.

iam       requestContext.identity.caller     iam-<unique id>
cognito   requestContext.authorizer.claims   cognito-<sub>
api-key   requestContext.identity.apiKeyId   key-<id>, or what KEY_OWNERS says
local     the X-Owner header                 local-<name>; in the local runtime only
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request

from app.config import ApiSettings
from app.domain.errors import Unauthenticated

OWNER = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class Principal:
    """`owner` begins every key of what the caller may touch."""

    owner: str


def principal_of(request: Request) -> Principal:
    """Raises Unauthenticated."""
    settings: ApiSettings = request.app.state.settings
    owner = OWNER_OF[settings.auth_mode](request, settings)
    if owner is None or not OWNER.fullmatch(owner):
        raise Unauthenticated
    return Principal(owner)


async def _caller(request: Request) -> Principal:
    return principal_of(request)


Caller = Annotated[Principal, Depends(_caller)]


def _iam_owner(request: Request, _settings: ApiSettings) -> str | None:
    caller = _context(request, "identity").get("caller")
    return None if not caller else "iam-" + str(caller).partition(":")[0]


def _cognito_owner(request: Request, _settings: ApiSettings) -> str | None:
    claims = _context(request, "authorizer").get("claims") or {}
    subject = claims.get("sub")
    return None if not subject else f"cognito-{subject}"


def _key_owner(request: Request, settings: ApiSettings) -> str | None:
    key_id = _context(request, "identity").get("apiKeyId")
    return None if not key_id else settings.key_owners.get(key_id, f"key-{key_id}")


def _local_owner(request: Request, _settings: ApiSettings) -> str | None:
    return "local-" + request.headers.get("x-owner", "me")


def _context(request: Request, part: str) -> Mapping[str, Any]:
    event = request.scope.get("aws.event", {})
    return event.get("requestContext", {}).get(part) or {}


OWNER_OF: Mapping[str, Callable[[Request, ApiSettings], str | None]] = {
    "iam": _iam_owner,
    "cognito": _cognito_owner,
    "api-key": _key_owner,
    "local": _local_owner,
}

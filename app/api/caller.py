"""Who the caller is, from what API Gateway vouches for and never from a header.

            owner                                                       admin
iam         iam-<unique id>, of requestContext.identity.caller          named in ADMIN_OWNERS
cognito     cognito-<sub>, of requestContext.authorizer.claims          in the group `admin`
api-key     key-<id>, of requestContext.identity.apiKeyId; or what      nobody
            KEY_OWNERS says
local       local-<name>, of the X-Owner header; local runtime only     named in ADMIN_OWNERS
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request

from app import config
from app.config import ApiSettings
from app.domain.errors import Unauthenticated
from app.observability import bind

OWNER = re.compile(config.OWNER)
ADMIN_GROUP = "admin"


@dataclass(frozen=True, slots=True)
class Principal:
    """`owner` begins every key of what the caller may touch; an admin may read what is others' too."""

    owner: str
    is_admin: bool = False


def principal_of(request: Request) -> Principal:
    """Raises Unauthenticated."""
    settings: ApiSettings = request.app.state.settings
    owner = OWNER_OF[settings.auth_mode](request, settings)
    if owner is None or not OWNER.fullmatch(owner):
        raise Unauthenticated
    return Principal(owner, IS_ADMIN[settings.auth_mode](request, settings, owner))


async def _caller(request: Request) -> Principal:
    principal = principal_of(request)
    bind(owner=principal.owner)
    return principal


Caller = Annotated[Principal, Depends(_caller)]


def _iam_owner(request: Request, _settings: ApiSettings) -> str | None:
    caller = _context(request, "identity").get("caller")
    return None if not caller else "iam-" + str(caller).partition(":")[0]


def _cognito_owner(request: Request, _settings: ApiSettings) -> str | None:
    subject = _claims(request).get("sub")
    return None if not subject else f"cognito-{subject}"


def _key_owner(request: Request, settings: ApiSettings) -> str | None:
    key_id = _context(request, "identity").get("apiKeyId")
    return None if not key_id else settings.key_owners.get(key_id, f"key-{key_id}")


def _local_owner(request: Request, _settings: ApiSettings) -> str | None:
    return "local-" + request.headers.get("x-owner", "me")


def _is_listed(_request: Request, settings: ApiSettings, owner: str) -> bool:
    return owner in settings.admin_owners


def _is_in_group(request: Request, _settings: ApiSettings, _owner: str) -> bool:
    return ADMIN_GROUP in _groups(_claims(request).get("cognito:groups"))


def _is_nobody(_request: Request, _settings: ApiSettings, _owner: str) -> bool:
    return False


def _groups(claim: Any) -> list[Any]:
    """REST APIs flatten the list to `a,b`, HTTP APIs to `[a b]`; a group's name has no spaces."""
    if isinstance(claim, list):
        return claim
    if not isinstance(claim, str):
        return []
    if not (claim.startswith("[") and claim.endswith("]")):
        return claim.split(",")
    try:
        return list(json.loads(claim))
    except ValueError:
        return claim[1:-1].replace(",", " ").split()


def _claims(request: Request) -> Mapping[str, Any]:
    return _context(request, "authorizer").get("claims") or {}


def _context(request: Request, part: str) -> Mapping[str, Any]:
    event = request.scope.get("aws.event", {})
    return event.get("requestContext", {}).get(part) or {}


OWNER_OF: Mapping[str, Callable[[Request, ApiSettings], str | None]] = {
    "iam": _iam_owner,
    "cognito": _cognito_owner,
    "api-key": _key_owner,
    "local": _local_owner,
}
IS_ADMIN: Mapping[str, Callable[[Request, ApiSettings, str], bool]] = {
    "iam": _is_listed,
    "cognito": _is_in_group,
    "api-key": _is_nobody,
    "local": _is_listed,
}

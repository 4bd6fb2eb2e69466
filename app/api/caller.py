"""The caller of a request, and the owner whose things the request reads.

API Gateway vouches for the caller; except in the local runtime, no header does.

mode       owner                                                        admin
iam        iam-<unique id>, from requestContext.identity.caller         named in ADMIN_OWNERS
cognito    cognito-<sub>, from requestContext.authorizer.claims         in the group `admin`
api-key    the owner that KEY_OWNERS names for the key, else            nobody
           key-<id>, from requestContext.identity.apiKeyId
local      local-<name>, from the header X-Owner                        named in ADMIN_OWNERS

A route that reads an owner's things asks for `OwnerRead`, so that an admin may read
another owner's. A route that writes asks for `Caller`.
"""

import json
import re
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Query, Request

from app import config
from app.config import ApiSettings
from app.domain.errors import Forbidden, Unauthenticated
from app.observability import bind, logger

OWNER = re.compile(config.OWNER)
ADMIN_GROUP = "admin"


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller who is known."""

    #: Begins every key of what the caller may write.
    owner: str
    #: True if the caller may read what belongs to other owners.
    is_admin: bool = False


def principal_of(request: Request) -> Principal:
    """Return who asks. Raises Unauthenticated."""
    settings: ApiSettings = request.app.state.settings
    context = request.scope.get("aws.event", {}).get("requestContext", {})
    identity = context.get("identity") or {}
    claims = (context.get("authorizer") or {}).get("claims") or {}
    owner, is_admin = None, False
    match settings.auth_mode:
        case "iam":
            caller = identity.get("caller")
            owner = f"iam-{str(caller).partition(':')[0]}" if caller else None
            is_admin = owner in settings.admin_owners
        case "cognito":
            subject = claims.get("sub")
            owner = f"cognito-{subject}" if subject else None
            is_admin = ADMIN_GROUP in _groups(claims.get("cognito:groups"))
        case "api-key":
            key_id = identity.get("apiKeyId")
            owner = settings.key_owners.get(key_id, f"key-{key_id}") if key_id else None
        case "local":
            owner = f"local-{request.headers.get('x-owner', 'me')}"
            is_admin = owner in settings.admin_owners
    if owner is None or not OWNER.fullmatch(owner):
        raise Unauthenticated
    return Principal(owner, is_admin)


def _groups(claim: Any) -> list[Any]:
    """Return the names of groups. REST APIs flatten the list to `a,b`, HTTP APIs to `[a b]`.

    The name of a group has no spaces.
    """
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


async def _caller(request: Request) -> Principal:
    principal = principal_of(request)
    bind(owner=principal.owner)
    return principal


Caller = Annotated[Principal, Depends(_caller)]
WantedOwner = Annotated[
    str | None,
    Query(
        alias="owner",
        pattern=config.OWNER,
        description="Whose things to read, instead of your own; for admins only, and logged.",
    ),
]


async def _owner_read(request: Request, caller: Caller, wanted: WantedOwner = None) -> str:
    """Return the owner to read from. A read across owners is logged before it happens."""
    owner = owner_read(caller, wanted)
    if owner != caller.owner:
        logger.info(
            "audit.read_across_owners",
            principal=caller.owner,
            owner=owner,
            operation=request.scope["route"].operation_id,
        )
    return owner


OwnerRead = Annotated[str, Depends(_owner_read)]


def owner_read(caller: Principal, wanted: str | None) -> str:
    """Return the owner to read from: the caller or, for an admin, the wanted owner.

    Raises Forbidden before anything is looked up, so that the refusal tells nothing.
    """
    if wanted is None or wanted == caller.owner:
        return caller.owner
    if not caller.is_admin:
        raise Forbidden
    return wanted

"""Whose things a request reads: the caller's own or, for an admin who says so, another owner's.

Every route that reads an owner's things asks for `OwnerRead`, and no route that
writes does. Refused before anything is looked up, so the refusal tells nothing.
"""

from typing import Annotated

from fastapi import Depends, Query, Request

from app.api.caller import Caller, Principal
from app.config import OWNER
from app.domain.errors import Forbidden
from app.observability import logger

WantedOwner = Annotated[
    str | None,
    Query(
        alias="owner",
        pattern=OWNER,
        description="Whose things to read, instead of your own; for admins only, and logged.",
    ),
]


async def _owner_read(request: Request, caller: Caller, wanted: WantedOwner = None) -> str:
    owner = owner_read(caller, wanted)
    if owner != caller.owner:
        _audit(request, caller, owner)
    return owner


OwnerRead = Annotated[str, Depends(_owner_read)]


def owner_read(caller: Principal, wanted: str | None) -> str:
    """Raises Forbidden."""
    if wanted is None or wanted == caller.owner:
        return caller.owner
    if not caller.is_admin:
        raise Forbidden
    return wanted


def _audit(request: Request, caller: Principal, owner: str) -> None:
    """Before the read, so that none is without its line."""
    logger.info(
        "audit.read_across_owners",
        principal=caller.owner,
        owner=owner,
        operation=request.scope["route"].operation_id,
    )

"""Kinds: what kinds of object there are, and the rules of each."""

from fastapi import APIRouter

from app.api.caller import Caller
from app.api.contracts import JSON_ANSWER, Success, documents
from app.api.dependencies import Services
from app.api.http.route import StrictRoute
from app.api.schemas.kinds import KindList, KindOut
from app.domain.kinds import KINDS

router = APIRouter(prefix="/v1", tags=["kinds"], route_class=StrictRoute)


@router.get("/kinds", operation_id="listKinds")
@documents(
    answers={200: Success("All kinds", examples=("kinds",))},
    refuses=("unauthenticated", "invalid_input", *JSON_ANSWER),
)
async def list_kinds(_caller: Caller, services: Services) -> KindList:
    """List the kinds of object with their attributes, media types and limits."""
    return KindList(items=[KindOut.of(kind, services.capacity) for kind in KINDS.values()])

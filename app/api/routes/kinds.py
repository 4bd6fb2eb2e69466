"""Kinds: what kinds of object there are, and the rules of each."""

from fastapi import APIRouter

from app.api.caller import Caller
from app.api.http.route import LambdaRoute
from app.api.routes.documents import JSON_ANSWER, Answers, documents
from app.api.schemas.responses import KindList, KindOut
from app.domain.kinds import KINDS

router = APIRouter(tags=["kinds"], route_class=LambdaRoute)


@router.get("/kinds", operation_id="listKinds")
@documents(
    answers={200: Answers("All kinds", examples=("kinds",))},
    refuses=("unauthenticated", "invalid_input", *JSON_ANSWER),
)
async def list_kinds(_caller: Caller) -> KindList:
    """List the kinds of object with their attributes, media types and limits."""
    return KindList(items=[KindOut.of(kind) for kind in KINDS.values()])

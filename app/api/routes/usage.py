"""Usage: what the caller's objects take."""

from fastapi import APIRouter

from app.api.caller import OwnerRead
from app.api.dependencies import UsageCounters, UsageLimits
from app.api.http.route import LambdaRoute
from app.api.routes.documents import CALLER, JSON_ANSWER, READ, Answers, documents
from app.api.schemas.responses import UsageOut

router = APIRouter(tags=["usage"], route_class=LambdaRoute)


@router.get("/usage", operation_id="readUsage")
@documents(
    answers={200: Answers("What your objects take", examples=("usage",))},
    refuses=(*CALLER, *READ, *JSON_ANSWER),
)
def read_usage(owner: OwnerRead, usage: UsageCounters, limits: UsageLimits) -> UsageOut:
    """How many objects you have, and the bytes of their payloads; a moment behind the newest change."""
    return UsageOut.of(usage.read(owner), limits)

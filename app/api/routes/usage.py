"""Usage: how much the caller uses."""

from fastapi import APIRouter

from app.api.caller import OwnerRead
from app.api.dependencies import Services
from app.api.http.route import LambdaRoute
from app.api.routes.documents import CALLER, JSON_ANSWER, READ, Answers, documents
from app.api.schemas.responses import UsageOut

router = APIRouter(tags=["usage"], route_class=LambdaRoute)


@router.get("/usage", operation_id="readUsage")
@documents(
    answers={200: Answers("How much you use", examples=("usage",))},
    refuses=(*CALLER, *READ, *JSON_ANSWER),
)
def read_usage(owner: OwnerRead, services: Services) -> UsageOut:
    """Count your objects and the bytes of their payloads. A change takes a moment to be counted."""
    return UsageOut.of(services.usage.read(owner), services.limits)

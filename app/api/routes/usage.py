"""Usage: how much the caller uses."""

from fastapi import APIRouter

from app.api.caller import OwnerRead
from app.api.contracts import CALLER, JSON_ANSWER, READ, Success, documents
from app.api.dependencies import Services
from app.api.http.route import StrictRoute
from app.api.schemas.usage import UsageOut

router = APIRouter(prefix="/v1", tags=["usage"], route_class=StrictRoute)


@router.get("/usage", operation_id="readUsage")
@documents(
    answers={200: Success("How much you use", examples=("usage",))},
    refuses=(*CALLER, *READ, *JSON_ANSWER),
)
def read_usage(owner: OwnerRead, services: Services) -> UsageOut:
    """Count your objects and the bytes that they take. A change takes a moment to be counted."""
    return UsageOut.of(services.usage.read(owner), services.limits)

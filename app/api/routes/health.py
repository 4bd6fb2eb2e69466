"""Health: whether the service is alive, and whether everything that it needs answers."""

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel

from app.api.caller import Caller
from app.api.contracts import CALLER, JSON_ANSWER, Success, documents
from app.api.dependencies import Services
from app.api.http.route import StrictRoute
from app.domain.errors import Unavailable

router = APIRouter(tags=["health"], route_class=StrictRoute)


class HealthOut(BaseModel):
    status: Literal["ok"]


@router.get("/healthz", operation_id="checkHealth")
@documents(answers={200: Success("Alive", examples=("alive",))}, refuses=JSON_ANSWER, is_open=True)
async def check_health() -> HealthOut:
    """Tell that the service is alive. This needs nothing else to work."""
    return HealthOut(status="ok")


@router.get("/readyz", operation_id="checkReadiness")
@documents(answers={200: Success("Ready", examples=("ready",))}, refuses=(*CALLER, *JSON_ANSWER))
def check_readiness(_caller: Caller, services: Services) -> HealthOut:
    """Check that the service can work; 503 names what does not answer."""
    away = [name for name, answers in services.readiness.check().items() if not answers]
    if away:
        raise Unavailable(f"No answer from: {', '.join(away)}.")
    return HealthOut(status="ok")

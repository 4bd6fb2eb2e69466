"""Health: whether the service is alive, and whether what it needs answers."""

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel

from app.api.caller import Caller
from app.api.dependencies import ReadinessService
from app.api.http.route import LambdaRoute
from app.api.routes.documents import CALLER, JSON_ANSWER, Answers, documents
from app.domain.errors import Unavailable

router = APIRouter(tags=["health"], route_class=LambdaRoute)


class HealthOut(BaseModel):
    status: Literal["ok"]


@router.get("/healthz", operation_id="checkHealth")
@documents(answers={200: Answers("Alive", examples=("alive",))}, refuses=JSON_ANSWER, is_open=True)
async def check_health() -> HealthOut:
    """Alive; needs nothing else to be."""
    return HealthOut(status="ok")


@router.get("/readyz", operation_id="checkReadiness")
@documents(answers={200: Answers("Ready", examples=("ready",))}, refuses=(*CALLER, *JSON_ANSWER))
def check_readiness(_caller: Caller, readiness: ReadinessService) -> HealthOut:
    """Ready to work; 503 names what does not answer."""
    away = [name for name, answers in readiness.check().items() if not answers]
    if away:
        raise Unavailable(f"No answer from: {', '.join(away)}.")
    return HealthOut(status="ok")

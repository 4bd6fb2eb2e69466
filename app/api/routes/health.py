"""Health: whether the service is alive."""

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel

from app.api.lambda_route import LambdaRoute

router = APIRouter(tags=["health"], route_class=LambdaRoute)


class HealthOut(BaseModel):
    status: Literal["ok"]


@router.get("/healthz", operation_id="checkHealth")
async def check_health() -> HealthOut:
    """Alive; needs nothing else to be."""
    return HealthOut(status="ok")

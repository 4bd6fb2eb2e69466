"""Payloads: download."""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from app.api.dependencies import ObjectsService
from app.api.lambda_route import LambdaRoute
from app.api.links import LINK_RESPONSES, answer_with_link
from app.api.principal import Caller

router = APIRouter(prefix="/objects/{object_id}", tags=["payloads"], route_class=LambdaRoute)


@router.get("/payload", operation_id="downloadPayload", response_class=Response, responses=LINK_RESPONSES)
def download_payload(object_id: UUID, caller: Caller, objects: ObjectsService, request: Request) -> Response:
    """Download the last ready payload: a redirect, or the URL as JSON when you accept that."""
    return answer_with_link(request, objects.link_to_payload(caller.owner, object_id))

"""Artifacts: what a processor made of a payload."""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from app.api.dependencies import ObjectsService
from app.api.lambda_route import LambdaRoute
from app.api.links import LINK_RESPONSES, answer_with_link
from app.api.principal import Caller

router = APIRouter(prefix="/objects/{object_id}", tags=["artifacts"], route_class=LambdaRoute)


@router.get(
    "/artifacts/{name}",
    operation_id="downloadArtifact",
    response_class=Response,
    responses=LINK_RESPONSES,
)
def download_artifact(
    object_id: UUID, name: str, caller: Caller, objects: ObjectsService, request: Request
) -> Response:
    """Download one artifact: a redirect, or the URL as JSON when you accept that."""
    link = objects.link_to_artifact(caller.owner, object_id, name, method=request.state.method)
    return answer_with_link(request, link)

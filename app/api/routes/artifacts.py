"""Artifacts: what a processor made of a payload."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from app.api.caller import OwnerRead
from app.api.dependencies import ObjectId, Services
from app.api.http.downloads import LINK_RESPONSES, answer_with_link
from app.api.http.route import LambdaRoute
from app.api.routes.documents import DOWNLOAD, ONE_OBJECT, READ, documents

Name = Annotated[str, Path(description="The name of one of `result.artifacts`.", examples=["data.parquet"])]

router = APIRouter(prefix="/objects/{object_id}", tags=["artifacts"], route_class=LambdaRoute)


@router.get(
    "/artifacts/{name}",
    operation_id="downloadArtifact",
    response_class=Response,
    responses=LINK_RESPONSES,
)
@documents(answers=DOWNLOAD, refuses=(*ONE_OBJECT, *READ))
def download_artifact(
    object_id: ObjectId, name: Name, owner: OwnerRead, services: Services, request: Request
) -> Response:
    """Download one artifact: a redirect, or its URL as JSON if you accept `application/json`."""
    link = services.reading.link_to_artifact(owner, object_id, name, method=request.state.method)
    return answer_with_link(request, link)

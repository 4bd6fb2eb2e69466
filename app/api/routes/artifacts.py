"""Artifacts: what a processor made of a payload."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from app.api.caller import OwnerRead
from app.api.contracts import DOWNLOAD, ONE_OBJECT, READ, documents
from app.api.dependencies import ObjectId, Services
from app.api.http.downloads import DOWNLOAD_RESPONSES, answer_download
from app.api.http.route import StrictRoute

Name = Annotated[str, Path(description="The name of one of `result.artifacts`.", examples=["data.parquet"])]

router = APIRouter(prefix="/v1/objects/{object_id}", tags=["artifacts"], route_class=StrictRoute)


@router.get(
    "/artifacts/{name}",
    operation_id="downloadArtifact",
    response_class=Response,
    responses=DOWNLOAD_RESPONSES,
)
@documents(answers=DOWNLOAD, refuses=(*ONE_OBJECT, *READ))
def download_artifact(
    object_id: ObjectId, name: Name, owner: OwnerRead, services: Services, request: Request
) -> Response:
    """Download one artifact: a redirect, or its URL as JSON if you accept `application/json`."""
    download = services.reading.url_of_artifact(owner, object_id, name, method=request.state.method)
    return answer_download(request, download)

"""Payloads: upload a new revision, download the last ready one."""

import re
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from app.api.caller import Caller, OwnerRead
from app.api.dependencies import ObjectId, RequestCause, Services
from app.api.http.accept import JSON
from app.api.http.downloads import LINK_RESPONSES, answer_with_link
from app.api.http.preconditions import AllowedVersions, entity_tag
from app.api.http.route import LambdaRoute, refuse_encoded
from app.api.routes.documents import (
    CHANGE,
    DOWNLOAD,
    JSON_ANSWER,
    JSON_BODY,
    NEW_PAYLOAD,
    ONE_OBJECT,
    PRECONDITION,
    READ,
    THIS_OBJECT,
    Answers,
    documents,
)
from app.api.schemas.requests import MEDIA_TYPE, MEDIA_TYPE_CHARACTERS, UploadPayload
from app.api.schemas.responses import CreatedOut, ObjectOut
from app.domain.errors import InvalidMediaType, PartialBody
from app.services.uploads import InlinePayload

#: The route reads the body itself, so FastAPI does not document it.
RAW_BODY = {
    "requestBody": {
        "required": True,
        "description": "The payload as it is, up to 4 MiB; its media type is the Content-Type.",
        "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}},
    }
}

router = APIRouter(prefix="/objects/{object_id}", tags=["payloads"], route_class=LambdaRoute)


async def _raw_payload(request: Request) -> InlinePayload:
    """Return the body as a payload. Raises InvalidMediaType, EncodedBody or PartialBody."""
    refuse_encoded(request)
    # A server without partial PUT answers 400 (RFC 9110, section 14.5).
    if "content-range" in request.headers:
        raise PartialBody
    media_type = request.headers.get("content-type", "").strip()
    if len(media_type) > MEDIA_TYPE_CHARACTERS or not re.fullmatch(MEDIA_TYPE, media_type):
        raise InvalidMediaType
    return InlinePayload(media_type, await request.body())


RawPayload = Annotated[InlinePayload, Depends(_raw_payload)]


@router.post("/uploads", status_code=201, operation_id="requestUpload")
@documents(
    requests={JSON: ("upload.size", "upload.checksum")},
    answers={
        201: Answers("Where to upload the new revision", headers=("ETag",), examples=("created.upload",))
    },
    refuses=(*CHANGE, *JSON_BODY, *NEW_PAYLOAD, *PRECONDITION, "quota_exceeded"),
)
def request_upload(
    object_id: ObjectId,
    body: UploadPayload,
    caller: Caller,
    services: Services,
    expected: AllowedVersions,
    cause: RequestCause,
    response: Response,
) -> CreatedOut:
    """Ask for an upload of a new revision. Asking again for the awaited revision changes nothing."""
    stored, upload = services.editing.request_upload(
        caller.owner, object_id, body.to_domain(), expected=expected, cause=cause
    )
    response.headers["ETag"] = entity_tag(stored.version)
    return CreatedOut.awaiting(stored, upload)


@router.put(
    "/payload",
    status_code=202,
    operation_id="putPayload",
    openapi_extra=RAW_BODY,
)
@documents(
    requests={"*/*": ("payload.csv",)},
    answers={202: Answers("Stored, and queued", headers=("ETag",), examples=("queued.dataset",))},
    refuses=(
        *CHANGE,
        *JSON_ANSWER,
        *NEW_PAYLOAD,
        *PRECONDITION,
        "invalid_input",
        "invalid_media_type",
        "encoded_body",
        "partial_body",
        "body_too_large",
        "quota_exceeded",
    ),
    leads_to={"downloadPayload": THIS_OBJECT},
)
def put_payload(
    object_id: ObjectId,
    caller: Caller,
    payload: RawPayload,
    services: Services,
    expected: AllowedVersions,
    cause: RequestCause,
    response: Response,
) -> ObjectOut:
    """Upload a small payload as a new revision. Sending the same bytes again changes nothing."""
    stored = services.editing.put_payload(caller.owner, object_id, payload, expected=expected, cause=cause)
    response.headers["ETag"] = entity_tag(stored.version)
    return ObjectOut.of(stored)


@router.get("/payload", operation_id="downloadPayload", response_class=Response, responses=LINK_RESPONSES)
@documents(answers=DOWNLOAD, refuses=(*ONE_OBJECT, *READ, "payload_not_ready"))
def download_payload(object_id: ObjectId, owner: OwnerRead, services: Services, request: Request) -> Response:
    """Download the last ready payload: a redirect, or its URL as JSON if you accept `application/json`."""
    link = services.reading.link_to_payload(owner, object_id, method=request.state.method)
    return answer_with_link(request, link)

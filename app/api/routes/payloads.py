"""Payloads: upload a new revision, download the last ready one."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from app.api.caller import Caller, OwnerRead
from app.api.contracts import (
    CHANGE,
    DOWNLOAD,
    JSON_ANSWER,
    JSON_BODY,
    NEW_PAYLOAD,
    ONE_OBJECT,
    PRECONDITION,
    READ,
    THIS_OBJECT,
    Success,
    documents,
)
from app.api.dependencies import ObjectId, RequestCause, Services
from app.api.http.accept import JSON
from app.api.http.downloads import DOWNLOAD_RESPONSES, answer_download
from app.api.http.preconditions import AllowedVersions, entity_tag
from app.api.http.route import StrictRoute, refuse_encoded
from app.api.schemas.objects import CreatedOut, ObjectOut
from app.api.schemas.requests import MEDIA_TYPE_CHARACTERS, UploadPayload, is_media_type
from app.domain.errors import InvalidMediaType, PartialBody
from app.domain.media_types import CSV, UNDECLARED, declared_or_not
from app.services.objects.uploads import InlinePayload

BYTES, CSV_TEXT = {"type": "string", "format": "binary"}, {"type": "string"}
#: The route reads the body itself, so FastAPI does not document it. Generated clients and the page of the
#: document can send these types, but not one that is named `*/*`.
RAW_BODY = {
    "requestBody": {
        "required": True,
        "description": "The payload as it is, up to 4 MiB. `Content-Type` is its media type: any type "
        "that the kind accepts. Without one, or with `application/octet-stream`, the content decides.",
        "content": {UNDECLARED: {"schema": BYTES}, CSV: {"schema": CSV_TEXT}},
    }
}

router = APIRouter(prefix="/v1/objects/{object_id}", tags=["payloads"], route_class=StrictRoute)


async def _raw_payload(request: Request) -> InlinePayload:
    """Return the body as a payload. Raises InvalidMediaType, EncodedBody or PartialBody."""
    refuse_encoded(request)
    # A server without partial PUT answers 400 (RFC 9110, section 14.5).
    if "content-range" in request.headers:
        raise PartialBody
    # A tab stands for a blank between parameters (RFC 9110, section 5.6.3). S3 would sign it as one.
    media_type = request.headers.get("content-type", "").replace("\t", " ").strip()
    if len(media_type) > MEDIA_TYPE_CHARACTERS or not is_media_type(media_type):
        raise InvalidMediaType
    return InlinePayload(declared_or_not(media_type), await request.body())


RawPayload = Annotated[InlinePayload, Depends(_raw_payload)]


@router.post("/uploads", status_code=201, operation_id="requestUpload")
@documents(
    requests={JSON: ("upload.size", "upload.checksum", "upload.parts")},
    answers={
        201: Success(
            "Where to upload the new revision",
            headers=("ETag",),
            examples=("created.upload", "created.parts"),
        )
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
    requests={CSV: ("payload.csv",)},
    answers={202: Success("Stored, and queued", headers=("ETag",), examples=("queued.dataset",))},
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


@router.get("/payload", operation_id="downloadPayload", response_class=Response, responses=DOWNLOAD_RESPONSES)
@documents(answers=DOWNLOAD, refuses=(*ONE_OBJECT, *READ, "payload_not_ready"))
def download_payload(object_id: ObjectId, owner: OwnerRead, services: Services, request: Request) -> Response:
    """Download the last ready payload: a redirect, or its URL as JSON if you accept `application/json`."""
    download = services.reading.url_of_payload(owner, object_id, method=request.state.method)
    return answer_download(request, download)

"""The upload that is awaited: which parts are there, where to send more, complete it or give it up."""

from fastapi import APIRouter, Response

from app.api.caller import Caller
from app.api.contracts import (
    CHANGE,
    JSON_ANSWER,
    JSON_BODY,
    ONE_OBJECT,
    PRECONDITION,
    Success,
    documents,
)
from app.api.dependencies import ObjectId, RequestCause, Services
from app.api.http.accept import JSON
from app.api.http.preconditions import AllowedVersions, entity_tag
from app.api.http.route import StrictRoute
from app.api.schemas.objects import ObjectOut
from app.api.schemas.requests import PartNumbers
from app.api.schemas.uploads import PartsStateOut, SignedPartsOut, UploadOut
from app.services.objects.uploads import Upload

router = APIRouter(prefix="/v1/objects/{object_id}/upload", tags=["payloads"], route_class=StrictRoute)


@router.get("", operation_id="readUpload")
@documents(
    answers={
        200: Success("What is still to be uploaded", examples=("upload_state.parts", "upload_state.whole"))
    },
    refuses=(*ONE_OBJECT, *JSON_ANSWER, "wrong_state"),
)
def read_upload(object_id: ObjectId, caller: Caller, services: Services) -> PartsStateOut | UploadOut:
    """Go on with an upload. The answer tells which parts are there, or holds the URL of a whole upload."""
    state = services.parts.state(caller.owner, object_id)
    return UploadOut.of(state) if isinstance(state, Upload) else PartsStateOut.state_of(state)


@router.post("/parts", operation_id="signParts")
@documents(
    requests={JSON: ("parts.two",)},
    answers={200: Success("Where to send these parts", examples=("signed_parts.two",))},
    refuses=(*CHANGE, *JSON_BODY, "wrong_state"),
)
def sign_parts(object_id: ObjectId, body: PartNumbers, caller: Caller, services: Services) -> SignedPartsOut:
    """Ask for the URLs of up to 100 parts. Each takes exactly its part's length."""
    return SignedPartsOut.of(services.parts.sign(caller.owner, object_id, body.numbers))


@router.post("/complete", status_code=202, operation_id="completeUpload")
@documents(
    answers={202: Success("The parts will be put together", headers=("ETag",), examples=("awaited.parts",))},
    refuses=(*CHANGE, *JSON_ANSWER, *PRECONDITION, "wrong_state", "parts_missing"),
)
def complete_upload(
    object_id: ObjectId,
    caller: Caller,
    services: Services,
    expected: AllowedVersions,
    cause: RequestCause,
    response: Response,
) -> ObjectOut:
    """Have the parts put together once all are there. To ask again does no harm."""
    stored = services.parts.complete(caller.owner, object_id, expected=expected, cause=cause)
    response.headers["ETag"] = entity_tag(stored.version)
    return ObjectOut.of(stored)


@router.delete("", status_code=204, operation_id="cancelUpload", response_class=Response)
@documents(answers={204: "Given up, now or before"}, refuses=(*CHANGE, *PRECONDITION, "wrong_state"))
def cancel_upload(
    object_id: ObjectId, caller: Caller, services: Services, expected: AllowedVersions, cause: RequestCause
) -> None:
    """Give up an upload in parts. The object is then `expired`; its last ready revision stays."""
    services.parts.cancel(caller.owner, object_id, expected=expected, cause=cause)

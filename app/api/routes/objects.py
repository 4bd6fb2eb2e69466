"""Objects: create, read, change, delete, list."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from app.api.caller import Caller, OwnerRead
from app.api.contracts import (
    CALLER,
    CHANGE,
    CURSOR,
    FIRST_ARTIFACT,
    JSON_ANSWER,
    JSON_BODY,
    NEW_PAYLOAD,
    ON_AN_OBJECT,
    ONE_OBJECT,
    PRECONDITION,
    READ,
    Success,
    documents,
)
from app.api.dependencies import (
    Cursor,
    IdempotencyKey,
    KindFilter,
    LabelFilters,
    Limit,
    ObjectId,
    RequestCause,
    Services,
)
from app.api.http.accept import JSON
from app.api.http.preconditions import ANY, AllowedVersions, IfNoneMatch, entity_tag, is_known
from app.api.http.preferences import WaitPreference
from app.api.http.route import MERGE_PATCH, StrictRoute
from app.api.problems.details import RETRY_AFTER_SECONDS
from app.api.schemas.objects import CreatedOut, ListedOut, ObjectOut, ObjectPage, PublicStatus
from app.api.schemas.requests import CreateIn, PatchIn
from app.api.schemas.scalars import ArtifactName
from app.domain.errors import FieldError, InvalidInput
from app.domain.objects.stored import StoredObject
from app.domain.objects.values import Status
from app.storage.objects import ListQuery

#: FastAPI documents the body as JSON; a merge patch has a media type of its own too (RFC 7396).
MERGE_PATCH_BODY = {
    "requestBody": {"content": {MERGE_PATCH: {"schema": {"$ref": "#/components/schemas/PatchIn"}}}}
}
PATCHES = ("patch.rename", "patch.relabel", "patch.attributes")

router = APIRouter(prefix="/v1/objects", tags=["objects"], route_class=StrictRoute)


@router.post("", status_code=201, operation_id="createObject")
@documents(
    requests={JSON: ("create.record", "create.text", "create.base64", "create.upload", "create.parts")},
    answers={
        201: Success(
            "Created now or, with `Idempotency-Replayed`, by an earlier request",
            headers=("Location", "ETag", "Idempotency-Replayed"),
            examples=("created.record", "created.upload", "created.parts"),
        )
    },
    refuses=(
        *CALLER,
        *JSON_BODY,
        "invalid_idempotency_key",
        "idempotency_key_reused",
        "object_deleted",
        "quota_exceeded",
    ),
    leads_to=ON_AN_OBJECT,
)
def create_object(
    body: CreateIn,
    caller: Caller,
    services: Services,
    idempotency_key: IdempotencyKey,
    cause: RequestCause,
    request: Request,
    response: Response,
) -> CreatedOut:
    """Create an object. Its payload is in the request, or is uploaded to the URL in the answer."""
    creation = services.creating.create(caller.owner, body.to_domain(idempotency_key), cause=cause)
    response.headers["Location"] = f"{request.url.path}/{creation.stored.id}"
    response.headers["ETag"] = entity_tag(creation.stored.version)
    if creation.replayed:
        response.headers["Idempotency-Replayed"] = "true"
    return CreatedOut.awaiting(creation.stored, creation.upload)


@router.get("/{object_id}", operation_id="readObject", response_model=ObjectOut)
@documents(
    answers={
        200: Success(
            "The object",
            headers=("ETag", "Preference-Applied", "Retry-After"),
            examples=("object.record", "object.dataset", "object.rejected"),
        ),
        304: Success("You have this version", headers=("ETag", "Preference-Applied", "Retry-After")),
    },
    refuses=(*ONE_OBJECT, *READ, *JSON_ANSWER, "invalid_precondition"),
    leads_to={"downloadArtifact": FIRST_ARTIFACT},
)
async def read_object(
    object_id: ObjectId,
    owner: OwnerRead,
    services: Services,
    known: IfNoneMatch,
    wait: WaitPreference,
    response: Response,
) -> ObjectOut | Response:
    """Read an object. `ETag` is its version; with `If-None-Match`, 304 tells that you have this version.

    With `Prefer: wait=20` too, the answer comes once the object is at a version that you do not have, else
    after 20 seconds.
    """
    # Nothing is new to a client that has any version.
    seconds = services.waiting.granted(wait) if known and ANY not in known else 0
    stored = await services.watching.read(
        owner, object_id, is_known=partial(is_known, known), seconds=seconds
    )
    headers = headers_of(stored, seconds)
    if is_known(known, stored.version):
        return Response(status_code=304, headers=headers)
    response.headers.update(headers)
    return ObjectOut.of(stored)


def headers_of(stored: StoredObject, seconds: int) -> dict[str, str]:
    """Return the version, how long the client could wait for the next, and when to ask without waiting."""
    headers = {"ETag": entity_tag(stored.version)}
    if seconds:
        headers["Preference-Applied"] = f"wait={seconds}"
    if stored.status in (Status.PENDING, Status.PROCESSING):
        headers["Retry-After"] = RETRY_AFTER_SECONDS
    return headers


@router.patch(
    "/{object_id}",
    operation_id="updateObject",
    response_model=ObjectOut,
    openapi_extra=MERGE_PATCH_BODY,
)
@documents(
    requests={MERGE_PATCH: PATCHES, JSON: PATCHES},
    answers={200: Success("The object as it is now", headers=("ETag",), examples=("object.record",))},
    refuses=(*CHANGE, *JSON_BODY, *PRECONDITION, "too_many_changes", "quota_exceeded"),
)
def update_object(
    object_id: ObjectId,
    body: PatchIn,
    caller: Caller,
    services: Services,
    expected: AllowedVersions,
    cause: RequestCause,
    response: Response,
) -> ObjectOut:
    """Change name, attributes and labels by a JSON merge patch (RFC 7396), in which null removes.

    With `If-Match` no update is ever lost. Without it, two changes of different fields
    both survive. A patch that changes nothing leaves the version as it is.
    """
    patch = body.model_dump(exclude_unset=True)
    stored = services.editing.edit(caller.owner, object_id, patch, expected=expected, cause=cause)
    response.headers["ETag"] = entity_tag(stored.version)
    return ObjectOut.of(stored)


@router.delete("/{object_id}", status_code=204, operation_id="deleteObject", response_class=Response)
@documents(answers={204: "Deleted, now or before"}, refuses=(*CHANGE, *PRECONDITION))
def delete_object(
    object_id: ObjectId, caller: Caller, services: Services, expected: AllowedVersions, cause: RequestCause
) -> None:
    """Delete an object with its payloads, artifacts and history. Deleting it again also answers 204."""
    services.editing.delete(caller.owner, object_id, expected=expected, cause=cause)


@router.post("/{object_id}/reprocess", status_code=202, operation_id="reprocessObject")
@documents(
    answers={202: Success("Queued again", headers=("ETag",), examples=("queued.dataset",))},
    refuses=(*CHANGE, *JSON_ANSWER, *NEW_PAYLOAD, *PRECONDITION, "quota_exceeded"),
)
def reprocess_object(
    object_id: ObjectId,
    caller: Caller,
    services: Services,
    expected: AllowedVersions,
    cause: RequestCause,
    response: Response,
) -> ObjectOut:
    """Run the pipeline again on the newest payload; 409 while it is running."""
    stored = services.editing.reprocess(caller.owner, object_id, expected=expected, cause=cause)
    response.headers["ETag"] = entity_tag(stored.version)
    return ObjectOut.of(stored)


@router.get("", operation_id="listObjects", response_model_exclude_unset=True)
@documents(
    answers={200: Success("A page of summaries", examples=("objects.page", "objects.gallery"))},
    refuses=(*CALLER, *READ, *CURSOR),
)
def list_objects(
    owner: OwnerRead,
    services: Services,
    kind: Annotated[KindFilter | None, Query(description="Only objects of this kind.")] = None,
    status: Annotated[PublicStatus | None, Query(description="Only objects of this status.")] = None,
    label: Annotated[LabelFilters | None, Query(description="`key:value`; repeat it for more.")] = None,
    artifact: Annotated[
        ArtifactName | None,
        Query(description="Adds a short-lived URL of the artifact of this name to each item that has it."),
    ] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> ObjectPage:
    """List your objects, newest first. Filters combine.

    With `artifact=thumbnail.webp` one request gives a page of pictures: `artifact.url` of an item is
    the `src` of an `<img>`. It is left out of items that have no artifact of this name.
    """
    labels = [text.partition(":") for text in label or ()]
    malformed = [place for place, (key, colon, _) in enumerate(labels) if not (key and colon)]
    if malformed:
        detail = "A label filter is written key:value."
        raise InvalidInput([FieldError(f"/query/label/{place}", detail) for place in malformed])
    wanted = tuple((key, value) for key, _, value in labels)
    query = ListQuery(owner, status, kind, wanted, limit=limit)
    listing = services.reading.list(query, cursor, artifact)
    return ObjectPage(
        items=[ListedOut.with_artifact(item, listing.artifacts.get(item.id)) for item in listing.items],
        next_cursor=listing.next_cursor,
    )

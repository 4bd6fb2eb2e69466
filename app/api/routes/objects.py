"""Objects: create, read, list."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from app.api.dependencies import Cursor, IdempotencyKey, Limit, ObjectsService, RequestId
from app.api.lambda_route import LambdaRoute
from app.api.principal import Caller
from app.api.schemas import CreatedOut, CreateIn, ObjectOut, ObjectPage, PublicStatus, SummaryOut
from app.domain.errors import FieldError, InvalidInput
from app.storage.objects import ListQuery

router = APIRouter(prefix="/objects", tags=["objects"], route_class=LambdaRoute)


@router.post("", status_code=201, operation_id="createObject")
def create_object(
    body: CreateIn,
    caller: Caller,
    objects: ObjectsService,
    idempotency_key: IdempotencyKey,
    request_id: RequestId,
    request: Request,
    response: Response,
) -> CreatedOut:
    """Create an object, with its payload inside, or with a URL to upload it to."""
    creation = objects.create(caller.owner, body.to_domain(idempotency_key), correlation_id=request_id)
    response.headers["Location"] = f"{request.url.path}/{creation.stored.id}"
    response.headers["ETag"] = f'"{creation.stored.version}"'
    if creation.replayed:
        response.headers["Idempotency-Replayed"] = "true"
    return CreatedOut.created(creation)


@router.get("/{object_id}", operation_id="readObject")
def read_object(object_id: UUID, caller: Caller, objects: ObjectsService, response: Response) -> ObjectOut:
    """Read an object. `ETag` is its version."""
    stored = objects.read(caller.owner, object_id)
    response.headers["ETag"] = f'"{stored.version}"'
    return ObjectOut.of(stored)


@router.get("", operation_id="listObjects")
def list_objects(
    caller: Caller,
    objects: ObjectsService,
    kind: str | None = None,
    status: PublicStatus | None = None,
    label: Annotated[
        list[str] | None, Query(description="`key:value`; an object must have all of them.")
    ] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> ObjectPage:
    """List your objects, newest first. Filters combine."""
    labels = tuple(_key_and_value(text) for text in label or ())
    query = ListQuery(caller.owner, status, kind, labels, limit=limit)
    listing = objects.list(query, cursor)
    return ObjectPage(
        items=[SummaryOut.summary_of(item) for item in listing.items],
        next_cursor=listing.next_cursor,
    )


def _key_and_value(text: str) -> tuple[str, str]:
    key, colon, value = text.partition(":")
    if not key or not colon:
        raise InvalidInput([FieldError("/query/label", "A label filter is written key:value.")])
    return key, value

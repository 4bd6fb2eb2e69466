"""Share links: an owner creates, lists and revokes them; anybody opens one."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import RedirectResponse

from app.api.caller import Caller, OwnerRead
from app.api.contracts import CHANGE, JSON_ANSWER, JSON_BODY, ONE_OBJECT, READ, Success, documents
from app.api.dependencies import IdempotencyKey, ObjectId, Services
from app.api.http.accept import JSON
from app.api.http.downloads import NOT_STORED
from app.api.http.route import StrictRoute
from app.api.schemas.links import CreateLink, LinkList, LinkOut, LinkWithUrlOut

LinkId = Annotated[UUID, Path(description="The link's `id`.")]
Token = Annotated[
    str, Path(description="The last part of a link's `url`.", examples=["x0Y6ePq2TzS7u1nKc9dGgA"])
]
#: No other answer may be embedded by pages of other origins.
FOR_ANY_PAGE = {**NOT_STORED, "Cross-Origin-Resource-Policy": "cross-origin"}

router = APIRouter(prefix="/v1/objects/{object_id}/links", tags=["links"], route_class=StrictRoute)
#: The prefix lacks the version, because the URLs are given away.
open_router = APIRouter(prefix="/l", tags=["links"], route_class=StrictRoute)


@router.post("", status_code=201, operation_id="createLink")
@documents(
    requests={JSON: ("link_create.picture", "link_create.payload")},
    answers={
        201: Success(
            "Created now or, with `Idempotency-Replayed`, by an earlier request",
            headers=("Idempotency-Replayed",),
            examples=("link_created.picture",),
        )
    },
    refuses=(
        *CHANGE,
        *JSON_BODY,
        "no_payload_allowed",
        "payload_not_ready",
        "too_many_links",
        "invalid_idempotency_key",
        "idempotency_key_reused",
        "object_deleted",
    ),
    leads_to={"deleteLink": {"object_id": "$request.path.object_id", "link_id": "$response.body#/id"}},
)
def create_link(
    object_id: ObjectId,
    body: CreateLink,
    caller: Caller,
    services: Services,
    idempotency_key: IdempotencyKey,
    request: Request,
    response: Response,
) -> LinkWithUrlOut:
    """Create a link for others. It opens the last ready revision, without credentials.

    Keep the URL: only the same request with the same `Idempotency-Key` shows it again.
    """
    creation = services.sharing.create(caller.owner, object_id, body.to_domain(idempotency_key))
    response.headers.update(NOT_STORED)
    if creation.replayed:
        response.headers["Idempotency-Replayed"] = "true"
    return LinkWithUrlOut.of(creation.link, url=f"{request.base_url}l/{creation.token}")


@router.get("", operation_id="listLinks")
@documents(
    answers={200: Success("The links that open", examples=("links.all",))},
    refuses=(*ONE_OBJECT, *READ, *JSON_ANSWER),
)
def list_links(object_id: ObjectId, owner: OwnerRead, services: Services) -> LinkList:
    """List the links of an object that open, the oldest first, without their URLs."""
    return LinkList(items=[LinkOut.of(link) for link in services.sharing.list(owner, object_id)])


@router.delete("/{link_id}", status_code=204, operation_id="deleteLink", response_class=Response)
@documents(answers={204: "Revoked, now or before"}, refuses=CHANGE)
def delete_link(object_id: ObjectId, link_id: LinkId, caller: Caller, services: Services) -> None:
    """Revoke a link. It opens nothing from now on; a URL that it led to before is valid for up to 60 s."""
    services.sharing.revoke(caller.owner, object_id, link_id)


@open_router.get("/{token}", status_code=303, operation_id="openLink", response_class=Response)
@documents(
    answers={303: Success("To a URL that is valid for 60 seconds", headers=("Location",))},
    refuses=("not_found", "unavailable"),
    is_open=True,
)
def open_link(token: Token, services: Services, request: Request) -> Response:
    """Open a link. One that is unknown, revoked or over answers the same 404 as one of a deleted object."""
    download = services.sharing.open(token, method=request.state.method)
    return RedirectResponse(download.url, 303, headers=FOR_ANY_PAGE)

"""Events: the caller's feed, over all objects."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BeforeValidator

from app.api.caller import OwnerRead
from app.api.contracts import CALLER, CURSOR, READ, Success, documents
from app.api.dependencies import EventTypes, KindFilter, Limit, Services, without_underscores
from app.api.http.route import StrictRoute
from app.api.schemas.events import EventOut, FeedOut
from app.services.changes.blocking import blocking
from app.services.changes.following import LATEST, FeedQuery

#: More than a place in a feed of 64 shards takes.
PLACE_CHARACTERS = 1500
#: A client may ask for more than any deployment grants.
LONGEST_WAIT_SECONDS = 3600
WaitSeconds = Annotated[
    int,
    Query(
        ge=0,
        le=LONGEST_WAIT_SECONDS,
        description="For how many seconds to wait if nothing follows yet, as far as this service waits.",
    ),
    BeforeValidator(without_underscores),
]

router = APIRouter(prefix="/v1", tags=["events"], route_class=StrictRoute)


@router.get("/events", operation_id="listEvents", response_model_exclude_unset=True)
@documents(
    answers={200: Success("What follows in the feed", examples=("events.page",))},
    refuses=(*CALLER, *READ, *CURSOR, "cursor_expired"),
)
async def list_events(
    owner: OwnerRead,
    services: Services,
    after: Annotated[
        str | None,
        Query(
            max_length=PLACE_CHARACTERS,
            description=f"`next_after` of the page before; or `{LATEST}`, for what is recorded from now on. "
            "Left out, the feed begins with the oldest event that is kept.",
            json_schema_extra={"pattern": "^[A-Za-z0-9_-]+$", "minLength": 1},
        ),
    ] = None,
    types: Annotated[
        EventTypes | None, Query(description="Only events of these types; repeat it, or put commas between.")
    ] = None,
    kind: Annotated[KindFilter | None, Query(description="Only events of objects of this kind.")] = None,
    limit: Limit = 100,
    wait: WaitSeconds = 0,
) -> FeedOut:
    """List the events of all your objects, each once and without gaps, in the order they were recorded.

    The feed has no end: `next_after` is where to go on. A page may be short or empty although more
    follow; `has_more` tells whether to ask at once.
    """
    query = FeedQuery(owner, frozenset(types or ()), kind, limit)
    place = await blocking(lambda: services.following.place(query, after))
    seconds = services.waiting.granted(wait)
    page = await services.watching.follow(query, place, seconds=seconds)
    return FeedOut(
        items=[EventOut.model_validate(event) for event in page.items],
        next_after=services.following.cursor(query, page.place),
        has_more=page.has_more,
    )

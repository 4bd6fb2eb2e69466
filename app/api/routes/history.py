"""History: the events of one object."""

from fastapi import APIRouter

from app.api.caller import OwnerRead
from app.api.contracts import CURSOR, ONE_OBJECT, READ, Success, documents
from app.api.dependencies import Cursor, Limit, ObjectId, Services
from app.api.http.route import StrictRoute
from app.api.schemas.events import EventOut, EventPage

router = APIRouter(prefix="/v1/objects/{object_id}", tags=["history"], route_class=StrictRoute)


@router.get("/history", operation_id="readHistory", response_model_exclude_unset=True)
@documents(
    answers={200: Success("A page of events", examples=("history.page",))},
    refuses=(*ONE_OBJECT, *READ, *CURSOR),
)
def read_history(
    object_id: ObjectId,
    owner: OwnerRead,
    services: Services,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> EventPage:
    """List the object's events, oldest first, as they were published on the event bus."""
    history = services.reading.history(owner, object_id, cursor=cursor, limit=limit)
    return EventPage(
        items=[EventOut.model_validate(event) for event in history.items],
        next_cursor=history.next_cursor,
    )

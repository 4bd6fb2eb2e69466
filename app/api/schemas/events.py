"""The bodies of answers about events: an object's history, and the feed."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from app.api.schemas.annotations import Documented
from app.api.schemas.scalars import Id, Timestamp
from app.domain.events import EventType

TraceParent = Annotated[str, Documented(pattern="^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$")]


class EventOut(BaseModel):
    """A CloudEvent 1.0."""

    specversion: Literal["1.0"]
    id: str
    source: str
    type: Annotated[str, Documented(enum=[kind.value for kind in EventType])]
    subject: Id
    time: Timestamp
    datacontenttype: Literal["application/json"]
    owner: str
    correlationid: str
    #: Left out, with `tracestate`, if the request was not part of a trace.
    traceparent: TraceParent = Field(default_factory=str)
    tracestate: str = Field(default_factory=str)
    #: The object, as ObjectOut or DeletedOut has it.
    data: dict[str, Any]


class EventPage(BaseModel):
    """A page of events, oldest first. Go on until `next_cursor` is null."""

    items: list[EventOut]
    next_cursor: str | None


class FeedOut(BaseModel):
    """Events in the order in which they were recorded, and where to go on."""

    items: list[EventOut]
    #: It is never null, because the feed has no end.
    next_after: str
    has_more: bool

"""The bodies of answers, as OpenAPI shows them."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, Field

from app.api.schemas.annotations import Documented, DocumentedAs
from app.domain.errors import ProblemCode
from app.domain.events import EventType
from app.domain.kinds import Kind
from app.domain.objects import ObjectSummary, StoredObject
from app.domain.times import timestamp
from app.domain.usage import Limits, Usage
from app.domain.views import public_view, summary_view
from app.services.reading import Link
from app.services.uploads import Upload

Timestamp = Annotated[str, Documented(format="date-time")]
Id = Annotated[str, Documented(format="uuid")]
#: SHA-256 in lower-case hex.
Checksum = Annotated[str, Documented(pattern="^[0-9a-f]{64}$")]
Bytes = Annotated[int, Documented(minimum=0, format="int64")]
Count = Annotated[int, Documented(minimum=0)]
Number = Annotated[int, Documented(minimum=1)]
Url = Annotated[str, Documented(format="uri")]
TraceParent = Annotated[str, Documented(pattern="^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$")]
Processing = Annotated[str, Documented(enum=[code.value for code in ProblemCode])]


class PayloadOut(BaseModel):
    media_type: str
    size: Bytes
    sha256: Checksum
    revision: Number


class ArtifactOut(BaseModel):
    name: str
    media_type: str
    size: Bytes
    sha256: Checksum


class SummaryResultOut(BaseModel):
    summary: dict[str, Any]


class ResultOut(SummaryResultOut):
    artifacts: list[ArtifactOut]


class IncomingOut(BaseModel):
    revision: Number
    media_type: str
    size: Bytes
    sha256: Checksum | None
    expires_at: Timestamp | None


class ProcessingProblemOut(BaseModel):
    """Why the newest revision was rejected, failed or expired."""

    code: Processing
    detail: str


PublicStatus = Literal["pending", "processing", "ready", "rejected", "failed", "expired"]


class SummaryOut(BaseModel):
    """An object in a list."""

    id: Id
    kind: str
    name: str
    labels: dict[str, str]
    status: PublicStatus
    version: Number
    payload: PayloadOut | None
    result: SummaryResultOut | None
    incoming: IncomingOut | None
    problem: ProcessingProblemOut | None
    created_at: Timestamp
    updated_at: Timestamp

    @classmethod
    def summary_of(cls, stored: ObjectSummary) -> Self:
        return cls.model_validate(summary_view(stored))


class ObjectOut(SummaryOut):
    """An object. `version` is also its ETag."""

    attributes: dict[str, Any]
    result: ResultOut | None

    @classmethod
    def of(cls, stored: StoredObject) -> Self:
        return cls.model_validate(public_view(stored))


class UploadOut(BaseModel):
    """Send exactly the declared bytes to `url`, with exactly these headers."""

    method: Literal["PUT"]
    url: Url
    headers: dict[str, str]
    expires_at: Timestamp

    @classmethod
    def of(cls, upload: Upload) -> Self:
        return cls(
            method="PUT",
            url=upload.url,
            headers=dict(upload.headers),
            expires_at=timestamp(upload.expires_at),
        )


class CreatedOut(ObjectOut):
    """The object, and where to upload its payload if one is awaited."""

    upload: UploadOut | None

    @classmethod
    def awaiting(cls, stored: StoredObject, upload: Upload | None) -> Self:
        return cls.model_validate(
            public_view(stored) | {"upload": None if upload is None else UploadOut.of(upload)}
        )


class LinkOut(BaseModel):
    """A short-lived URL to download from."""

    url: Url
    expires_at: Timestamp

    @classmethod
    def of(cls, link: Link) -> Self:
        return cls(url=link.url, expires_at=timestamp(link.expires_at))


class ObjectPage(BaseModel):
    """A page of objects. It may be short or empty; go on until `next_cursor` is null."""

    items: list[SummaryOut]
    next_cursor: str | None


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
    data: Annotated[dict[str, Any], DocumentedAs(ObjectOut)]


class EventPage(BaseModel):
    """A page of events, oldest first. Go on until `next_cursor` is null."""

    items: list[EventOut]
    next_cursor: str | None


class UsageLimits(BaseModel):
    """The owner's limits. Null means unlimited."""

    objects: Count | None
    bytes: Bytes | None


class UsageOut(BaseModel):
    """What an owner uses. `bytes` includes payloads that are declared but not uploaded, until they expire."""

    objects: Count
    bytes: Bytes
    limits: UsageLimits

    @classmethod
    def of(cls, usage: Usage, limits: Limits) -> Self:
        return cls(
            objects=usage.objects,
            bytes=usage.bytes,
            limits=UsageLimits(objects=limits.objects, bytes=limits.bytes),
        )


class KindOut(BaseModel):
    """A kind and its rules. `media_types` is null if any is accepted. Limits are in bytes; null is none."""

    name: str
    description: str
    attributes_schema: dict[str, Any]
    has_payload: bool
    media_types: list[str] | None
    size_limit: Bytes | None
    unpacked_limit: Bytes | None

    @classmethod
    def of(cls, kind: Kind) -> Self:
        return cls(
            name=kind.name,
            description=kind.description,
            attributes_schema=kind.attributes.model_json_schema(),
            has_payload=kind.processor is not None,
            media_types=None if kind.media_types is None else sorted(kind.media_types),
            size_limit=kind.size_limit or None,
            unpacked_limit=kind.unpacked_limit or None,
        )


class KindList(BaseModel):
    items: list[KindOut]

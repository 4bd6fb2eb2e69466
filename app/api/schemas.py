"""The bodies of requests and answers, as OpenAPI shows them.

Requests are strict: an unknown field, or a string for a number, is an error.
"""

import binascii
from base64 import b64decode
from functools import reduce
from hashlib import sha256
from operator import or_
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    GetJsonSchemaHandler,
    JsonValue,
    Tag,
    WithJsonSchema,
    create_model,
)

from app.domain.events import public_view, summary_view
from app.domain.json import compact_json
from app.domain.kinds import KINDS, Kind
from app.domain.objects import ObjectSummary, StoredObject
from app.domain.times import timestamp
from app.domain.usage import Usage
from app.services.objects import Link, NewObject
from app.services.uploads import DeclaredPayload, InlinePayload, Upload

NO_CONTROL = r"^[^\x00-\x1f\x7f-\x9f]*$"
MEDIA_TYPE = r"^[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+( *;[ -~]*[!-~])?$"


def _valid_base64(text: str) -> str:
    try:
        b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("Input should be base64 (RFC 4648, section 4)") from None
    return text


Name = Annotated[str, Field(min_length=1, max_length=256, pattern=NO_CONTROL)]
LabelKey = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^:\x00-\x1f\x7f-\x9f]*$")]
LabelValue = Annotated[str, Field(max_length=64, pattern=NO_CONTROL)]
Labels = Annotated[dict[LabelKey, LabelValue], Field(max_length=32)]
PatchLabels = dict[LabelKey, LabelValue | None]
MediaType = Annotated[str, Field(max_length=255, pattern=MEDIA_TYPE)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Base64 = Annotated[str, AfterValidator(_valid_base64), Field(json_schema_extra={"contentEncoding": "base64"})]
Timestamp = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]


class Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False, frozen=True)


class TextPayload(Strict):
    """A small payload as text; stored as UTF-8."""

    media_type: MediaType
    text: str

    def to_domain(self) -> InlinePayload:
        return InlinePayload(self.media_type, self.text.encode())


class Base64Payload(Strict):
    """A small payload, binary."""

    media_type: MediaType
    base64: Base64

    def to_domain(self) -> InlinePayload:
        return InlinePayload(self.media_type, b64decode(self.base64))


class UploadPayload(Strict):
    """A payload to be uploaded: exactly `size` bytes."""

    media_type: MediaType
    size: Annotated[int, Field(ge=0)]
    sha256: Sha256 | None = None

    def to_domain(self) -> DeclaredPayload:
        return DeclaredPayload(self.media_type, self.size, self.sha256)


def _payload_form(value: Any) -> str:
    given = value if isinstance(value, dict) else dict(value) if isinstance(value, Strict) else {}
    return "(text)" if "text" in given else "(base64)" if "base64" in given else "(upload)"


PayloadIn = Annotated[
    Annotated[TextPayload, Tag("(text)")]
    | Annotated[Base64Payload, Tag("(base64)")]
    | Annotated[UploadPayload, Tag("(upload)")],
    Discriminator(_payload_form),
]


class DocumentedAs:
    """Show a model's schema for a dict that the use case validates by that model."""

    def __init__(self, model: type[BaseModel]) -> None:
        self._model = model

    def __get_pydantic_json_schema__(self, _schema: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return handler(self._model.__pydantic_core_schema__)


class CreateObject(Strict):
    kind: str
    name: Name
    labels: Labels = {}
    attributes: dict[str, JsonValue] = {}

    def to_domain(self, idempotency_key: str | None) -> NewObject:
        payload: TextPayload | Base64Payload | UploadPayload | None = getattr(self, "payload", None)
        return NewObject(
            kind=self.kind,
            name=self.name,
            attributes=self.attributes,
            labels=self.labels,
            payload=None if payload is None else payload.to_domain(),
            fingerprint=self._fingerprint(),
            idempotency_key=idempotency_key,
        )

    def _fingerprint(self) -> str:
        sent = compact_json(self.model_dump(exclude_unset=True), sort_keys=True)
        return sha256(sent.encode()).hexdigest()


class PatchIn(Strict):
    """A JSON merge patch (RFC 7396): null removes, objects merge, the rest replaces."""

    # Factories, because a default shown in the schema would be sent by generated clients.
    name: Name = Field(default_factory=str)
    attributes: dict[str, JsonValue] | None = Field(default_factory=lambda: None)
    labels: PatchLabels | None = Field(default_factory=lambda: None)


def _create_model_of(kind: Kind) -> type[CreateObject]:
    """The body that creates an object of this kind."""
    documented = Annotated[dict[str, JsonValue], DocumentedAs(kind.attributes)]
    fields: dict[str, Any] = {
        "kind": (Literal[kind.name], ...),
        "attributes": (documented, Field(default_factory=dict)),
    }
    if kind.processor is not None:
        fields["payload"] = (PayloadIn, ...)
    return create_model(
        f"Create{kind.name.title()}", __base__=CreateObject, __doc__=kind.description, **fields
    )


if TYPE_CHECKING:
    CreateIn = CreateObject
else:
    CreateIn = Annotated[
        reduce(or_, (_create_model_of(kind) for kind in KINDS.values())),
        Field(discriminator="kind"),
    ]


class PayloadOut(BaseModel):
    media_type: str
    size: int
    sha256: str
    revision: int


class ArtifactOut(BaseModel):
    name: str
    media_type: str
    size: int
    sha256: str


class SummaryResultOut(BaseModel):
    summary: dict[str, Any]


class ResultOut(SummaryResultOut):
    artifacts: list[ArtifactOut]


class IncomingOut(BaseModel):
    revision: int
    media_type: str
    size: int
    sha256: str | None
    expires_at: Timestamp | None


class ProcessingProblemOut(BaseModel):
    """Why the newest revision was rejected, failed or expired."""

    code: str
    detail: str


PublicStatus = Literal["pending", "processing", "ready", "rejected", "failed", "expired"]


class SummaryOut(BaseModel):
    """An object in a list."""

    id: str
    kind: str
    name: str
    labels: dict[str, str]
    status: PublicStatus
    version: int
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
    url: str
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
    """The object, and where to upload its payload when one is awaited."""

    upload: UploadOut | None

    @classmethod
    def awaiting(cls, stored: StoredObject, upload: Upload | None) -> Self:
        return cls.model_validate(
            public_view(stored) | {"upload": None if upload is None else UploadOut.of(upload)}
        )


class LinkOut(BaseModel):
    """A short-lived URL to download from."""

    url: str
    expires_at: Timestamp

    @classmethod
    def of(cls, link: Link) -> Self:
        return cls(url=link.url, expires_at=timestamp(link.expires_at))


class ObjectPage(BaseModel):
    """A page may be short or empty; go on until `next_cursor` is null."""

    items: list[SummaryOut]
    next_cursor: str | None


class EventOut(BaseModel):
    """A CloudEvent 1.0."""

    specversion: Literal["1.0"]
    id: str
    source: str
    type: str
    subject: str
    time: Timestamp
    datacontenttype: Literal["application/json"]
    owner: str
    correlationid: str
    data: dict[str, Any]


class EventPage(BaseModel):
    """Oldest first; go on until `next_cursor` is null."""

    items: list[EventOut]
    next_cursor: str | None


class UsageLimits(BaseModel):
    """Null where there is no limit."""

    objects: int | None
    bytes: int | None


class UsageOut(BaseModel):
    """`bytes` counts payloads, those declared but not yet uploaded too, until they expire."""

    objects: int
    bytes: int
    limits: UsageLimits

    @classmethod
    def of(cls, usage: Usage) -> Self:
        return cls(objects=usage.objects, bytes=usage.bytes, limits=UsageLimits(objects=None, bytes=None))


class KindOut(BaseModel):
    """`media_types` is null when any is accepted; limits are in bytes, null where there is none."""

    name: str
    description: str
    attributes_schema: dict[str, Any]
    has_payload: bool
    media_types: list[str] | None
    size_limit: int | None
    unpacked_limit: int | None

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

"""The bodies of requests, as OpenAPI shows them.

They are strict: an unknown field, or a string for a number, is an error.
"""

import binascii
import re
from base64 import b64decode
from functools import reduce
from hashlib import sha256
from operator import or_
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    JsonValue,
    Tag,
    WithJsonSchema,
    create_model,
    field_validator,
)

from app.api.schemas.annotations import Documented, DocumentedAs
from app.domain.json import compact_json
from app.domain.kinds import KINDS, LARGEST_HASHED_BYTES, Kind
from app.domain.media_types import (
    ALIASES,
    UNDECLARED,
    declared_or_not,
    has_contradiction,
    media_type_parameters,
)
from app.domain.objects.values import MOST_PARTS
from app.domain.validation import MOST_LABELS
from app.services.objects.creating import NewObject
from app.services.objects.uploads import DeclaredPayload, InlinePayload

NO_CONTROL = r"^[^\x00-\x1f\x7f-\x9f]*$"
LABEL_KEY = r"^[^:\x00-\x1f\x7f-\x9f]*$"
QUOTED_VALUE, PLAIN_VALUE = r'"(?:[ !#-\[\]-~]|\\[ -~])*"', r"[!#-+\--:<-~]*"
MEDIA_TYPE_PARAMETERS = (
    rf"(?: *;(?: *[A-Za-z0-9!#$%&'*+.^_`|~-]+(?: *= *(?:{QUOTED_VALUE}|{PLAIN_VALUE}))?)?)*"
)
#: A media type may be empty, because browsers send an empty one for a file that they do not know.
MEDIA_TYPE = rf"^([A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+{MEDIA_TYPE_PARAMETERS})?$"
MEDIA_TYPE_CHARACTERS = 255
#: How text that comes within JSON is stored; ASCII is a part of UTF-8.
CHARSETS_OF_TEXT = {"utf-8", "utf8", "us-ascii"}
#: How many parts of an upload may be signed in one request.
SIGNED_AT_ONCE = 100
#: The length of a label's key, and of its value.
LABEL_PART_CHARACTERS = 64
BASE64 = r"^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"


def _valid_base64(text: str) -> str:
    """Return the text. Raises ValueError if it is not base64."""
    try:
        b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("Input should be base64 (RFC 4648, section 4)") from None
    return text


def _written_as(pattern: str, rule: str) -> tuple[AfterValidator, Documented]:
    """Return a check that tells the rule in words, and the pattern for the schema."""

    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(rule)
        return text

    return AfterValidator(check), Documented(pattern=pattern)


def whole_number(value: Any) -> Any:
    """Return 8 for 8.0, which is an integer in JSON and its schema."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _labels_schema(value: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return the schema of labels. Pydantic's own would allow other keys beside the valid ones."""
    keys = {"minLength": 1, "maxLength": LABEL_PART_CHARACTERS, "pattern": LABEL_KEY}
    return {"type": "object", "propertyNames": keys, "additionalProperties": value, **more}


LABEL_VALUE_SCHEMA = {"type": "string", "maxLength": LABEL_PART_CHARACTERS, "pattern": NO_CONTROL}


def is_media_type(text: str) -> bool:
    """True if it is a media type or empty, and gives no parameter two values."""
    return re.fullmatch(MEDIA_TYPE, text) is not None and not has_contradiction(text)


def _without_contradiction(media_type: str) -> str:
    if has_contradiction(media_type):
        raise ValueError("Input should give each parameter of the media type one value")
    return media_type


WITHOUT_CONTROL = _written_as(NO_CONTROL, "Input should not contain control characters")
Name = Annotated[str, Field(min_length=1, max_length=256), *WITHOUT_CONTROL]
LabelKey = Annotated[
    str,
    Field(min_length=1, max_length=LABEL_PART_CHARACTERS),
    *_written_as(LABEL_KEY, "A label's key should not contain a colon or control characters"),
]
LabelValue = Annotated[str, Field(max_length=LABEL_PART_CHARACTERS), *WITHOUT_CONTROL]
Labels = Annotated[
    dict[LabelKey, LabelValue],
    Field(max_length=MOST_LABELS),
    WithJsonSchema(_labels_schema(LABEL_VALUE_SCHEMA, maxProperties=MOST_LABELS)),
]
PatchLabels = Annotated[
    dict[LabelKey, LabelValue | None],
    WithJsonSchema(_labels_schema({"anyOf": [LABEL_VALUE_SCHEMA, {"type": "null"}]})),
]
MediaType = Annotated[
    str,
    Field(max_length=MEDIA_TYPE_CHARACTERS),
    *_written_as(
        MEDIA_TYPE, "Input should be a media type: a type, a slash and a subtype, such as image/png"
    ),
    AfterValidator(_without_contradiction),
]
Size = Annotated[
    int,
    Field(ge=0),
    BeforeValidator(whole_number),
    Documented(maximum=LARGEST_HASHED_BYTES, format="int64"),
]
Sha256 = Annotated[
    str, *_written_as(r"^[0-9a-f]{64}$", "Input should be a SHA-256 as 64 hexadecimal digits in lower case")
]
Base64 = Annotated[str, AfterValidator(_valid_base64), Documented(contentEncoding="base64", pattern=BASE64)]


class Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False, frozen=True)


class TextPayload(Strict):
    """A small payload as text, which is stored as UTF-8."""

    media_type: MediaType = ""
    text: str

    @field_validator("media_type")
    @classmethod
    def _is_stored_as_utf_8(cls, media_type: str) -> str:
        charset = media_type_parameters(media_type).get("charset", "utf-8")
        if charset.lower() not in CHARSETS_OF_TEXT:
            raise ValueError("Input should name no charset but UTF-8: a payload given as text is stored so")
        return media_type

    def to_domain(self) -> InlinePayload:
        return InlinePayload(declared_or_not(self.media_type), self.text.encode())


class Base64Payload(Strict):
    """A small payload as bytes."""

    media_type: MediaType = ""
    base64: Base64

    def to_domain(self) -> InlinePayload:
        return InlinePayload(declared_or_not(self.media_type), b64decode(self.base64))


class UploadPayload(Strict):
    """A payload that will be uploaded: exactly `size` bytes, in parts if you ask for that or above 5 GB."""

    media_type: MediaType = ""
    size: Size
    sha256: Sha256 | None = None
    multipart: bool = Field(default_factory=bool)

    def to_domain(self) -> DeclaredPayload:
        return DeclaredPayload(declared_or_not(self.media_type), self.size, self.sha256, self.multipart)


class PartNumbers(Strict):
    """The numbers of the parts to sign. Parts are numbered from 1."""

    numbers: Annotated[
        list[Annotated[int, Field(ge=1, le=MOST_PARTS), BeforeValidator(whole_number)]],
        Field(min_length=1, max_length=SIGNED_AT_ONCE),
    ]


class CreateObject(Strict):
    kind: str
    name: Name
    labels: Labels = {}
    attributes: dict[str, JsonValue] = {}

    def to_domain(self, idempotency_key: str | None) -> NewObject:
        payload: TextPayload | Base64Payload | UploadPayload | None = getattr(self, "payload", None)
        sent = compact_json(self.model_dump(exclude_unset=True), sort_keys=True)
        return NewObject(
            kind=self.kind,
            name=self.name,
            attributes=self.attributes,
            labels=self.labels,
            payload=None if payload is None else payload.to_domain(),
            fingerprint=sha256(sent.encode()).hexdigest(),
            idempotency_key=idempotency_key,
        )


class PatchIn(Strict):
    """A JSON merge patch (RFC 7396): null removes, objects merge, and any other value replaces."""

    # The defaults are factories, because generated clients would send a default that the schema shows.
    name: Name = Field(default_factory=str)
    attributes: dict[str, JsonValue] | None = Field(default_factory=lambda: None)
    labels: PatchLabels | None = Field(default_factory=lambda: None)


def _payload_form(value: Any) -> str:
    """Return the tag of the form that a payload has."""
    given = value if isinstance(value, dict) else dict(value) if isinstance(value, Strict) else {}
    return "(text)" if "text" in given else "(base64)" if "base64" in given else "(upload)"


def _payload_of(kind: Kind) -> Any:
    """Return the three forms of a payload, documented with the kind's media types and limit.

    The use case asks the kind to check these later.
    """
    media_type: Any = MediaType
    if kind.media_types is not None:
        media_type = Annotated[MediaType, Documented(pattern=_pattern_of(kind))]
    named = (media_type, "" if kind.takes(UNDECLARED) else ...)
    size = (Annotated[Size, Documented(maximum=kind.size_limit)], ...)
    forms = {
        "(text)": _form(kind, TextPayload, media_type=named),
        "(base64)": _form(kind, Base64Payload, media_type=named),
        "(upload)": _form(kind, UploadPayload, media_type=named, size=size),
    }
    tagged = (Annotated[form, Tag(tag)] for tag, form in forms.items())
    return Annotated[reduce(or_, tagged), Discriminator(_payload_form)]


def _pattern_of(kind: Kind) -> str:
    """Return the pattern of the media types that the kind takes, by any of their names."""
    taken = (kind.media_types or frozenset()) | kind.open_types
    named = taken | {alias for alias, meant in ALIASES.items() if meant in taken}
    names = "|".join(re.sub(r"([.+])", r"\\\1", name) for name in sorted(named))
    may_be_left_out = "?" if UNDECLARED in taken else ""
    return f"^(?:(?:{names}){MEDIA_TYPE_PARAMETERS}){may_be_left_out}$"


def _form(kind: Kind, base: type[Strict], **fields: Any) -> type[Strict]:
    name = f"{kind.name.title()}{base.__name__}"
    return create_model(name, __base__=base, __doc__=base.__doc__, **fields)


def _create_model_of(kind: Kind) -> type[CreateObject]:
    """Return the body that creates an object of this kind."""
    documented = Annotated[dict[str, JsonValue], DocumentedAs(kind.attributes)]
    fields: dict[str, Any] = {
        "kind": (Literal[kind.name], ...),
        "attributes": (documented, Field(default_factory=dict)),
    }
    if kind.processor is not None:
        fields["payload"] = (_payload_of(kind), ...)
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

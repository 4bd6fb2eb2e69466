"""The kinds of object, and the rules of each.

To add a kind, write `app/processors/<name>.py` and add an entry to KINDS.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from app.domain.errors import FieldError, InvalidInput, NoPayloadAllowed
from app.domain.json import compact_json
from app.domain.validation import ERRORS_AT_MOST, message, pointer

KIBIBYTE = 1024
MEBIBYTE = 1024 * KIBIBYTE
GIBIBYTE = 1024 * MEBIBYTE
ATTRIBUTES_LIMIT_BYTES = 32 * KIBIBYTE
#: S3 takes up to 5 GB in one PUT (Amazon S3 User Guide, "Uploading objects").
LARGEST_PUT_BYTES = 5 * 1000**3
#: A parameter of a media type (RFC 9110, section 5.6.6): its name, then its value, quoted or not.
PARAMETER = re.compile(r';\s*([^\s;="]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]*))')
ESCAPED = re.compile(r"\\(.)")


class AnyAttributes(BaseModel):
    """Any JSON object."""

    model_config = ConfigDict(extra="allow", strict=True, allow_inf_nan=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """Sizes are in bytes. A kind without a processor has no payload."""

    name: str
    description: str
    attributes: type[BaseModel] = AnyAttributes
    #: Name of a module or package in `app.processors`.
    processor: str | None = None
    #: The accepted media types; None accepts any.
    media_types: frozenset[str] | None = None
    size_limit: int = 0
    unpacked_limit: int = 0

    def accepts(self, media_type: str) -> bool:
        return self.media_types is None or media_type in self.media_types

    def check_attributes(self, attributes: Mapping[str, Any]) -> None:
        """Raise InvalidInput, with pointers below `/attributes`, if the attributes do not fit the kind."""
        try:
            self.attributes.model_validate(attributes)
        except ValidationError as invalid:
            found = invalid.errors(include_url=False)[:ERRORS_AT_MOST]
            raise InvalidInput([_field_error(error) for error in found]) from None
        if len(compact_json(attributes).encode()) > ATTRIBUTES_LIMIT_BYTES:
            detail = f"The attributes are larger than {ATTRIBUTES_LIMIT_BYTES} bytes as JSON."
            raise InvalidInput([FieldError("/attributes", detail)])

    def check_payload(self, media_type: str, size: int, *, at: str = "/payload") -> None:
        """Raise NoPayloadAllowed, or InvalidInput with pointers below `at`, if the payload does not fit."""
        if self.processor is None:
            raise NoPayloadAllowed(self.name)
        errors = []
        if not self.accepts(base_media_type(media_type)):
            allowed = ", ".join(sorted(self.media_types or ()))
            detail = f"The kind {self.name} accepts: {allowed}."
            errors.append(FieldError(f"{at}/media_type", detail))
        if size > self.size_limit:
            detail = f"The kind {self.name} accepts up to {self.size_limit} bytes."
            errors.append(FieldError(f"{at}/size", detail))
        if errors:
            raise InvalidInput(errors)


# The size limits are constants: they fit the disk, the memory and the lease of the worker that
# template.yaml makes. Who raises one must measure the processor again.
KINDS = {
    kind.name: kind
    for kind in (
        Kind(
            name="record",
            description="Attributes only: ready as soon as it is created.",
        ),
        Kind(
            name="file",
            description="Any file, kept as it is; its real type is detected.",
            processor="file",
            size_limit=LARGEST_PUT_BYTES,
        ),
        Kind(
            name="dataset",
            description="A table, profiled column by column and converted to Parquet.",
            processor="dataset",
            media_types=frozenset(
                {
                    "text/csv",
                    "text/tab-separated-values",
                    "application/x-ndjson",
                    "application/vnd.apache.parquet",
                }
            ),
            size_limit=GIBIBYTE,
            unpacked_limit=10 * GIBIBYTE,
        ),
        Kind(
            name="image",
            description="A picture, described, with an upright thumbnail and preview as WebP.",
            processor="image",
            media_types=frozenset(
                {
                    "image/png",
                    "image/jpeg",
                    "image/gif",
                    "image/webp",
                    "image/tiff",
                    "image/bmp",
                    "image/avif",
                }
            ),
            size_limit=100 * MEBIBYTE,
        ),
        Kind(
            name="document",
            description="A PDF or a text: its text as UTF-8, counted, and a picture of a PDF's first page.",
            processor="document",
            media_types=frozenset({"application/pdf", "text/plain", "text/markdown"}),
            size_limit=200 * MEBIBYTE,
        ),
    )
}


def base_media_type(media_type: str) -> str:
    """Return the type without its parameters, in lower case (RFC 9110, section 8.3.1)."""
    return media_type.partition(";")[0].strip().lower()


def media_type_parameters(media_type: str) -> dict[str, str]:
    """Return the parameters with their names in lower case and their values without quotes.

    Of a name given twice the first counts, as in the MIME Sniffing Standard. A parameter without
    a value counts as not given.
    """
    found: dict[str, str] = {}
    for name, quoted, plain in PARAMETER.findall(media_type):
        if value := ESCAPED.sub(r"\1", quoted) or plain:
            found.setdefault(name.lower(), value)
    return found


def _field_error(error: Mapping[str, Any]) -> FieldError:
    return FieldError(pointer(("attributes", *error["loc"])), message(error))

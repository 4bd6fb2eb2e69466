"""The kinds of object, and the rules of each.

To add a kind, write `app/processors/<name>.py` and add an entry to KINDS.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from app.domain.disk import FILES_AT_ONCE
from app.domain.errors import FieldError, InvalidInput, NoPayloadAllowed
from app.domain.json import compact_json
from app.domain.media_types import (
    CSV,
    GZIP,
    HEIC,
    HEIF,
    JSON,
    MARKDOWN,
    NDJSON,
    PARQUET,
    PDF,
    PLAIN_TEXT,
    TSV,
    UNDECLARED,
    XLS,
    meant_media_type,
)
from app.domain.summaries import (
    AnySummary,
    DatasetSummary,
    DocumentSummary,
    FileSummary,
    ImageSummary,
)
from app.domain.validation import ERRORS_AT_MOST, message, pointer

KIBIBYTE = 1024
MEBIBYTE = 1024 * KIBIBYTE
GIBIBYTE = 1024 * MEBIBYTE
ATTRIBUTES_LIMIT_BYTES = 32 * KIBIBYTE
#: S3 takes up to 5 GB in one PUT (Amazon S3 User Guide, "Uploading objects"). What is larger comes in parts.
LARGEST_PUT_BYTES = 5 * 1000**3
#: The share of its lease that the worker gives a payload. One that was cut short earlier is tried again.
PROCESSING_SHARE = 0.75
#: Any payload has FIRST_SECONDS, and a second more for each ALLOWED_BYTES_PER_SECOND. Small files may be slow
#: to read, such as packed ones, but must not hold a worker as long as large ones may.
FIRST_SECONDS = 60
ALLOWED_BYTES_PER_SECOND = 256 * KIBIBYTE
#: The least that the worker hashes in a second, on the way from S3.
HASHED_BYTES_PER_SECOND = 30 * 1000**2
#: No function of Lambda runs longer.
LONGEST_LEASE_SECONDS = 900
LARGEST_HASHED_BYTES = int(PROCESSING_SHARE * LONGEST_LEASE_SECONDS * HASHED_BYTES_PER_SECOND)
#: Bytes that stay free on Lambda's disk besides one payload and the files that are made of it.
RESERVED_BYTES = 64 * MEBIBYTE


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
    #: Types that say too little, for which the processor finds out which of the accepted ones it is.
    open_types: frozenset[str] = frozenset()
    #: The processor's summary, as the API document shows it.
    summary: type[BaseModel] = AnySummary
    size_limit: int = 0
    unpacked_limit: int = 0
    #: True if the processor looks at the first and last bytes only. The rest is never stored on disk.
    needs_excerpt_only: bool = False

    def check_attributes(self, attributes: Mapping[str, Any]) -> None:
        """Raise InvalidInput, with pointers below `/attributes`, if the attributes do not fit the kind."""
        try:
            self.attributes.model_validate(attributes)
        except ValidationError as invalid:
            found = invalid.errors(include_url=False)[:ERRORS_AT_MOST]
            errors = [FieldError(pointer(("attributes", *error["loc"])), message(error)) for error in found]
            raise InvalidInput(errors) from None
        if len(compact_json(attributes).encode()) > ATTRIBUTES_LIMIT_BYTES:
            detail = f"The attributes are larger than {ATTRIBUTES_LIMIT_BYTES} bytes as JSON."
            raise InvalidInput([FieldError("/attributes", detail)])

    def takes(self, media_type: str) -> bool:
        """True if a payload may be declared as this type, by any of its names."""
        return self.media_types is None or meant_media_type(media_type) in self.media_types | self.open_types

    def check_payload(self, media_type: str, size: int, *, at: str = "/payload") -> None:
        """Raise NoPayloadAllowed, or InvalidInput with pointers below `at`, if the payload does not fit."""
        if self.processor is None:
            raise NoPayloadAllowed(self.name)
        errors = []
        if not self.takes(media_type):
            allowed = ", ".join(sorted(self.media_types or ()))
            detail = f"The kind {self.name} accepts: {allowed}."
            errors.append(FieldError(f"{at}/media_type", detail))
        if size > self.size_limit:
            detail = f"The kind {self.name} accepts up to {self.size_limit} bytes."
            errors.append(FieldError(f"{at}/size", detail))
        if errors:
            raise InvalidInput(errors)


@dataclass(frozen=True, slots=True)
class WorkerCapacity:
    """The time and the disk that the worker has for a payload."""

    lease_seconds: int
    storage_mebibytes: int

    @property
    def seconds(self) -> float:
        """How long the largest payload may be processed."""
        return PROCESSING_SHARE * self.lease_seconds

    def seconds_for(self, size: int) -> float:
        """Return how long a payload of `size` bytes may be processed."""
        return min(self.seconds, FIRST_SECONDS + size / ALLOWED_BYTES_PER_SECOND)

    def fit(self, kind: Kind) -> Kind:
        """Return the kind with limits that fit: within them no payload lacks disk or time."""
        if kind.needs_excerpt_only:
            hashed = int(self.seconds * HASHED_BYTES_PER_SECOND)
            return replace(kind, size_limit=min(kind.size_limit, hashed))
        size = min(kind.size_limit, self._disk_bytes // (1 + FILES_AT_ONCE))
        unpacked = min(kind.unpacked_limit, (self._disk_bytes - size) // FILES_AT_ONCE)
        return replace(kind, size_limit=size, unpacked_limit=unpacked)

    def disk_bytes_beside(self, kind: Kind) -> int:
        """Return what may be written beside the largest payload of a kind that fits."""
        return self._disk_bytes - (0 if kind.needs_excerpt_only else kind.size_limit)

    @property
    def _disk_bytes(self) -> int:
        return self.storage_mebibytes * MEBIBYTE - RESERVED_BYTES


# The limits are the most that any worker takes; `WorkerCapacity.fit` gives those of the one that is deployed.
# After raising one, measure its processor again.
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
            summary=FileSummary,
            size_limit=LARGEST_HASHED_BYTES,
            needs_excerpt_only=True,
        ),
        Kind(
            name="dataset",
            description="A table, profiled column by column and converted to Parquet.",
            processor="dataset",
            media_types=frozenset({CSV, TSV, JSON, NDJSON, PARQUET}),
            open_types=frozenset({UNDECLARED, GZIP, XLS}),
            summary=DatasetSummary,
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
                    HEIC,
                    HEIF,
                }
            ),
            open_types=frozenset({UNDECLARED}),
            summary=ImageSummary,
            size_limit=100 * MEBIBYTE,
        ),
        Kind(
            name="document",
            description="A PDF or a text: its text as UTF-8, counted, and a picture of a PDF's first page.",
            processor="document",
            media_types=frozenset({PDF, PLAIN_TEXT, MARKDOWN}),
            open_types=frozenset({UNDECLARED}),
            summary=DocumentSummary,
            size_limit=200 * MEBIBYTE,
        ),
    )
}

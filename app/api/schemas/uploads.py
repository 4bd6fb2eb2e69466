"""The bodies of answers about uploads: where to send a payload, as a whole or in parts."""

from typing import TYPE_CHECKING, Literal, Self

from pydantic import BaseModel

from app.api.schemas.scalars import Bytes, Number, Timestamp, Url
from app.domain.times import timestamp
from app.services.objects.uploads import Upload, UploadInParts

# A start that a request waits for loads no use case that it does not need.
if TYPE_CHECKING:
    from app.services.objects.parts import PartsState, SignedParts


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


class UploadInPartsOut(BaseModel):
    """Ask `upload/parts` where to send the parts. All but the last have `part_size` bytes."""

    part_size: Bytes
    part_count: Number
    expires_at: Timestamp

    @classmethod
    def of(cls, upload: UploadInParts) -> Self:
        return cls(
            part_size=upload.plan.part_size,
            part_count=upload.plan.count,
            expires_at=timestamp(upload.expires_at),
        )


class PartOut(BaseModel):
    number: Number
    size: Bytes


class PartsStateOut(UploadInPartsOut):
    """The parts that are there, and those that are missing. A part of the wrong length counts as missing."""

    uploaded: list[PartOut]
    missing: list[Number]

    @classmethod
    def state_of(cls, state: "PartsState") -> Self:
        return cls(
            part_size=state.plan.part_size,
            part_count=state.plan.count,
            uploaded=[PartOut(number=part.number, size=part.size) for part in state.uploaded],
            missing=list(state.missing),
            expires_at=timestamp(state.expires_at),
        )


class SignedPartOut(BaseModel):
    """Send exactly the part's bytes to `url`, with exactly these headers."""

    number: Number
    method: Literal["PUT"]
    url: Url
    headers: dict[str, str]


class SignedPartsOut(BaseModel):
    """The URLs to send the parts to, until `expires_at`. A part that is sent again replaces itself."""

    parts: list[SignedPartOut]
    expires_at: Timestamp

    @classmethod
    def of(cls, signed: "SignedParts") -> Self:
        parts = [
            SignedPartOut(number=part.number, method="PUT", url=part.url, headers=dict(part.headers))
            for part in signed.parts
        ]
        return cls(parts=parts, expires_at=timestamp(signed.expires_at))

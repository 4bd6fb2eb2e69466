"""The bodies of answers about objects."""

from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BaseModel, Field

from app.api.schemas.annotations import Documented
from app.api.schemas.scalars import Bytes, Checksum, Id, Number, Timestamp, Url
from app.api.schemas.uploads import UploadInPartsOut, UploadOut
from app.domain.errors import ProblemCode
from app.domain.objects.state import ListedObject
from app.domain.objects.stored import StoredObject
from app.domain.objects.views import public_view, summary_view
from app.domain.times import timestamp
from app.services.objects.uploads import Upload, UploadInParts

# A start that a request waits for loads no use case that it does not need.
if TYPE_CHECKING:
    from app.services.objects.downloads import DownloadUrl

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


class DeclaredOut(BaseModel):
    """The newest revision as the client declared it. Wharf has not compared it with the bytes."""

    revision: Number
    media_type: str
    size: Bytes
    sha256: Checksum | None


class IncomingOut(DeclaredOut):
    """The revision that is awaited or processed."""

    expires_at: Timestamp | None


class ProcessingProblemOut(BaseModel):
    """The reason why the newest revision was rejected, failed or expired."""

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
    declared: DeclaredOut | None
    problem: ProcessingProblemOut | None
    created_at: Timestamp
    updated_at: Timestamp


class ObjectOut(SummaryOut):
    """An object. `version` is also its ETag."""

    attributes: dict[str, Any]
    result: ResultOut | None

    @classmethod
    def of(cls, stored: StoredObject) -> Self:
        return cls.model_validate(public_view(stored))


class DeletedOut(ObjectOut):
    """An object that was deleted, as its last event shows it. No answer holds one."""

    status: Literal["deleted"]  # type: ignore[assignment]  # the others are those of objects that are there


class CreatedOut(ObjectOut):
    """The object, and how to upload its payload if one is awaited."""

    upload: UploadOut | UploadInPartsOut | None

    @classmethod
    def awaiting(cls, stored: StoredObject, upload: Upload | UploadInParts | None) -> Self:
        shown: UploadOut | UploadInPartsOut | None = None
        if isinstance(upload, UploadInParts):
            shown = UploadInPartsOut.of(upload)
        elif upload is not None:
            shown = UploadOut.of(upload)
        return cls.model_validate(public_view(stored) | {"upload": shown})


class DownloadUrlOut(BaseModel):
    """A short-lived URL to download from."""

    url: Url
    expires_at: Timestamp

    @classmethod
    def of(cls, download: "DownloadUrl") -> Self:
        return cls(url=download.url, expires_at=timestamp(download.expires_at))


class ListedOut(SummaryOut):
    """An object in a list. `artifact` is left out unless the list was asked for one that the object has."""

    artifact: DownloadUrlOut = Field(default_factory=lambda: DownloadUrlOut(url="", expires_at=""))

    @classmethod
    def with_artifact(cls, listed: ListedObject, artifact: "DownloadUrl | None") -> Self:
        more = {} if artifact is None else {"artifact": DownloadUrlOut.of(artifact)}
        return cls.model_validate(summary_view(listed) | more)


class ObjectPage(BaseModel):
    """A page of objects. It may be short or empty; go on until `next_cursor` is null."""

    items: list[ListedOut]
    next_cursor: str | None

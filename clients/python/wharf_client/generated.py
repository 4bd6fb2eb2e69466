"""The types of the API's answers. Written by `make client-types` from docs/openapi.json."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict


class ArtifactOut(TypedDict):
    name: str
    media_type: str
    size: int
    sha256: str


class AttemptOut(TypedDict):
    """The last request to the endpoint, and how its answer began. Either `status` or `error` is null."""

    at: str
    seconds: float
    status: int | None
    error: ErrorOut | None
    answer: str


class CreatedDataset(TypedDict):
    """The object, and how to upload its payload if one is awaited."""

    id: str
    kind: Literal["dataset"]
    name: str
    labels: dict[str, str]
    status: Literal["pending", "processing", "ready", "rejected", "failed", "expired"]
    version: int
    payload: PayloadOut | None
    result: DatasetResult | None
    incoming: IncomingOut | None
    declared: DeclaredOut | None
    problem: ProcessingProblemOut | None
    created_at: str
    updated_at: str
    attributes: dict[str, Any]
    upload: UploadOut | UploadInPartsOut | None


class CreatedDocument(TypedDict):
    """The object, and how to upload its payload if one is awaited."""

    id: str
    kind: Literal["document"]
    name: str
    labels: dict[str, str]
    status: Literal["pending", "processing", "ready", "rejected", "failed", "expired"]
    version: int
    payload: PayloadOut | None
    result: DocumentResult | None
    incoming: IncomingOut | None
    declared: DeclaredOut | None
    problem: ProcessingProblemOut | None
    created_at: str
    updated_at: str
    attributes: dict[str, Any]
    upload: UploadOut | UploadInPartsOut | None


class CreatedFile(TypedDict):
    """The object, and how to upload its payload if one is awaited."""

    id: str
    kind: Literal["file"]
    name: str
    labels: dict[str, str]
    status: Literal["pending", "processing", "ready", "rejected", "failed", "expired"]
    version: int
    payload: PayloadOut | None
    result: FileResult | None
    incoming: IncomingOut | None
    declared: DeclaredOut | None
    problem: ProcessingProblemOut | None
    created_at: str
    updated_at: str
    attributes: dict[str, Any]
    upload: UploadOut | UploadInPartsOut | None


class CreatedImage(TypedDict):
    """The object, and how to upload its payload if one is awaited."""

    id: str
    kind: Literal["image"]
    name: str
    labels: dict[str, str]
    status: Literal["pending", "processing", "ready", "rejected", "failed", "expired"]
    version: int
    payload: PayloadOut | None
    result: ImageResult | None
    incoming: IncomingOut | None
    declared: DeclaredOut | None
    problem: ProcessingProblemOut | None
    created_at: str
    updated_at: str
    attributes: dict[str, Any]
    upload: UploadOut | UploadInPartsOut | None


class CreatedRecord(TypedDict):
    """The object, and how to upload its payload if one is awaited."""

    id: str
    kind: Literal["record"]
    name: str
    labels: dict[str, str]
    status: Literal["pending", "processing", "ready", "rejected", "failed", "expired"]
    version: int
    payload: PayloadOut | None
    result: ResultOut | None
    incoming: IncomingOut | None
    declared: DeclaredOut | None
    problem: ProcessingProblemOut | None
    created_at: str
    updated_at: str
    attributes: dict[str, Any]
    upload: UploadOut | UploadInPartsOut | None


class DatasetObject(TypedDict):
    """An object. `version` is also its ETag."""

    id: str
    kind: Literal["dataset"]
    name: str
    labels: dict[str, str]
    status: Literal["pending", "processing", "ready", "rejected", "failed", "expired"]
    version: int
    payload: PayloadOut | None
    result: DatasetResult | None
    incoming: IncomingOut | None
    declared: DeclaredOut | None
    problem: ProcessingProblemOut | None
    created_at: str
    updated_at: str
    attributes: dict[str, Any]


class DatasetResult(TypedDict):
    summary: DatasetSummary
    artifacts: list[ArtifactOut]


class DatasetSummary(TypedDict):
    format: Literal["csv", "tsv", "ndjson", "json", "parquet"]
    rows: int
    columns: int


class DeclaredOut(TypedDict):
    """The newest revision as the client declared it. Wharf has not compared it with the bytes."""

    revision: int
    media_type: str
    size: int
    sha256: str | None


class DeletedOut(TypedDict):
    """An object that was deleted, as its last event shows it. No answer holds one."""

    id: str
    kind: str
    name: str
    labels: dict[str, str]
    status: Literal["deleted"]
    version: int
    payload: PayloadOut | None
    result: ResultOut | None
    incoming: IncomingOut | None
    declared: DeclaredOut | None
    problem: ProcessingProblemOut | None
    created_at: str
    updated_at: str
    attributes: dict[str, Any]


class DeliveredEventOut(TypedDict):
    """The event of a delivery. Its id is the `webhook-id` of each attempt."""

    id: str
    type: str
    subject: str
    time: str


class DeliveryOut(TypedDict):
    """An event on its way to the endpoint, or its entry in the log."""

    id: str
    event: DeliveredEventOut
    status: Literal["pending", "delivered", "failed"]
    attempts: int
    last_attempt: AttemptOut | None
    next_attempt_at: str | None


class DeliveryPage(TypedDict):
    """A page of the log, newest first. It may be short or empty; go on until `next_cursor` is null."""

    items: list[DeliveryOut]
    next_cursor: str | None


class DisabledOut(TypedDict):
    """The moment since which nothing is sent, and the reason."""

    at: str
    reason: Literal["by_owner", "gone", "failing"]


class DocumentObject(TypedDict):
    """An object. `version` is also its ETag."""

    id: str
    kind: Literal["document"]
    name: str
    labels: dict[str, str]
    status: Literal["pending", "processing", "ready", "rejected", "failed", "expired"]
    version: int
    payload: PayloadOut | None
    result: DocumentResult | None
    incoming: IncomingOut | None
    declared: DeclaredOut | None
    problem: ProcessingProblemOut | None
    created_at: str
    updated_at: str
    attributes: dict[str, Any]


class DocumentResult(TypedDict):
    summary: DocumentSummary
    artifacts: list[ArtifactOut]


class DocumentSummary(TypedDict):
    pages: int | None
    characters: int
    words: int
    title: NotRequired[str]
    author: NotRequired[str]
    truncated: NotRequired[bool]
    unreadable_pages: NotRequired[int]
    xfa: NotRequired[bool]
    encoding: NotRequired[str]
    encoding_guessed: NotRequired[bool]
    replaced_characters: NotRequired[int]


class DownloadUrlOut(TypedDict):
    """A short-lived URL to download from."""

    url: str
    expires_at: str


class ErrorOut(TypedDict):
    """The reason why there was no answer."""

    code: str
    detail: str


class EventOut(TypedDict):
    """A CloudEvent 1.0."""

    specversion: Literal["1.0"]
    id: str
    source: str
    type: Literal[
        "object.created",
        "object.updated",
        "object.upload_requested",
        "object.processing",
        "object.ready",
        "object.rejected",
        "object.failed",
        "object.expired",
        "object.reprocess_requested",
        "object.deleted",
    ]
    subject: str
    time: str
    datacontenttype: Literal["application/json"]
    owner: str
    correlationid: str
    traceparent: NotRequired[str]
    tracestate: NotRequired[str]
    data: ObjectOut | DeletedOut


class EventPage(TypedDict):
    """A page of events, oldest first. Go on until `next_cursor` is null."""

    items: list[EventOut]
    next_cursor: str | None


class Exif(TypedDict):
    """The part of a picture's EXIF data that says nothing about people or places."""

    make: NotRequired[str]
    model: NotRequired[str]
    lens_make: NotRequired[str]
    lens_model: NotRequired[str]
    software: NotRequired[str]
    orientation: NotRequired[int]
    date_time: NotRequired[str]
    date_time_original: NotRequired[str]
    exposure_time: NotRequired[float]
    f_number: NotRequired[float]
    iso: NotRequired[float]
    focal_length: NotRequired[float]
    focal_length_35mm: NotRequired[float]


class FeedOut(TypedDict):
    """Events in the order in which they were recorded, and where to go on."""

    items: list[EventOut]
    next_after: str
    has_more: bool


class FileObject(TypedDict):
    """An object. `version` is also its ETag."""

    id: str
    kind: Literal["file"]
    name: str
    labels: dict[str, str]
    status: Literal["pending", "processing", "ready", "rejected", "failed", "expired"]
    version: int
    payload: PayloadOut | None
    result: FileResult | None
    incoming: IncomingOut | None
    declared: DeclaredOut | None
    problem: ProcessingProblemOut | None
    created_at: str
    updated_at: str
    attributes: dict[str, Any]


class FileResult(TypedDict):
    summary: FileSummary
    artifacts: list[ArtifactOut]


class FileSummary(TypedDict):
    detected_media_type: str | None


class HealthOut(TypedDict):
    status: Literal["ok"]


class ImageObject(TypedDict):
    """An object. `version` is also its ETag."""

    id: str
    kind: Literal["image"]
    name: str
    labels: dict[str, str]
    status: Literal["pending", "processing", "ready", "rejected", "failed", "expired"]
    version: int
    payload: PayloadOut | None
    result: ImageResult | None
    incoming: IncomingOut | None
    declared: DeclaredOut | None
    problem: ProcessingProblemOut | None
    created_at: str
    updated_at: str
    attributes: dict[str, Any]


class ImageResult(TypedDict):
    summary: ImageSummary
    artifacts: list[ArtifactOut]


class ImageSummary(TypedDict):
    """Width and height are those of the upright picture."""

    format: Literal["png", "jpeg", "gif", "webp", "tiff", "bmp", "avif", "heif"]
    width: int
    height: int
    frames: int
    mode: str
    exif: Exif


class IncomingOut(TypedDict):
    """The revision that is awaited or processed."""

    revision: int
    media_type: str
    size: int
    sha256: str | None
    expires_at: str | None


class KindList(TypedDict):
    items: list[KindOut]


class KindOut(TypedDict):
    """A kind and its rules. `media_types` is null if any is accepted. A limit that is null does not apply."""

    name: str
    description: str
    attributes_schema: dict[str, Any]
    has_payload: bool
    media_types: list[str] | None
    size_limit: int | None
    unpacked_limit: int | None
    seconds_limit: float | None


class LinkList(TypedDict):
    """All links of an object that open, the oldest first."""

    items: list[LinkOut]


class LinkOut(TypedDict):
    """A share link, without its URL. `artifact` is null if it opens the payload."""

    id: str
    artifact: str | None
    disposition: Literal["attachment", "inline"]
    created_at: str
    expires_at: str


class LinkWithUrlOut(TypedDict):
    """The link with its URL, which no other answer shows. Anybody who has the URL may open it."""

    id: str
    artifact: str | None
    disposition: Literal["attachment", "inline"]
    created_at: str
    expires_at: str
    url: str


class ListedDataset(TypedDict):
    """An object in a list. `artifact` is left out unless the list was asked for one that the object has."""

    id: str
    kind: Literal["dataset"]
    name: str
    labels: dict[str, str]
    status: Literal["pending", "processing", "ready", "rejected", "failed", "expired"]
    version: int
    payload: PayloadOut | None
    result: ListedDatasetResult | None
    incoming: IncomingOut | None
    declared: DeclaredOut | None
    problem: ProcessingProblemOut | None
    created_at: str
    updated_at: str
    artifact: NotRequired[DownloadUrlOut]


class ListedDatasetResult(TypedDict):
    summary: DatasetSummary


class ListedDocument(TypedDict):
    """An object in a list. `artifact` is left out unless the list was asked for one that the object has."""

    id: str
    kind: Literal["document"]
    name: str
    labels: dict[str, str]
    status: Literal["pending", "processing", "ready", "rejected", "failed", "expired"]
    version: int
    payload: PayloadOut | None
    result: ListedDocumentResult | None
    incoming: IncomingOut | None
    declared: DeclaredOut | None
    problem: ProcessingProblemOut | None
    created_at: str
    updated_at: str
    artifact: NotRequired[DownloadUrlOut]


class ListedDocumentResult(TypedDict):
    summary: DocumentSummary


class ListedFile(TypedDict):
    """An object in a list. `artifact` is left out unless the list was asked for one that the object has."""

    id: str
    kind: Literal["file"]
    name: str
    labels: dict[str, str]
    status: Literal["pending", "processing", "ready", "rejected", "failed", "expired"]
    version: int
    payload: PayloadOut | None
    result: ListedFileResult | None
    incoming: IncomingOut | None
    declared: DeclaredOut | None
    problem: ProcessingProblemOut | None
    created_at: str
    updated_at: str
    artifact: NotRequired[DownloadUrlOut]


class ListedFileResult(TypedDict):
    summary: FileSummary


class ListedImage(TypedDict):
    """An object in a list. `artifact` is left out unless the list was asked for one that the object has."""

    id: str
    kind: Literal["image"]
    name: str
    labels: dict[str, str]
    status: Literal["pending", "processing", "ready", "rejected", "failed", "expired"]
    version: int
    payload: PayloadOut | None
    result: ListedImageResult | None
    incoming: IncomingOut | None
    declared: DeclaredOut | None
    problem: ProcessingProblemOut | None
    created_at: str
    updated_at: str
    artifact: NotRequired[DownloadUrlOut]


class ListedImageResult(TypedDict):
    summary: ImageSummary


class ListedRecord(TypedDict):
    """An object in a list. `artifact` is left out unless the list was asked for one that the object has."""

    id: str
    kind: Literal["record"]
    name: str
    labels: dict[str, str]
    status: Literal["pending", "processing", "ready", "rejected", "failed", "expired"]
    version: int
    payload: PayloadOut | None
    result: SummaryResultOut | None
    incoming: IncomingOut | None
    declared: DeclaredOut | None
    problem: ProcessingProblemOut | None
    created_at: str
    updated_at: str
    artifact: NotRequired[DownloadUrlOut]


class ObjectPage(TypedDict):
    """A page of objects. It may be short or empty; go on until `next_cursor` is null."""

    items: list[ListedOut]
    next_cursor: str | None


class PartOut(TypedDict):
    number: int
    size: int


class PartsStateOut(TypedDict):
    """The parts that are there, and those that are missing. A part of the wrong length counts as missing."""

    part_size: int
    part_count: int
    expires_at: str
    uploaded: list[PartOut]
    missing: list[int]


class PayloadOut(TypedDict):
    media_type: str
    size: int
    sha256: str
    revision: int


class ProcessingProblemOut(TypedDict):
    """The reason why the newest revision was rejected, failed or expired."""

    code: Literal[
        "media_type_mismatch",
        "checksum_mismatch",
        "size_mismatch",
        "invalid_content",
        "limit_exceeded",
        "processor_crashed",
        "upload_expired",
        "upload_cancelled",
        "attempts_exhausted",
    ]
    detail: str


class QueuedOut(TypedDict):
    """The queued delivery. Its entry in the log will hold the answer."""

    delivery_id: str


class RecordObject(TypedDict):
    """An object. `version` is also its ETag."""

    id: str
    kind: Literal["record"]
    name: str
    labels: dict[str, str]
    status: Literal["pending", "processing", "ready", "rejected", "failed", "expired"]
    version: int
    payload: PayloadOut | None
    result: ResultOut | None
    incoming: IncomingOut | None
    declared: DeclaredOut | None
    problem: ProcessingProblemOut | None
    created_at: str
    updated_at: str
    attributes: dict[str, Any]


class ReplayedOut(TypedDict):
    """How many were sent again. Go on with `after` set to `next_after` until it is null."""

    count: int
    next_after: str | None


class ResultOut(TypedDict):
    summary: dict[str, Any]
    artifacts: list[ArtifactOut]


class SecretOut(TypedDict):
    """A secret that signs, without its text. `expires_at` is null for the current one."""

    created_at: str
    expires_at: str | None


class SignedPartOut(TypedDict):
    """Send exactly the part's bytes to `url`, with exactly these headers."""

    number: int
    method: Literal["PUT"]
    url: str
    headers: dict[str, str]


class SignedPartsOut(TypedDict):
    """The URLs to send the parts to, until `expires_at`. A part that is sent again replaces itself."""

    parts: list[SignedPartOut]
    expires_at: str


class SummaryResultOut(TypedDict):
    summary: dict[str, Any]


class UploadInPartsOut(TypedDict):
    """Ask `upload/parts` where to send the parts. All but the last have `part_size` bytes."""

    part_size: int
    part_count: int
    expires_at: str


class UploadOut(TypedDict):
    """Send exactly the declared bytes to `url`, with exactly these headers."""

    method: Literal["PUT"]
    url: str
    headers: dict[str, str]
    expires_at: str


class UsageLimits(TypedDict):
    """The owner's limits. Null means unlimited."""

    objects: int | None
    bytes: int | None


class UsageOut(TypedDict):
    """The usage of an owner."""

    objects: int
    bytes: int
    limits: UsageLimits


class WebhookList(TypedDict):
    """All your webhooks, the oldest first."""

    items: list[WebhookOut]


class WebhookOut(TypedDict):
    """A webhook. `version` is also its ETag; what the endpoint does, does not change it."""

    id: str
    url: str
    types: list[
        Literal[
            "object.created",
            "object.updated",
            "object.upload_requested",
            "object.processing",
            "object.ready",
            "object.rejected",
            "object.failed",
            "object.expired",
            "object.reprocess_requested",
            "object.deleted",
        ]
    ]
    kinds: list[str]
    labels: dict[str, str]
    description: str
    enabled: bool
    disabled: DisabledOut | None
    failing_since: str | None
    secrets: list[SecretOut]
    version: int
    created_at: str
    updated_at: str


class WebhookWithSecretOut(TypedDict):
    """The webhook with its current secret. No other answer shows it."""

    id: str
    url: str
    types: list[
        Literal[
            "object.created",
            "object.updated",
            "object.upload_requested",
            "object.processing",
            "object.ready",
            "object.rejected",
            "object.failed",
            "object.expired",
            "object.reprocess_requested",
            "object.deleted",
        ]
    ]
    kinds: list[str]
    labels: dict[str, str]
    description: str
    enabled: bool
    disabled: DisabledOut | None
    failing_since: str | None
    secrets: list[SecretOut]
    version: int
    created_at: str
    updated_at: str
    secret: str


CreatedOut = CreatedRecord | CreatedFile | CreatedDataset | CreatedImage | CreatedDocument


ListedOut = ListedRecord | ListedFile | ListedDataset | ListedImage | ListedDocument


ObjectOut = RecordObject | FileObject | DatasetObject | ImageObject | DocumentObject

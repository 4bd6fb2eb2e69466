"""Examples of requests, answers and problems.

Tests send each request, and check each answer against its schema. Routes name the
examples by the keys of EXAMPLES. The document shows the last part of a key:
`created.record` and `object.record` are both `record`, each in its operation.
"""

from typing import Any

from app.api.problems.catalogue import ANSWERS, PAGES
from app.api.problems.document import quota_members
from app.api.schemas.responses import KindList, KindOut
from app.domain import errors
from app.domain.kinds import KINDS

ID = "0b7e7d3a-9a0e-4e6f-8a51-2f1c7f1f6a10"
REQUEST_ID = "6f2d2c1e-93a4-4f0a-8b0e-0d9a3c1f7b52"
CREATED_AT = "2026-03-01T09:30:00.000Z"
READY_AT = "2026-03-01T09:30:01.250Z"
EXPIRES_AT = "2026-03-01T09:45:00.000Z"
CURSOR = "p0Vx2mQ1h8dTMjAyNi0wMy0wMVQwOTozMDowMC4wMDBa"
STORE = "https://wharf-payloads.s3.eu-central-1.amazonaws.com"
CSV_SHA256 = "7dd1ff8fda5e4a3a6c8ca3e8d1eb4f5ab6ed7ba8a0a9ba1d5c6b2c04a3b47e0d"
PARQUET_SHA256 = "a2f1c0d4be6b9ce1c3ad1b61e5dc90c1d7a6f2e0b1f0a8e7c6d5b4a392817f60"
#: A PNG of one pixel.
DOT = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII="

CREATE: dict[str, Any] = {
    "record": {
        "kind": "record",
        "name": "order 42",
        "attributes": {"total": "9.90"},
        "labels": {"team": "growth"},
    },
    "text": {
        "kind": "dataset",
        "name": "small.csv",
        "payload": {"media_type": "text/csv", "text": "a,b\n1,2\n"},
    },
    "base64": {
        "kind": "file",
        "name": "dot.png",
        "payload": {"media_type": "image/png", "base64": DOT},
    },
    "upload": {
        "kind": "dataset",
        "name": "big.csv",
        "payload": {"media_type": "text/csv", "size": 73400320},
    },
}
PATCH: dict[str, Any] = {
    "rename": {"name": "order 42, corrected"},
    "relabel": {"labels": {"team": None, "region": "eu"}},
    "attributes": {"attributes": {"total": "12.50", "currency": "EUR"}},
}
UPLOAD: dict[str, Any] = {
    "size": {"media_type": "text/csv", "size": 73400320},
    "checksum": {"media_type": "text/csv", "size": 8, "sha256": CSV_SHA256},
}
PAYLOAD = {"csv": "a,b\n1,2\n"}

_NEW: dict[str, Any] = {
    "id": ID,
    "labels": {},
    "version": 1,
    "payload": None,
    "result": None,
    "incoming": None,
    "problem": None,
    "created_at": CREATED_AT,
    "updated_at": CREATED_AT,
}
_DECLARED = {
    "revision": 1,
    "media_type": "text/csv",
    "size": 73400320,
    "sha256": None,
    "expires_at": EXPIRES_AT,
}
_SUMMARY = {"format": "csv", "rows": 1, "columns": 2}
_ARTIFACT = {
    "name": "data.parquet",
    "media_type": "application/vnd.apache.parquet",
    "size": 512,
    "sha256": PARQUET_SHA256,
}
_READY = {
    "status": "ready",
    "version": 3,
    "payload": {"media_type": "text/csv", "size": 8, "sha256": CSV_SHA256, "revision": 1},
    "updated_at": READY_AT,
}

RECORD: dict[str, Any] = _NEW | CREATE["record"] | {"status": "ready"}
DATASET: dict[str, Any] = (
    _NEW
    | {"kind": "dataset", "name": "small.csv", "attributes": {}}
    | _READY
    | {"result": {"summary": _SUMMARY, "artifacts": [_ARTIFACT]}}
)
AWAITED: dict[str, Any] = (
    _NEW
    | {"kind": "dataset", "name": "big.csv", "attributes": {}}
    | {"status": "pending", "incoming": _DECLARED}
)
REJECTED: dict[str, Any] = AWAITED | {
    "status": "rejected",
    "version": 3,
    "incoming": None,
    "problem": {"code": "size_mismatch", "detail": "The payload has 12 bytes; 73400320 were declared."},
}
REPEATED: dict[str, Any] = DATASET | {
    "status": "pending",
    "version": 4,
    "incoming": _DECLARED | {"size": 8, "sha256": CSV_SHA256, "expires_at": None},
}
_UPLOAD_TO = {
    "method": "PUT",
    "url": f"{STORE}/payloads/key-abc123/{ID}/1?X-Amz-Signature=0a1b2c",
    "headers": {"Content-Type": "text/csv", "If-None-Match": "*"},
    "expires_at": EXPIRES_AT,
}
CREATED = {
    "record": RECORD | {"upload": None},
    "upload": AWAITED | {"upload": _UPLOAD_TO},
}
LINK = {
    "url": f"{STORE}/payloads/key-abc123/{ID}/1?X-Amz-Signature=0a1b2c",
    "expires_at": EXPIRES_AT,
}
PAGE = {
    "items": [
        {name: value for name, value in DATASET.items() if name != "attributes"}
        | {"result": {"summary": _SUMMARY}}
    ],
    "next_cursor": CURSOR,
}
HISTORY = {
    "items": [
        {
            "specversion": "1.0",
            "id": f"{ID}:1",
            "source": "wharf.objects",
            "type": "object.created",
            "subject": ID,
            "time": CREATED_AT,
            "datacontenttype": "application/json",
            "owner": "key-abc123",
            "correlationid": REQUEST_ID,
            "data": RECORD,
        }
    ],
    "next_cursor": None,
}
KIND_LIST = KindList(items=[KindOut.of(kind) for kind in KINDS.values()]).model_dump()
USAGE = {"objects": 2, "bytes": 73400328, "limits": {"objects": None, "bytes": None}}
HEALTHY = {"status": "ok"}

EXAMPLES: dict[str, Any] = {
    **{f"create.{name}": body for name, body in CREATE.items()},
    **{f"patch.{name}": body for name, body in PATCH.items()},
    **{f"upload.{name}": body for name, body in UPLOAD.items()},
    **{f"payload.{name}": body for name, body in PAYLOAD.items()},
    **{f"created.{name}": body for name, body in CREATED.items()},
    "object.record": RECORD,
    "object.dataset": DATASET,
    "object.rejected": REJECTED,
    "queued.dataset": REPEATED,
    "objects.page": PAGE,
    "history.page": HISTORY,
    "link": LINK,
    "kinds": KIND_LIST,
    "usage": USAGE,
    "alive": HEALTHY,
    "ready": HEALTHY,
}

_QUOTA = errors.QuotaExceeded(used=1_073_000_000, limit=1_073_741_824, unit="bytes")
_SAMPLES: tuple[errors.WharfError, ...] = (
    errors.InvalidCursor(),
    errors.InvalidIdempotencyKey(),
    errors.InvalidPrecondition("If-Match"),
    errors.InvalidMediaType(),
    errors.EncodedBody(),
    errors.PartialBody(),
    errors.IdempotencyKeyReused(),
    errors.Unauthenticated(),
    errors.Forbidden(),
    errors.NotFound(),
    errors.ObjectDeleted(),
    errors.WrongState("reprocess", "processing"),
    errors.NoPayloadAllowed("record"),
    errors.VersionMismatch(4),
    errors.PayloadNotReady("pending"),
    _QUOTA,
    errors.StaleWrite(),
    errors.Unavailable("AWS is busy."),
)
#: The detail of each example, by problem code. An example without one shows the advice instead.
_DETAILS = {ANSWERS[type(sample)].code: str(sample) for sample in _SAMPLES} | {
    "invalid_input": "Field required",
    "malformed_json": "The request body is not valid JSON.",
    "method_not_allowed": "This path does not have this method.",
}
#: The members that only some problems have.
_MEMBERS: dict[str, dict[str, Any]] = {
    "invalid_input": {"errors": [{"pointer": "/name", "detail": "Field required"}]},
    "quota_exceeded": quota_members(_QUOTA),
}

#: An example of every problem document, by code.
PROBLEMS: dict[str, Any] = {
    code: {
        "type": f"/problems/{code}",
        "title": answer.title,
        "status": answer.status,
        "detail": _DETAILS.get(code, answer.advice),
        "code": code,
        "request_id": REQUEST_ID,
        **_MEMBERS.get(code, {}),
    }
    for code, answer in PAGES.items()
}

"""Examples of objects: requests, answers, uploads, links and events."""

from typing import Any

from app.api.openapi.examples.sample import CREATED_AT, EXPIRES_AT, ID, READY_AT
from app.api.problems.examples import REQUEST_ID

LINK_ID = "5c0d3f6e-1f0a-4d7e-8a4b-9b2a6c7d8e90"
NEXT_DAY = "2026-03-02T09:30:00.000Z"
CURSOR = "p0Vx2mQ1h8dTMjAyNi0wMy0wMVQwOTozMDowMC4wMDBa"
STORE = "https://wharf-payloads.s3.eu-central-1.amazonaws.com"
CSV_SHA256 = "7dd1ff8fda5e4a3a6c8ca3e8d1eb4f5ab6ed7ba8a0a9ba1d5c6b2c04a3b47e0d"
PARQUET_SHA256 = "a2f1c0d4be6b9ce1c3ad1b61e5dc90c1d7a6f2e0b1f0a8e7c6d5b4a392817f60"
#: A PNG of one pixel.
DOT = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII="
DOT_SHA256 = "431ced6916a2a21a156e38701afe55bbd7f88969fbbfc56d7fe099d47f265460"

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
    "parts": {
        "kind": "file",
        "name": "film.mp4",
        "payload": {"media_type": "video/mp4", "size": 20971520, "multipart": True},
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
    "parts": {"media_type": "text/csv", "size": 20971520, "multipart": True},
}
PARTS = {"two": {"numbers": [1, 2]}}
PAYLOAD = {"csv": "a,b\n1,2\n"}

_NEW: dict[str, Any] = {
    "id": ID,
    "labels": {},
    "version": 1,
    "payload": None,
    "result": None,
    "incoming": None,
    "declared": None,
    "problem": None,
    "created_at": CREATED_AT,
    "updated_at": CREATED_AT,
}
_DECLARED = {"revision": 1, "media_type": "text/csv", "size": 73400320, "sha256": None}
_SMALL = _DECLARED | {"size": 8, "sha256": CSV_SHA256}
_FILM = _DECLARED | {"media_type": "video/mp4", "size": 20971520}
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
    | {"kind": "dataset", "name": "small.csv", "attributes": {}, "declared": _SMALL}
    | _READY
    | {"result": {"summary": _SUMMARY, "artifacts": [_ARTIFACT]}}
)
AWAITED: dict[str, Any] = (
    _NEW
    | {"kind": "dataset", "name": "big.csv", "attributes": {}}
    | {"status": "pending", "incoming": _DECLARED | {"expires_at": EXPIRES_AT}, "declared": _DECLARED}
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
    "incoming": _SMALL | {"expires_at": None},
}
_UPLOAD_TO = {
    "method": "PUT",
    "url": f"{STORE}/payloads/key-abc123/{ID}/1?X-Amz-Signature=0a1b2c",
    "headers": {"Content-Type": "text/csv", "If-None-Match": "*"},
    "expires_at": EXPIRES_AT,
}
IN_PARTS: dict[str, Any] = AWAITED | {
    "kind": "file",
    "name": "film.mp4",
    "incoming": _FILM | {"expires_at": NEXT_DAY},
    "declared": _FILM,
}
_PLAN = {"part_size": 8388608, "part_count": 3, "expires_at": NEXT_DAY}
UPLOAD_STATE = {
    "parts": _PLAN | {"uploaded": [{"number": 1, "size": 8388608}], "missing": [2, 3]},
    "whole": _UPLOAD_TO,
}
SIGNED_PARTS = {
    "parts": [
        {
            "number": number,
            "method": "PUT",
            "url": f"{STORE}/payloads/key-abc123/{ID}/1?partNumber={number}&X-Amz-Signature=0a1b2c",
            "headers": {},
        }
        for number in (1, 2)
    ],
    "expires_at": EXPIRES_AT,
}
CREATED = {
    "record": RECORD | {"upload": None},
    "upload": AWAITED | {"upload": _UPLOAD_TO},
    "parts": IN_PARTS | {"upload": _PLAN},
}
DOWNLOAD = {
    "url": f"{STORE}/payloads/key-abc123/{ID}/1?X-Amz-Signature=0a1b2c",
    "expires_at": EXPIRES_AT,
}
#: A list shows neither the attributes nor the artifacts of an object.
_LISTED = {name: value for name, value in DATASET.items() if name != "attributes"} | {
    "result": {"summary": _SUMMARY}
}
PAGE = {
    "items": [_LISTED],
    "next_cursor": CURSOR,
}
_PICTURE = {"media_type": "image/png", "size": 68, "sha256": DOT_SHA256, "revision": 1}
GALLERY = {
    "items": [
        _LISTED
        | {"kind": "image", "name": "dot.png", "payload": _PICTURE}
        | {
            "result": {
                "summary": {"format": "png", "width": 1, "height": 1, "frames": 1, "mode": "L", "exif": {}}
            }
        }
        | {
            "artifact": {
                "url": f"{STORE}/artifacts/key-abc123/{ID}/1/thumbnail.webp?X-Amz-Signature=0a1b2c",
                "expires_at": EXPIRES_AT,
            }
        }
    ],
    "next_cursor": None,
}
SHARED_CREATE: dict[str, Any] = {
    "picture": {"artifact": "thumbnail.webp", "disposition": "inline", "expires_in": 86400},
    "payload": {"expires_in": 2592000},
}
SHARED: dict[str, Any] = {
    "id": LINK_ID,
    "artifact": "thumbnail.webp",
    "disposition": "inline",
    "created_at": CREATED_AT,
    "expires_at": "2026-03-02T09:30:00.000Z",
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
FEED = {"items": HISTORY["items"], "next_after": CURSOR, "has_more": False}

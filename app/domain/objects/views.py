"""The object as its owner sees it: HTTP answers and events share these views."""

from dataclasses import asdict
from typing import Any

from app.domain.objects.state import ObjectSummary
from app.domain.objects.stored import StoredObject
from app.domain.objects.values import Revision
from app.domain.times import timestamp


def public_view(stored: StoredObject) -> dict[str, Any]:
    """Return the whole object, as plain JSON values."""
    view = summary_view(stored)
    view["attributes"] = stored.attributes
    if stored.summary is not None:
        artifacts = [asdict(artifact) for artifact in stored.artifacts]
        view["result"] = {"summary": stored.summary, "artifacts": artifacts}
    return view


def summary_view(stored: ObjectSummary) -> dict[str, Any]:
    """Return the object as a list shows it: no attributes, no artifacts."""
    incoming = stored.incoming
    return {
        "id": stored.id,
        "kind": stored.kind,
        "name": stored.name,
        "labels": stored.labels,
        "status": stored.status.value,
        "version": stored.version,
        "payload": None if stored.payload is None else asdict(stored.payload),
        "result": None if stored.summary is None else {"summary": stored.summary},
        "incoming": incoming
        and _declared_view(incoming) | {"expires_at": incoming.expires_at and timestamp(incoming.expires_at)},
        "declared": None if stored.declared is None else _declared_view(stored.declared),
        "problem": None if stored.problem is None else asdict(stored.problem),
        "created_at": timestamp(stored.created_at),
        "updated_at": timestamp(stored.updated_at),
    }


def _declared_view(declared: Revision) -> dict[str, Any]:
    return {
        "revision": declared.number,
        "media_type": declared.media_type,
        "size": declared.size,
        "sha256": declared.sha256,
    }

"""Request bodies that FastAPI does not describe by itself: merge patches and raw payloads."""

from typing import Any

from pydantic import BaseModel

MERGE_PATCH = "application/merge-patch+json"


def merge_patch_body(model: type[BaseModel]) -> dict[str, Any]:
    """The same body under its own media type (RFC 7396) beside plain JSON."""
    reference = {"schema": {"$ref": f"#/components/schemas/{model.__name__}"}}
    return {"requestBody": {"content": {MERGE_PATCH: reference}}}


def raw_body(description: str) -> dict[str, Any]:
    return {
        "requestBody": {
            "required": True,
            "description": description,
            "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}},
        }
    }

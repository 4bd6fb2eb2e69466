"""A request to every operation, that works on the sample object when that is ready."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2

from tests.edges.stored import ID

INLINE = {"kind": "dataset", "name": "small.csv", "payload": {"media_type": "text/csv", "text": "a\n1\n"}}
KEY = {"Idempotency-Key": "order-42"}
AS_CSV = {"Content-Type": "text/csv"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """`{id}` in the path stands for an object's id; `json` or `content` is the body."""

    method: str
    path: str
    json: Any = None
    content: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def by(self, client: httpx2.Client, object_id: str = ID, **more: Any) -> httpx2.Response:
        headers = [*self.headers.items(), *more.pop("headers", [])]
        return client.request(
            self.method,
            self.path.replace("{id}", object_id),
            json=self.json,
            content=self.content,
            headers=headers,
            **more,
        )


OBJECT = "/v1/objects/{id}"
REQUESTS: dict[str, Sent] = {
    "createObject": Sent(method="POST", path="/v1/objects", json=INLINE, headers=KEY),
    "listObjects": Sent(method="GET", path="/v1/objects"),
    "readObject": Sent(method="GET", path=OBJECT),
    "updateObject": Sent(method="PATCH", path=OBJECT, json={"name": "new"}),
    "deleteObject": Sent(method="DELETE", path=OBJECT),
    "reprocessObject": Sent(method="POST", path=f"{OBJECT}/reprocess"),
    "requestUpload": Sent(
        method="POST", path=f"{OBJECT}/uploads", json={"media_type": "text/csv", "size": 40}
    ),
    "putPayload": Sent(method="PUT", path=f"{OBJECT}/payload", content=b"x\n9\n", headers=AS_CSV),
    "downloadPayload": Sent(method="GET", path=f"{OBJECT}/payload"),
    "downloadArtifact": Sent(method="GET", path=f"{OBJECT}/artifacts/profile.json"),
    "readHistory": Sent(method="GET", path=f"{OBJECT}/history"),
    "listKinds": Sent(method="GET", path="/v1/kinds"),
    "readUsage": Sent(method="GET", path="/v1/usage"),
    "checkHealth": Sent(method="GET", path="/healthz"),
    "checkReadiness": Sent(method="GET", path="/readyz"),
    "readProblem": Sent(method="GET", path="/problems/not_found"),
}
READS = (
    "listObjects",
    "readObject",
    "downloadPayload",
    "downloadArtifact",
    "readHistory",
    "readUsage",
)
"""Those of an owner's things."""

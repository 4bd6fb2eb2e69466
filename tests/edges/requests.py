"""A request to every operation, that works on the sample object when that is ready."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2

from tests.edges.described import document_of
from tests.edges.stored import DELIVERY, ID
from tests.linked import LINK, TOKEN

INLINE = {"kind": "dataset", "name": "small.csv", "payload": {"media_type": "text/csv", "text": "a\n1\n"}}
KEY = {"Idempotency-Key": "order-42"}
SUBSCRIPTION = {"url": "https://app.example/wharf", "types": ["object.ready"]}
BETWEEN = {"after": "2026-03-01T00:00:00Z", "until": "2026-03-02T00:00:00Z"}
AS_CSV = {"Content-Type": "text/csv"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """`{id}` in the path stands for the id of an object or a webhook; the rest for the samples' own.

    `json` or `content` is the body.
    """

    method: str
    path: str
    json: Any = None
    content: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def by(self, client: httpx2.Client, object_id: str = ID, **more: Any) -> httpx2.Response:
        headers = [*self.headers.items(), *more.pop("headers", [])]
        return client.request(
            self.method,
            filled(self.path, object_id),
            json=self.json,
            content=self.content,
            headers=headers,
            **more,
        )


def filled(path: str, object_id: str = ID) -> str:
    """Return the path of a request with the ids of the samples."""
    samples = {"{id}": object_id, "{delivery}": DELIVERY, "{link}": LINK, "{token}": TOKEN}
    for name, sample in samples.items():
        path = path.replace(name, sample)
    return path


class Requests(dict[str, Sent]):
    def __missing__(self, operation_id: str) -> Sent:
        raise KeyError(f"No test can try {operation_id}: add it to REQUESTS in tests/edges/requests.py.")


OBJECT = "/v1/objects/{id}"
WEBHOOK = "/v1/webhooks/{id}"
REQUESTS = Requests(
    {
        "createObject": Sent(method="POST", path="/v1/objects", json=INLINE, headers=KEY),
        "listObjects": Sent(method="GET", path="/v1/objects"),
        "readObject": Sent(method="GET", path=OBJECT),
        "updateObject": Sent(method="PATCH", path=OBJECT, json={"name": "new"}),
        "deleteObject": Sent(method="DELETE", path=OBJECT),
        "reprocessObject": Sent(method="POST", path=f"{OBJECT}/reprocess"),
        "requestUpload": Sent(
            method="POST", path=f"{OBJECT}/uploads", json={"media_type": "text/csv", "size": 40}
        ),
        "readUpload": Sent(method="GET", path=f"{OBJECT}/upload"),
        "signParts": Sent(method="POST", path=f"{OBJECT}/upload/parts", json={"numbers": [1]}),
        "completeUpload": Sent(method="POST", path=f"{OBJECT}/upload/complete"),
        "cancelUpload": Sent(method="DELETE", path=f"{OBJECT}/upload"),
        "putPayload": Sent(method="PUT", path=f"{OBJECT}/payload", content=b"x\n9\n", headers=AS_CSV),
        "downloadPayload": Sent(method="GET", path=f"{OBJECT}/payload"),
        "downloadArtifact": Sent(method="GET", path=f"{OBJECT}/artifacts/profile.json"),
        "createLink": Sent(
            method="POST", path=f"{OBJECT}/links", json={"artifact": "profile.json"}, headers=KEY
        ),
        "listLinks": Sent(method="GET", path=f"{OBJECT}/links"),
        "deleteLink": Sent(method="DELETE", path=f"{OBJECT}/links/{{link}}"),
        "openLink": Sent(method="GET", path="/l/{token}"),
        "readHistory": Sent(method="GET", path=f"{OBJECT}/history"),
        "listEvents": Sent(method="GET", path="/v1/events"),
        "createWebhook": Sent(method="POST", path="/v1/webhooks", json=SUBSCRIPTION, headers=KEY),
        "listWebhooks": Sent(method="GET", path="/v1/webhooks"),
        "readWebhook": Sent(method="GET", path=WEBHOOK),
        "updateWebhook": Sent(method="PATCH", path=WEBHOOK, json={"description": "new"}),
        "deleteWebhook": Sent(method="DELETE", path=WEBHOOK),
        "rotateWebhookSecret": Sent(method="POST", path=f"{WEBHOOK}/rotate-secret"),
        "testWebhook": Sent(method="POST", path=f"{WEBHOOK}/test"),
        "listDeliveries": Sent(method="GET", path=f"{WEBHOOK}/deliveries"),
        "replayDelivery": Sent(method="POST", path=f"{WEBHOOK}/deliveries/{{delivery}}/replay"),
        "replayDeliveries": Sent(method="POST", path=f"{WEBHOOK}/replay", json=BETWEEN),
        "listKinds": Sent(method="GET", path="/v1/kinds"),
        "readUsage": Sent(method="GET", path="/v1/usage"),
        "checkHealth": Sent(method="GET", path="/healthz"),
        "checkReadiness": Sent(method="GET", path="/readyz"),
        "readProblem": Sent(method="GET", path="/problems/not_found"),
    }
)
#: Operations on an owner's things, which an admin may read by naming the owner.
READS = tuple(
    operation["operationId"]
    for item in document_of("local")["paths"].values()
    for operation in item.values()
    if any(parameter["name"] == "owner" for parameter in operation.get("parameters", ()))
)

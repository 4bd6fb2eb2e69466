"""Examples of requests and answers; those of problems are in app/api/problems/examples.py.

objects.py   of objects, and all that belongs to one
webhooks.py  of webhooks and deliveries
service.py   of kinds, usage and health
sample.py    the object that they are about

Tests send each request, and check each answer against its schema. Routes name the
examples by the keys of EXAMPLES. The document shows the last part of a key:
`created.record` and `object.record` are both `record`, each in its operation.
"""

from typing import Any

from app.api.openapi.examples.objects import (
    CREATE,
    CREATED,
    DATASET,
    DOWNLOAD,
    FEED,
    GALLERY,
    HISTORY,
    IN_PARTS,
    PAGE,
    PARTS,
    PATCH,
    PAYLOAD,
    RECORD,
    REJECTED,
    REPEATED,
    SHARED,
    SHARED_CREATE,
    SIGNED_PARTS,
    UPLOAD,
    UPLOAD_STATE,
)
from app.api.openapi.examples.sample import READY_AT
from app.api.openapi.examples.service import HEALTHY, KIND_LIST, USAGE
from app.api.openapi.examples.webhooks import (
    DELIVERIES,
    DELIVERY_ID,
    DISABLED,
    REPLAY,
    WEBHOOK,
    WEBHOOK_CREATE,
    WEBHOOK_PATCH,
)

EXAMPLES: dict[str, Any] = {
    **{f"create.{name}": body for name, body in CREATE.items()},
    **{f"patch.{name}": body for name, body in PATCH.items()},
    **{f"upload.{name}": body for name, body in UPLOAD.items()},
    **{f"payload.{name}": body for name, body in PAYLOAD.items()},
    **{f"created.{name}": body for name, body in CREATED.items()},
    **{f"parts.{name}": body for name, body in PARTS.items()},
    **{f"upload_state.{name}": body for name, body in UPLOAD_STATE.items()},
    "signed_parts.two": SIGNED_PARTS,
    "awaited.parts": IN_PARTS,
    "object.record": RECORD,
    "object.dataset": DATASET,
    "object.rejected": REJECTED,
    "queued.dataset": REPEATED,
    "objects.page": PAGE,
    "objects.gallery": GALLERY,
    "history.page": HISTORY,
    "events.page": FEED,
    "download": DOWNLOAD,
    **{f"link_create.{name}": body for name, body in SHARED_CREATE.items()},
    "link_created.picture": SHARED | {"url": "https://api.example.com/l/x0Y6ePq2TzS7u1nKc9dGgA"},
    "links.all": {"items": [SHARED]},
    "kinds": KIND_LIST,
    "usage": USAGE,
    **{f"webhook_create.{name}": body for name, body in WEBHOOK_CREATE.items()},
    **{f"webhook_patch.{name}": body for name, body in WEBHOOK_PATCH.items()},
    **{f"replay.{name}": body for name, body in REPLAY.items()},
    "webhook_created.ready": WEBHOOK | {"secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"},
    "webhook.ready": WEBHOOK,
    "webhook.disabled": DISABLED,
    "webhooks.all": {"items": [WEBHOOK]},
    "deliveries.page": DELIVERIES,
    "queued.delivery": {"delivery_id": DELIVERY_ID},
    "replayed.more": {"count": 1000, "next_after": READY_AT},
    "replayed.all": {"count": 12, "next_after": None},
    "alive": HEALTHY,
    "ready": HEALTHY,
}

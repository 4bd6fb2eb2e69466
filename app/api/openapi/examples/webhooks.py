"""Examples of webhooks and deliveries."""

from typing import Any

from app.api.openapi.examples.sample import CREATED_AT, EXPIRES_AT, ID, READY_AT

WEBHOOK_ID = "7d1b0c5e-5d0b-4c57-9e1f-3a2d8f0c6b21"
DELIVERY_ID = "MjAyNi0wMy0wMVQwOTozMDowMC4wMDBaIzBiN2U3ZDNhOjE"
WEBHOOK_CREATE: dict[str, Any] = {
    "ready": {"url": "https://app.example/wharf", "types": ["object.created", "object.ready"]},
    "filtered": {
        "url": "https://app.example/wharf",
        "kinds": ["dataset"],
        "labels": {"team": "growth"},
        "description": "data sets of the growth team",
    },
}
WEBHOOK_PATCH: dict[str, Any] = {
    "filter": {"types": ["object.ready"], "labels": {"team": None}},
    "enable": {"enabled": True},
}
REPLAY: dict[str, Any] = {
    "failed": {"after": CREATED_AT, "until": EXPIRES_AT, "status": "failed"},
    "counted": {"after": CREATED_AT, "until": EXPIRES_AT, "types": ["object.ready"], "dry_run": True},
}
WEBHOOK: dict[str, Any] = {
    "id": WEBHOOK_ID,
    "kinds": [],
    "labels": {},
    "description": "",
    **WEBHOOK_CREATE["ready"],
    "enabled": True,
    "disabled": None,
    "failing_since": None,
    "secrets": [{"created_at": CREATED_AT, "expires_at": None}],
    "version": 1,
    "created_at": CREATED_AT,
    "updated_at": CREATED_AT,
}
DISABLED: dict[str, Any] = WEBHOOK | {
    "enabled": False,
    "disabled": {"at": READY_AT, "reason": "gone"},
    "version": 2,
    "updated_at": READY_AT,
}
DELIVERIES = {
    "items": [
        {
            "id": DELIVERY_ID,
            "event": {"id": f"{ID}:1", "type": "object.created", "subject": ID, "time": CREATED_AT},
            "status": "pending",
            "attempts": 1,
            "last_attempt": {
                "at": READY_AT,
                "seconds": 0.21,
                "status": 503,
                "error": None,
                "answer": "busy",
            },
            "next_attempt_at": EXPIRES_AT,
        }
    ],
    "next_cursor": None,
}

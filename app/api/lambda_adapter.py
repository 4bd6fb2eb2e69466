"""The app inside Lambda: API Gateway's proxy events through Mangum, and the snapshot (SnapStart)."""

import asyncio
import random
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from mangum import Mangum

#: Mangum sends every other media type in base64. It looks for these as parts of the type.
TEXT_TYPES = ["text/", "application/json", "application/problem+json", "application/javascript"]

#: A readiness check by a caller who is known in every AuthMode and owns nothing.
PRIMING_EVENT: dict[str, Any] = {
    "resource": "/{proxy+}",
    "path": "/readyz",
    "httpMethod": "GET",
    "headers": {},
    "multiValueHeaders": {},
    "queryStringParameters": None,
    "multiValueQueryStringParameters": None,
    "requestContext": {
        "requestId": "priming",
        "path": "/readyz",
        "identity": {"caller": "priming", "apiKeyId": "priming"},
        "authorizer": {"claims": {"sub": "priming"}},
    },
    "body": None,
    "isBase64Encoded": False,
}


def create_handler(app: FastAPI) -> Mangum:
    """Return the handler that answers API Gateway's events with the app."""
    # Mangum looks for a current event loop, which Python 3.12 and later do not make by themselves.
    asyncio.set_event_loop(asyncio.new_event_loop())
    return Mangum(app, lifespan="off", text_mime_types=TEXT_TYPES)


def register_for_snapshots(handler: Callable[[Any, Any], Any], drop_connections: Callable[[], None]) -> None:
    """Prepare for Lambda's snapshot of this process, and for each restore of it, if Lambda takes one.

    One request is answered before the snapshot, which then holds what a first request loads
    and compiles. The request is the readiness check, which asks the table and the bucket and
    changes nothing. After a restore, what only one process may have is made anew.
    """
    try:
        # The module is part of Lambda's runtime only.
        from snapshot_restore_py import (  # noqa: PLC0415
            register_after_restore,
            register_before_snapshot,
        )
    except ModuleNotFoundError:
        return
    register_before_snapshot(handler, PRIMING_EVENT, None)
    register_after_restore(begin_anew, drop_connections)


def begin_anew(drop_connections: Callable[[], None]) -> None:
    """Replace what every process that is restored from one snapshot would share.

    The SDK draws the waits between its retries from `random`, so equal seeds would make all
    processes retry at once. The connections of the snapshot have ended long ago. (AWS Lambda
    Developer Guide, "Handling uniqueness with Lambda SnapStart" and "Maximize Lambda
    SnapStart performance".)
    """
    random.seed()
    drop_connections()

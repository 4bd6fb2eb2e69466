"""The app inside Lambda: API Gateway's proxy events through Mangum, and the snapshot (SnapStart)."""

import asyncio
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


def prime_before_snapshot(handler: Callable[[Any, Any], Any]) -> None:
    """Have one request answered before Lambda takes its snapshot, if it takes one.

    The snapshot then holds what a first request loads, compiles and connects. The request
    is the readiness check, which asks the table and the bucket and changes nothing.
    """
    try:
        # The module is part of Lambda's runtime only.
        from snapshot_restore_py import register_before_snapshot  # noqa: PLC0415
    except ModuleNotFoundError:
        return
    register_before_snapshot(handler, PRIMING_EVENT, None)

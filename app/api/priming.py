"""Answers one request before Lambda takes its snapshot (SnapStart).

What the first request loads, compiles and connects is then in the snapshot. It
is the readiness check, which asks the table and the bucket and changes nothing.
"""

from collections.abc import Callable
from typing import Any

# A caller in every AuthMode; it owns nothing.
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


def prime_before_snapshot(handler: Callable[[Any, Any], Any]) -> None:
    try:
        # Part of Lambda's runtime, and of nothing else.
        from snapshot_restore_py import register_before_snapshot  # noqa: PLC0415
    except ModuleNotFoundError:
        return
    register_before_snapshot(handler, PRIMING_EVENT, None)

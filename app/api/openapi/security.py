"""How a caller proves who they are, and which problems API Gateway itself answers with, by AUTH_MODE."""

from collections.abc import Mapping
from typing import Any

from app.config import AuthMode

Json = dict[str, Any]

#: The security schemes of the document.
SCHEMES: Mapping[AuthMode, Json] = {
    "api-key": {
        "apiKey": {
            "type": "apiKey",
            "in": "header",
            "name": "x-api-key",
            "description": "An API key of this stage. Objects belong to the key that creates them.",
        }
    },
    "iam": {
        "iam": {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "x-amazon-apigateway-authtype": "awsSigv4",
            "description": "AWS Signature Version 4 for the service `execute-api`; every AWS SDK can sign.",
        }
    },
    "cognito": {
        "cognito": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "An access token of the user pool, with the scope `wharf/objects`.",
        }
    },
    "local": {
        "owner": {
            "type": "apiKey",
            "in": "header",
            "name": "X-Owner",
            "description": "Act as this owner, to try how owners are kept apart. The default is `me`.",
        }
    },
}


def requirement(auth_mode: AuthMode) -> list[Json]:
    """Return what every operation requires that is not open. Locally nothing is required."""
    needed: Json = {name: [] for name in SCHEMES[auth_mode]}
    return [{}, needed] if auth_mode == "local" else [needed]


def gateway_codes(auth_mode: AuthMode, *, is_open: bool) -> tuple[str, ...]:
    """Return the problems that API Gateway may answer with before a request reaches the service."""
    if auth_mode == "local":
        return ()
    everywhere = ("bad_request", "too_many_requests")
    return everywhere if is_open else (*everywhere, "forbidden")

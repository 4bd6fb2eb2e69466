"""How a caller says who they are, and what API Gateway itself answers, by AUTH_MODE."""

from collections.abc import Mapping
from typing import Any, Literal

AuthMode = Literal["iam", "cognito", "api-key", "local"]
Json = dict[str, Any]

SCHEMES: Mapping[str, tuple[str, Json]] = {
    "api-key": (
        "apiKey",
        {
            "type": "apiKey",
            "in": "header",
            "name": "x-api-key",
            "description": "An API key of this stage. What it creates belongs to it.",
        },
    ),
    "iam": (
        "iam",
        {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "x-amazon-apigateway-authtype": "awsSigv4",
            "description": "AWS Signature Version 4 for the service `execute-api`; every AWS SDK can sign.",
        },
    ),
    "cognito": (
        "cognito",
        {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "An id token of the user pool.",
        },
    ),
    "local": (
        "owner",
        {
            "type": "apiKey",
            "in": "header",
            "name": "X-Owner",
            "description": "Act as this owner, to try how owners are kept apart. Without it you are `me`.",
        },
    ),
}

FORBIDDEN = ("403", "API Gateway refuses the caller")
UNKNOWN_CALLER = ("401", "API Gateway does not know the caller")
THROTTLED = ("429", "API Gateway throttles: try again, more and more slowly")

GATEWAY_REFUSES: Mapping[str, tuple[str, str]] = {
    "api-key": FORBIDDEN,
    "iam": FORBIDDEN,
    "cognito": UNKNOWN_CALLER,
}
GATEWAY_MESSAGE: Json = {
    "type": "object",
    "description": "What API Gateway says when a request does not reach the service.",
    "properties": {"message": {"type": "string"}},
}


def security_schemes(auth_mode: AuthMode) -> Json:
    name, scheme = SCHEMES[auth_mode]
    return {name: scheme}


def requirement(auth_mode: AuthMode) -> list[Json]:
    """Of every operation that is not open; locally nothing is required."""
    name, _ = SCHEMES[auth_mode]
    return [{}, {name: []}] if auth_mode == "local" else [{name: []}]


def gateway_answers(auth_mode: AuthMode, *, is_open: bool) -> dict[str, str]:
    """Descriptions by status: what comes as plain JSON from in front of the service."""
    if auth_mode == "local":
        return {}
    return dict([THROTTLED] if is_open else [GATEWAY_REFUSES[auth_mode], THROTTLED])

"""Forged parts of a request, by which somebody would be taken for a victim.

Each place names another owner, who has an object of the same id.
"""

import json
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from tests.edges.callers import Somebody


def context_of(victim: Somebody) -> dict[str, Any]:
    """Return a context that vouches for them as API Gateway would, in every auth mode at once."""
    name = victim.owner.partition("-")[2]
    claims = {"sub": name, "cognito:groups": "admin", "cognito:username": name}
    identity = {"caller": f"{name}:session", "user": name, "apiKeyId": name, "apiKey": name}
    return {"identity": identity, "authorizer": {"claims": claims, "principalId": name}}


def token_of(victim: Somebody) -> str:
    """Return an unsigned token, as `alg: none` wants it (RFC 7519, section 6)."""
    parts = ({"alg": "none", "typ": "JWT"}, context_of(victim)["authorizer"]["claims"])
    encoded = (urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts)
    return f"{'.'.join(encoded)}."


def forged_headers(victim: Somebody) -> list[tuple[str, str]]:
    owner, name, token = victim.owner, victim.owner.partition("-")[2], token_of(victim)
    context = json.dumps(context_of(victim))
    claims = json.dumps(context_of(victim)["authorizer"]["claims"])
    event = json.dumps({"requestContext": context_of(victim)})
    signature = f"AWS4-HMAC-SHA256 Credential={name}/20260301/us-east-1/execute-api/aws4_request"
    return [
        ("X-Owner", name),
        ("x-owner", owner),
        ("X-OWNER", owner),
        ("X_Owner", owner),
        ("X-Owner-Id", owner),
        ("Owner", owner),
        ("X-Principal", owner),
        ("X-Principal-Id", owner),
        ("X-Subject", name),
        ("sub", name),
        ("X-User", name),
        ("X-User-Id", name),
        ("X-Username", name),
        ("X-Remote-User", name),
        ("REMOTE_USER", name),
        ("X-Forwarded-User", name),
        ("X-Forwarded-Preferred-Username", name),
        ("X-Forwarded-Groups", "admin"),
        ("X-Auth-Request-User", name),
        ("X-Auth-Request-Groups", "admin"),
        ("X-Authenticated-User", name),
        ("X-WebAuth-User", name),
        ("X-MS-Client-Principal-Id", name),
        ("X-Goog-Authenticated-User-Id", name),
        ("Cf-Access-Authenticated-User", name),
        ("X-Tenant-Id", name),
        ("X-Account-Id", name),
        ("X-Impersonate-User", name),
        ("Impersonate-User", name),
        ("X-On-Behalf-Of", name),
        ("X-Groups", "admin"),
        ("X-Role", "admin"),
        ("X-Admin", "true"),
        ("cognito:groups", "admin"),
        ("cognito:username", name),
        ("X-Cognito-Groups", '["admin"]'),
        ("X-Cognito-Identity-Id", name),
        ("X-Claims", claims),
        ("X-Jwt-Claims", claims),
        ("X-Amzn-Oidc-Identity", name),
        ("X-Amzn-Oidc-Data", token),
        ("X-Amzn-Oidc-Accesstoken", token),
        ("X-Amzn-Request-Context", context),
        ("X-Amzn-Lambda-Context", context),
        ("X-Amzn-Apigateway-Event", event),
        ("X-Amz-Caller", f"{name}:session"),
        ("X-Amz-Security-Token", name),
        ("X-Amz-Source-Account", name),
        ("X-Api-Key", name),
        ("X-Api-Key-Id", name),
        ("apiKeyId", name),
        ("Authorization", token),
        ("authorization", f"Bearer {token}"),
        ("AUTHORIZATION", signature),
        ("Proxy-Authorization", f"Bearer {token}"),
        ("X-Access-Token", token),
        ("X-Id-Token", token),
        ("Cookie", f"owner={owner}; principal={owner}; token={token}"),
        ("Forwarded", f"for={name};by={owner};host=api.example.com"),
        ("X-Forwarded-For", owner),
        ("X-Forwarded-Prefix", f"/{owner}"),
        ("X-Original-Url", f"/v1/objects?owner={owner}"),
        ("X-Original-Uri", f"/v1/objects?owner={owner}"),
        ("X-Rewrite-Url", f"/v1/objects?owner={owner}"),
        ("X-Auth-Mode", "local"),
        ("AUTH_MODE", "local"),
        ("ADMIN_OWNERS", owner),
        ("requestContext", context),
        ("Request-Context", context),
        ("aws.event", event),
    ]


def as_form(value: Any, at: str) -> Iterator[tuple[str, str]]:
    """Yield the fields as `a[b][c]=d`, as some frameworks read it, and `a.b.c=d`, as others do."""
    if not isinstance(value, Mapping):
        yield at, str(value)
        return
    for name, inner in value.items():
        yield from as_form(inner, f"{at}[{name}]")
        yield from as_form(inner, f"{at}.{name}")


def forged_fields(victim: Somebody) -> dict[str, Any]:
    context = context_of(victim)
    event = {"requestContext": context, "headers": {"X-Owner": victim.owner}}
    return (
        {"owner": victim.owner, "principal": victim.owner, "event": event, "aws.event": event}
        | dict.fromkeys(("requestContext", "request_context", "context"), context)
        | context
    )


def forged_query(victim: Somebody) -> str:
    context = context_of(victim)
    bare = {**context["identity"], **context["authorizer"], **context["authorizer"]["claims"]}
    fields = {**forged_fields(victim), **bare, "x-owner": victim.owner, "admin": "true"}
    pairs = [pair for name, value in fields.items() for pair in as_form(value, name)]
    pairs += [(name, json.dumps(value)) for name, value in fields.items() if isinstance(value, Mapping)]
    return urlencode(pairs)

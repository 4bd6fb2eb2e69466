"""Two callers in each auth mode, as API Gateway vouches for them, or as the local runtime believes them.

Each stands at the door that the mode has: Lambda's where it is deployed, uvicorn's where it is local.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
from fastapi import FastAPI
from starlette.testclient import TestClient

from app.config import AuthMode
from tests.edges.conftest import through_lambda
from tests.edges.described import Described
from tests.events import load


@dataclass(frozen=True, slots=True)
class Somebody:
    auth_mode: AuthMode
    owner: str
    vouched: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


def _context(event: str) -> dict[str, Any]:
    context: dict[str, Any] = load(event)["requestContext"]
    return context


def iam(unique_id: str) -> Somebody:
    caller = f"{unique_id}:session"
    identity = _context("api_iam")["identity"] | {"caller": caller, "user": caller}
    return Somebody("iam", f"iam-{unique_id}", {"identity": identity})


def cognito(subject: str, groups: Any = None) -> Somebody:
    context = _context("api_cognito")
    claims = context["authorizer"]["claims"] | {"sub": subject, "username": subject}
    if groups is not None:
        claims["cognito:groups"] = groups
    vouched = {"identity": context["identity"], "authorizer": {"claims": claims}}
    return Somebody("cognito", f"cognito-{subject}", vouched)


def api_key(key_id: str) -> Somebody:
    identity = _context("api_key")["identity"] | {"apiKeyId": key_id}
    return Somebody("api-key", f"key-{key_id}", {"identity": identity})


def local(name: str) -> Somebody:
    return Somebody("local", f"local-{name}", headers={"X-Owner": name})


CALLERS: Mapping[str, Somebody] = {
    "iam": iam("AIDACALLER"),
    "cognito": cognito("5f0c2f0e-caller"),
    "api-key": api_key("caller1"),
    "local": local("caller"),
}
OTHERS: Mapping[str, Somebody] = {
    "iam": iam("AIDAOTHER"),
    "cognito": cognito("91aa07d2-other"),
    "api-key": api_key("other2"),
    "local": local("other"),
}
DEPLOYED = ("iam", "cognito", "api-key")


@contextmanager
def client_of(app: FastAPI, somebody: Somebody) -> Iterator[httpx2.Client]:
    """Every exchange is checked against the OpenAPI document. One at a time: Mangum needs the event loop."""
    door = (
        TestClient(app, follow_redirects=False)
        if somebody.auth_mode == "local"
        else through_lambda(app, vouched=somebody.vouched)
    )
    with door as client:
        client.headers.update(somebody.headers)
        client.event_hooks["response"].append(Described(somebody.auth_mode))
        yield client

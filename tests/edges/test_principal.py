"""Who the caller is: what API Gateway vouches for, and nothing that a client sends."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import Request

from app.api.principal import principal_of
from app.domain.errors import Unauthenticated
from tests.edges.conftest import settings_for
from tests.edges.doors import proxy_event

IAM = {"caller": "AIDAEXAMPLE:session"}
KEY = {"apiKeyId": "k1"}
CLAIMS = {"claims": {"sub": "0b7e7d3a-9a0e-4e6f-8a51-2f1c7f1f6a10"}}


def request_with(
    auth_mode: str,
    *,
    identity: Mapping[str, Any] | None = None,
    authorizer: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
    **settings: Any,
) -> Request:
    event = proxy_event("GET", "/v1/objects", headers=headers, identity=identity or {})
    event["requestContext"]["authorizer"] = authorizer
    raw = [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()]

    app = SimpleNamespace(state=SimpleNamespace(settings=settings_for(auth_mode, **settings)))
    return Request({"type": "http", "headers": raw, "aws.event": event, "app": app})


def owner(*given: Any, **more: Any) -> str:
    return principal_of(request_with(*given, **more)).owner


def test_an_iam_caller_owns_by_unique_id_without_the_session() -> None:
    assert owner("iam", identity=IAM) == "iam-AIDAEXAMPLE"


def test_a_cognito_user_owns_by_subject() -> None:
    assert owner("cognito", authorizer=CLAIMS) == "cognito-0b7e7d3a-9a0e-4e6f-8a51-2f1c7f1f6a10"


def test_an_api_key_owns_by_its_id() -> None:
    assert owner("api-key", identity=KEY) == "key-k1"


def test_a_rotated_key_owns_what_the_setting_says() -> None:
    assert owner("api-key", identity=KEY, key_owners='{"k1": "key-k0"}') == "key-k0"


def test_only_the_local_mode_believes_a_header() -> None:
    assert owner("local") == "local-me"
    assert owner("local", headers={"X-Owner": "you"}) == "local-you"
    assert owner("api-key", identity=KEY, headers={"X-Owner": "you"}) == "key-k1"


@pytest.mark.parametrize(
    ("auth_mode", "given"),
    [
        ("iam", {"identity": KEY}),
        ("iam", {"identity": {"caller": None}}),
        ("iam", {"authorizer": CLAIMS}),
        ("cognito", {"identity": IAM | KEY}),
        ("cognito", {"authorizer": {"claims": None}}),
        ("cognito", {"authorizer": {"claims": {"sub": "a#b"}}}),
        ("api-key", {"identity": IAM}),
        ("api-key", {"identity": {"apiKey": "secret", "apiKeyId": ""}}),
        ("api-key", {"headers": {"X-Owner": "you", "x-api-key": "k1"}}),
        ("local", {"headers": {"X-Owner": "a#b"}}),
        ("local", {"headers": {"X-Owner": "x" * 64}}),
    ],
)
def test_nobody_else_is_anybody(auth_mode: str, given: dict[str, Any]) -> None:
    with pytest.raises(Unauthenticated):
        owner(auth_mode, **given)

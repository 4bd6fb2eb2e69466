"""Who the caller is: what API Gateway vouches for, and nothing that a client sends."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import Request

from app.api.caller import principal_of
from app.config import ApiSettings, ConfigurationError
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


def is_admin(*given: Any, **more: Any) -> bool:
    return principal_of(request_with(*given, **more)).is_admin


def in_groups(claim: Any) -> dict[str, Any]:
    return {"claims": {**CLAIMS["claims"], "cognito:groups": claim}}


@pytest.mark.parametrize(
    "claim",
    [
        "admin",
        "admin,users",
        "users,admin",
        "[admin users]",
        "[users, admin]",
        '["users", "admin"]',
        "[admin]",
        ["users", "admin"],
    ],
    ids=str,
)
def test_a_member_of_the_group_is_an_admin_however_the_claim_is_written(claim: Any) -> None:
    assert is_admin("cognito", authorizer=in_groups(claim))


@pytest.mark.parametrize(
    "claim",
    [
        *(None, "", "users", "not-admin", "administrators", "Admin", "ADMIN", "super.admin", "admin-eu"),
        *(
            "not-admin,administrators",
            "[not-admin administrators]",
            '["administrators"]',
            "[]",
            "[",
            "admin]",
        ),
        *("my admin", "admin;users", "[[admin]", '[["admin"]]', '{"admin": true}', ["administrators"]),
        *([["admin"]], {"admin": True}, True, 1),
    ],
    ids=str,
)
def test_no_other_group_makes_an_admin(claim: Any) -> None:
    assert not is_admin("cognito", authorizer=in_groups(claim))


def test_an_iam_caller_is_an_admin_when_its_owner_is_named() -> None:
    assert is_admin("iam", identity=IAM, admin_owners="iam-AIDAELSE, iam-AIDAEXAMPLE")
    assert not is_admin("iam", identity=IAM)
    for named in ("iam-AIDAEXAMPL", "iam-AIDAEXAMPLE2", "AIDAEXAMPLE", "IAM-AIDAEXAMPLE", "iam-AIDAELSE"):
        assert not is_admin("iam", identity=IAM, admin_owners=named)


def test_locally_it_can_be_tried() -> None:
    assert is_admin("local", admin_owners="local-me")
    assert not is_admin("local", headers={"X-Owner": "you"}, admin_owners="local-me")


def test_each_mode_has_one_way_to_make_an_admin_and_api_keys_have_none() -> None:
    everything = IAM | KEY
    groups = in_groups("admin")

    assert not is_admin("iam", identity=everything, authorizer=groups)
    assert not is_admin("local", identity=everything, authorizer=groups)
    assert not is_admin("cognito", authorizer=CLAIMS, admin_owners=owner("cognito", authorizer=CLAIMS))
    assert not is_admin("api-key", identity=everything, authorizer=groups, admin_owners="key-k1")
    assert not is_admin(
        "api-key", identity=KEY, key_owners='{"k1": "iam-AIDAEXAMPLE"}', admin_owners="iam-AIDAEXAMPLE"
    )


@pytest.mark.parametrize(
    "named", ["iam-A,arn:aws:iam::1:user/b", "a#b", "x" * 65, "*", "iam-A iam-B", "iam-A\niam-B"]
)
def test_an_admin_that_can_be_no_owner_stops_the_start(named: str) -> None:
    environment = {
        "TABLE_NAME": "objects",
        "BUCKET_NAME": "payloads",
        "AUTH_MODE": "iam",
        "ADMIN_OWNERS": named,
    }
    with pytest.raises(ConfigurationError, match="ADMIN_OWNERS"):
        ApiSettings.from_environment(environment)


def test_no_admin_needs_to_be_named() -> None:
    for named in ("", " ", ","):
        assert settings_for("iam", admin_owners=named).admin_owners == frozenset()

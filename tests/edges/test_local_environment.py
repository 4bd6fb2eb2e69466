"""The settings of the local runtime, whose one process stands for all functions."""

from app.local.aws.stack import Function
from app.local.runtime import set_environment
from app.local.settings import PARAMETERS


def function(**environment: str) -> Function:
    return Function(
        name="api",
        timeout_seconds=3,
        environment=environment,
        source_arn=None,
        batch_size=1,
        filters=(),
    )


def test_they_are_the_templates_but_for_the_auth_mode() -> None:
    environment = {"LIST_SHARDS": "9", "HOME": "/home"}
    set_environment(
        environment, [function(AUTH_MODE="api-key", LIST_SHARDS="2"), function(BUS_NAME="domain")]
    )

    assert environment == {"AUTH_MODE": "local", "LIST_SHARDS": "2", "BUS_NAME": "domain", "HOME": "/home"}


def test_admins_are_whom_the_person_names_who_starts_it() -> None:
    """The stack that is deployed here is in a mode that refuses the parameter."""
    environment = {"ADMIN_OWNERS": "local-me"}
    set_environment(environment, [function(AUTH_MODE="api-key", ADMIN_OWNERS="")])

    assert environment == {"AUTH_MODE": "local", "ADMIN_OWNERS": "local-me"}
    assert "ADMIN_OWNERS" not in PARAMETERS


def test_there_are_none_unless_somebody_names_them() -> None:
    environment: dict[str, str] = {}
    set_environment(environment, [function(ADMIN_OWNERS="")])

    assert environment["ADMIN_OWNERS"] == ""

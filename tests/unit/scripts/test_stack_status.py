"""A stack that no deployment gets out of its state is told before anything is built."""

from typing import Any, get_args

import pytest
from moto import mock_aws
from mypy_boto3_cloudformation.literals import StackStatusType

from scripts.ops import deployment
from scripts.ops.account import Account
from scripts.ops.stack_status import DEPLOYABLE, SAM_STACK, obstacle, obstacle_of_sam


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ("ROLLBACK_COMPLETE", "its creation failed. Run `scripts/ops/destroy.sh prod --with-data` first"),
        ("ROLLBACK_FAILED", "its creation failed. Run `scripts/ops/destroy.sh prod --with-data` first"),
        ("CREATE_FAILED", "its creation failed. Run `scripts/ops/destroy.sh prod --with-data` first"),
        ("DELETE_FAILED", "Run `scripts/ops/destroy.sh prod` first"),
        ("UPDATE_FAILED", "Run `aws cloudformation rollback-stack --stack-name wharf-prod` first"),
        (
            "UPDATE_ROLLBACK_FAILED",
            "Run `aws cloudformation continue-update-rollback --stack-name wharf-prod` first",
        ),
        ("UPDATE_IN_PROGRESS", "wait until it is not"),
        ("ROLLBACK_IN_PROGRESS", "wait until it is not"),
        ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "wait until it is not"),
    ],
)
def test_a_stack_that_is_stuck_is_told_with_the_way_out(status: str, told: str) -> None:
    found = obstacle("prod", "wharf-prod", status)

    assert found is not None
    assert found.startswith(f"The stack wharf-prod is {status}: ")
    assert told in found


def test_no_stack_and_each_complete_one_can_be_deployed_to() -> None:
    assert obstacle("dev", "wharf-dev", None) is None
    assert {status for status in get_args(StackStatusType) if not obstacle("dev", "wharf-dev", status)} == (
        DEPLOYABLE
    )


@mock_aws
def test_the_check_refuses_what_failed_to_be_created(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-north-1")
    described: dict[str, Any] = {"StackStatus": "ROLLBACK_COMPLETE", "Parameters": []}
    monkeypatch.setattr("app.local.aws.stack.described", lambda _client, _name: described)
    monkeypatch.setattr("sys.argv", ["deployment", "check", "prod"])

    assert deployment.main() == 1

    printed = capsys.readouterr().out
    assert "Run `scripts/ops/destroy.sh prod --with-data` first" in printed
    assert f"delete-stack --stack-name {SAM_STACK}` first" in printed


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (None, None),
        ("CREATE_COMPLETE", None),
        ("UPDATE_ROLLBACK_COMPLETE", None),
        ("CREATE_IN_PROGRESS", "wait until it is not"),
        ("REVIEW_IN_PROGRESS", "delete-stack"),
        ("ROLLBACK_COMPLETE", "delete-stack"),
    ],
)
def test_a_first_deployment_that_was_interrupted_may_have_left_sam_without_its_bucket(
    status: str | None, told: str | None
) -> None:
    found = obstacle_of_sam(status)

    assert found is None if told is None else told in str(found)


@mock_aws
@pytest.mark.parametrize(("mode", "status"), [("cognito", 1), ("iam", 0)])
def test_the_check_refuses_what_the_region_does_not_have(
    mode: str, status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "cn-north-1")
    monkeypatch.setattr("scripts.ops.account.look_at", lambda _session: Account("cn-north-1", True, 1000))
    monkeypatch.setattr("sys.argv", ["deployment", "check", "dev", f"AuthMode={mode}"])

    assert deployment.main() == status

    assert ("has no user pools in cn-north-1" in capsys.readouterr().out) is (mode == "cognito")

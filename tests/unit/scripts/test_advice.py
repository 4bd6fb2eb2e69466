"""The advice before a deployment."""

import json
from typing import Any

import boto3
import pytest
from moto import mock_aws

from scripts.ops.advice import advice, deployed_with

BELOW = {
    "RequestsPerSecond": "100",
    "KeyRequestsPerSecond": "25",
    "RequestBurst": "200",
    "KeyRequestBurst": "50",
}


@pytest.mark.parametrize("mode", ["iam", "cognito"])
def test_a_mode_that_knows_its_callers_needs_no_advice(mode: str) -> None:
    assert list(advice("eu-north-1", {**BELOW, "AuthMode": mode, "KeyRequestBurst": "1000"})) == []


def test_who_deploys_api_keys_is_told_what_they_are_for() -> None:
    [told] = advice("eu-north-1", {**BELOW, "AuthMode": "api-key"})

    assert told.startswith("AuthMode is api-key.")
    assert "cognito" in told


@pytest.mark.parametrize(("name", "value"), [("KeyRequestsPerSecond", "100"), ("KeyRequestBurst", "200.0")])
def test_a_key_that_could_use_up_everything_is_named(name: str, value: str) -> None:
    _, told = advice("eu-north-1", {**BELOW, "AuthMode": "api-key", name: value})

    assert told.startswith(f"{name} is not below {name.removeprefix('Key')}")


def test_in_china_the_open_paths_need_a_licence() -> None:
    [told] = advice("cn-northwest-1", {**BELOW, "AuthMode": "iam"})

    assert "ICP licence" in told


class TestWhatWillBeDeployed:
    @pytest.fixture
    def client(self) -> Any:
        with mock_aws():
            yield boto3.session.Session().client("cloudformation")

    def test_a_first_deployment_has_the_defaults(self, client: Any) -> None:
        found = deployed_with(client, "wharf-dev", {"Stage": "prod"})

        assert (found["AuthMode"], found["Stage"], found["RequestBurst"]) == ("api-key", "prod", "200")

    def test_a_stack_keeps_what_is_not_given(self, client: Any) -> None:
        names = ("AuthMode", "RequestBurst")
        template = {
            "Parameters": {name: {"Type": "String"} for name in names},
            "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
        }
        client.create_stack(
            StackName="wharf-dev",
            TemplateBody=json.dumps(template),
            Parameters=[
                {"ParameterKey": "AuthMode", "ParameterValue": "iam"},
                {"ParameterKey": "RequestBurst", "ParameterValue": "7"},
            ],
        )
        found = deployed_with(client, "wharf-dev", {"RequestBurst": "9"})

        assert (found["AuthMode"], found["RequestBurst"]) == ("iam", "9")

    def test_a_stack_that_nobody_has_created_yet_has_the_defaults(
        self, client: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """SAM creates it with them, whatever its change set had."""
        changed = [{"ParameterKey": "AuthMode", "ParameterValue": "iam"}]
        under_review = {"StackStatus": "REVIEW_IN_PROGRESS", "Parameters": changed}
        monkeypatch.setattr("app.local.aws.stack.described", lambda _client, _name: under_review)

        assert deployed_with(client, "wharf-dev", {})["AuthMode"] == "api-key"

"""Advice to a person who deploys, and the reasons for which AWS would refuse a deployment."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from app.local.aws import stack
from scripts.ops.parameters import declared

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

#: A limit of each API key, and the limit of all callers together that it must stay below.
KEY_LIMITS = {"KeyRequestsPerSecond": "RequestsPerSecond", "KeyRequestBurst": "RequestBurst"}


def objection(region: str, parameters: Mapping[str, str]) -> str | None:
    """Return why AWS cannot create this stack in the region; None if no reason is known."""
    if is_in_china(region) and parameters["AuthMode"] == "cognito":
        return f"Amazon Cognito has no user pools in {region}. Deploy with AuthMode=iam (docs/deploying.md)."
    return None


def is_in_china(region: str) -> bool:
    return region.startswith("cn-")


def advice(region: str, parameters: Mapping[str, str]) -> Iterator[str]:
    """Yield what to think about, in a sentence each. `parameters` are all that will be deployed."""
    if is_in_china(region):
        yield (
            "Without an ICP licence, API Gateway in China answers signed requests only. The open paths and "
            "API keys do not work then, and the smoke test fails. Use AuthMode=iam until the account has one."
        )
    if parameters["AuthMode"] != "api-key":
        return
    yield (
        "AuthMode is api-key. A key tells tenants apart and limits them, but is a secret that is sent with "
        "each request and never expires. Use cognito for people and strangers, and iam for AWS roles."
    )
    for own, together in KEY_LIMITS.items():
        if float(parameters[own]) >= float(parameters[together]):
            yield f"{own} is not below {together}, so one API key can use up what all callers have together."


def deployed_with(client: "CloudFormationClient", name: str, given: Mapping[str, str]) -> dict[str, str]:
    """Return every parameter's value after a deployment of `given`: the others keep theirs."""
    defaults = {parameter: str(one.get("Default", "")) for parameter, one in declared().items()}
    return defaults | stack.parameters_of(client, name) | dict(given)

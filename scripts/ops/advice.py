"""What a person who deploys should think about. Nothing here stops a deployment."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError
from samtranslator.yaml_helper import yaml_parse

from app.local.template import TEMPLATE

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

#: A limit of each API key, and the limit of all callers together that it must stay below.
KEY_LIMITS = {"KeyRequestsPerSecond": "RequestsPerSecond", "KeyRequestBurst": "RequestBurst"}


def advice(parameters: Mapping[str, str]) -> Iterator[str]:
    """Yield what to think about, in a sentence each. `parameters` are all that will be deployed."""
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
    declared = yaml_parse(TEMPLATE.read_text())["Parameters"]
    defaults = {parameter: str(one.get("Default", "")) for parameter, one in declared.items()}
    return defaults | _current(client, name) | dict(given)


def _current(client: "CloudFormationClient", name: str) -> dict[str, str]:
    try:
        described = client.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as unknown:
        if "does not exist" not in str(unknown):
            raise
        return {}
    return {one["ParameterKey"]: one["ParameterValue"] for one in described.get("Parameters", [])}

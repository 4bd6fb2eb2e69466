"""The part of deploy.sh that is not SAM: `python -m scripts.ops.deployment <action> STAGE [Name=Value ...]`.

check        before building; a line for each lack, and 1
parameters   after building; those of samconfig.toml, but the given ones win, and Revision
finish       after deploying; deletes old versions, prints the stack's outputs
api-key      the value of the stage's first API key
"""

import hashlib
import json
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from samtranslator.yaml_helper import yaml_parse

from app.local import stack
from app.local.errors import CannotStart
from scripts.ops import stages

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

ROOT = Path(__file__).parents[2]
ACCOUNT_TEMPLATE = ROOT / "account.yaml"
CONFIGURATION = ROOT / "samconfig.toml"
BUILT = ROOT / ".aws-sam" / "build"
CONFIGURED_AS = {"dev": "default"}
ACCOUNT_STACK = "wharf-account"
FUNCTIONS = ("ApiFunction", "WorkerFunction", "RelayFunction")
KEPT_VERSIONS = 2
"""Besides those that an alias names: to roll back to by hand. Each snapshot of a version is billed."""

Json = dict[str, Any]


def main(arguments: Sequence[str] | None = None) -> int:
    action, stage, *overrides = sys.argv[1:] if arguments is None else arguments
    parameters = parameters_of(stage, overrides)
    match action:
        case "parameters":
            named = parameters | {"Revision": stack.revision_of(fingerprint(BUILT), parameters)}
            print("\n".join(as_override(name, value) for name, value in named.items()))
        case "check":
            return check(boto3.session.Session(), parameters)
        case "finish":
            finish(boto3.session.Session(), stages.stack_name(stage))
        case "api-key":
            print(api_key(boto3.session.Session(), stages.stack_name(stage)))
    return 0


def parameters_of(stage: str, overrides: Sequence[str]) -> dict[str, str]:
    """Those that are given win over those of samconfig.toml; `sam deploy` would take either, not both."""
    configured = tomllib.loads(CONFIGURATION.read_text())[CONFIGURED_AS.get(stage, stage)]
    words = [*configured["deploy"]["parameters"]["parameter_overrides"], *overrides]
    return dict(word.split("=", 1) for word in words)


def as_override(name: str, value: str) -> str:
    """As `sam deploy` reads it: a bare value ends at a space or a quote, so JSON would be cut off."""
    escaped = value.replace('"', '\\"')
    return f'{name}="{escaped}"'


def fingerprint(folder: Path) -> str:
    """Of all files in a folder, by names and contents. Raises CannotStart when there are none."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(folder)} {path.stat().st_size}\n".encode())
        digest.update(path.read_bytes())
    if not any(folder.glob("*")):
        raise CannotStart(f"There is nothing in {folder}: run `sam build` first.")
    return digest.hexdigest()


def check(session: boto3.session.Session, parameters: Mapping[str, str]) -> int:
    identity = session.client("sts").get_caller_identity()
    print(f"Account {identity['Account']}, region {session.region_name}, as {identity['Arn']}")
    allow_gateway_logs(session)
    key = parameters.get("KmsKeyArn")
    lacks = list(missing_principals(key_policy(session, key), session.region_name)) if key else []
    for service in lacks:
        print(f"The policy of {key} does not let {service} use it: docs/deploying.md has the statement.")
    return int(bool(lacks))


def allow_gateway_logs(session: boto3.session.Session) -> None:
    """Once for an account and region, and only where nobody did it before."""
    if not session.client("apigateway").get_account().get("cloudwatchRoleArn"):
        print(f"Creating the stack {ACCOUNT_STACK}: API Gateway needs a role to write access logs.")
        template = json.dumps(yaml_parse(ACCOUNT_TEMPLATE.read_text()))
        stack.apply(session.client("cloudformation"), ACCOUNT_STACK, template, {})


def key_policy(session: boto3.session.Session, key: str) -> Json:
    answer = session.client("kms").get_key_policy(KeyId=key, PolicyName="default")
    policy: Json = json.loads(answer["Policy"])
    return policy


def missing_principals(policy: Mapping[str, Any], region: str) -> Iterator[str]:
    """The services that work for the stack with the key, and that no statement of its policy allows.

    Whether their conditions fit is not looked into.
    """
    allowed = set(_service_principals(policy))
    for service in ("events.amazonaws.com", f"logs.{region}.amazonaws.com", "cloudwatch.amazonaws.com"):
        if service not in allowed:
            yield service


def _service_principals(policy: Mapping[str, Any]) -> Iterator[str]:
    for statement in policy["Statement"]:
        if statement["Effect"] == "Allow" and isinstance(statement.get("Principal"), dict):
            named = statement["Principal"].get("Service", [])
            yield from [named] if isinstance(named, str) else named


def api_key(session: boto3.session.Session, name: str) -> str:
    key_id = stack.outputs_of(session.client("cloudformation"), name)["ApiKeyId"]
    value: str = session.client("apigateway").get_api_key(apiKey=key_id, includeValue=True)["value"]
    return value


def finish(session: boto3.session.Session, name: str) -> None:
    client = session.client("lambda")
    described = session.client("cloudformation").describe_stack_resources(StackName=name)
    ids = {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in described["StackResources"]}
    for function in FUNCTIONS:
        for version in delete_old_versions(client, ids[function]):
            print(f"Deleted version {version} of {ids[function]}")
    for key, value in sorted(stack.outputs_of(session.client("cloudformation"), name).items()):
        print(f"{key}={value}")


def delete_old_versions(client: "LambdaClient", function: str) -> list[str]:
    pages = client.get_paginator("list_versions_by_function").paginate(FunctionName=function)
    versions = [one["Version"] for page in pages for one in page["Versions"]]
    aliases = client.list_aliases(FunctionName=function)["Aliases"]
    deleted = old_versions(versions, in_use=_named_by(aliases))
    for version in deleted:
        client.delete_function(FunctionName=function, Qualifier=version)
    return deleted


def _named_by(aliases: Iterable[Any]) -> set[str]:
    """An alias that is shifting traffic names two versions."""
    named = set()
    for alias in aliases:
        named |= {
            alias["FunctionVersion"],
            *alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {}),
        }
    return named


def old_versions(versions: Iterable[str], *, in_use: set[str]) -> list[str]:
    """What may go: neither in use nor among the newest of the rest; the oldest first."""
    unused = sorted({int(one) for one in versions if one != "$LATEST"} - {int(one) for one in in_use})
    return [str(version) for version in unused[: max(0, len(unused) - KEPT_VERSIONS)]]


if __name__ == "__main__":
    stages.run(main)

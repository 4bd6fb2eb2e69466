"""The part of deploy.sh that is not SAM: `python -m scripts.ops.deployment <action> STAGE [Name=Value ...]`.

check        before building: print advice, and what is lacking; exit with 1 if the key lacks something
parameters   after building: print the parameters to deploy with, Revision among them
finish       after deploying: delete old versions and print the stack's outputs
api-key      print the value of the stage's first API key
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
from app.local.template import TEMPLATE
from scripts.ops import account, stages
from scripts.ops.advice import advice, deployed_with

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

ROOT = Path(__file__).parents[2]
CONFIGURATION = ROOT / "samconfig.toml"
BUILT = ROOT / ".aws-sam" / "build"
CONFIGURED_AS = {"dev": "default"}
FUNCTIONS = ("ApiFunction", "WorkerFunction", "RelayFunction")
#: Versions kept for a rollback by hand, besides those that an alias names. Each version's snapshot is billed.
KEPT_VERSIONS = 2

Json = dict[str, Any]


def main() -> int:
    action, stage, *overrides = sys.argv[1:]
    parameters, name = parameters_of(stage, overrides), stages.stack_name(stage)
    session = boto3.session.Session()
    match action:
        case "parameters":
            named = {**parameters, **adaptation(session, name, parameters).parameters}
            named["Revision"] = stack.revision_of(fingerprint(BUILT), named)
            print("\n".join(as_override(name, value) for name, value in named.items()))
        case "check":
            status = check(session, name, parameters)
            for line in advice(deployed_with(session.client("cloudformation"), name, parameters)):
                print(f"Note: {line}")
            return status
        case "finish":
            finish(session, name)
        case "api-key":
            print(api_key(session, name))
    return 0


def parameters_of(stage: str, overrides: Sequence[str]) -> dict[str, str]:
    """Return the stage's parameters from samconfig.toml, replaced by `overrides` where both name one.

    `sam deploy` itself would take only one of the two lists.
    """
    configured = tomllib.loads(CONFIGURATION.read_text())[CONFIGURED_AS.get(stage, stage)]
    words = [*configured["deploy"]["parameters"]["parameter_overrides"], *overrides]
    return dict(word.split("=", 1) for word in words)


def as_override(name: str, value: str) -> str:
    """Return the parameter quoted for `sam deploy`, which ends a bare value at a space or a quote."""
    escaped = value.replace('"', '\\"')
    return f'{name}="{escaped}"'


def fingerprint(folder: Path) -> str:
    """Return a hash of the names and contents of all files in a folder.

    Raises CannotStart when the folder is empty.
    """
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(folder)} {path.stat().st_size}\n".encode())
        digest.update(path.read_bytes())
    if not any(folder.glob("*")):
        raise CannotStart(f"{folder} is empty or missing: run `sam build` first.")
    return digest.hexdigest()


def check(session: boto3.session.Session, name: str, parameters: Mapping[str, str]) -> int:
    identity = session.client("sts").get_caller_identity()
    print(f"Account {identity['Account']}, region {session.region_name}, as {identity['Arn']}")
    for note in adaptation(session, name, parameters).notes:
        print(note)
    key = parameters.get("KmsKeyArn")
    missing = list(missing_principals(key_policy(session, key), session.region_name)) if key else []
    for service in missing:
        print(f"The policy of {key} does not let {service} use the key: docs/deploying.md has the statement.")
    return int(bool(missing))


def adaptation(session: boto3.session.Session, name: str, given: Mapping[str, str]) -> account.Adaptation:
    """Return how the deployment of the stack adapts to the account. The stack may not exist yet."""
    declared: Json = yaml_parse(TEMPLATE.read_text())["Parameters"]
    kept = stack.parameters_of(session.client("cloudformation"), name)
    workers = {"WorkerConcurrency": declared["WorkerConcurrency"]["Default"], **kept, **given}[
        "WorkerConcurrency"
    ]
    return account.adapt(account.look_at(session), given, int(workers))


def key_policy(session: boto3.session.Session, key: str) -> Json:
    answer = session.client("kms").get_key_policy(KeyId=key, PolicyName="default")
    policy: Json = json.loads(answer["Policy"])
    return policy


def missing_principals(policy: Mapping[str, Any], region: str) -> Iterator[str]:
    """Yield the services that need the key for the stack but that no statement of its policy allows.

    Conditions of the statements are not checked.
    """
    allowed = {service for statement in policy["Statement"] for service in _allowed_services(statement)}
    for service in ("events.amazonaws.com", f"logs.{region}.amazonaws.com", "cloudwatch.amazonaws.com"):
        if service not in allowed:
            yield service


def _allowed_services(statement: Mapping[str, Any]) -> Iterator[str]:
    if statement["Effect"] == "Allow" and isinstance(statement.get("Principal"), dict):
        named = statement["Principal"].get("Service", [])
        yield from [named] if isinstance(named, str) else named


def api_key(session: boto3.session.Session, name: str) -> str:
    key_id = stack.outputs_of(session.client("cloudformation"), name)["ApiKeyId"]
    value: str = session.client("apigateway").get_api_key(apiKey=key_id, includeValue=True)["value"]
    return value


def finish(session: boto3.session.Session, name: str) -> None:
    client = session.client("lambda")
    ids = stack.resources_of(session.client("cloudformation"), name)
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
    """Return the versions that the aliases name: two for an alias that is shifting traffic."""
    named = set()
    for alias in aliases:
        named |= {
            alias["FunctionVersion"],
            *alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {}),
        }
    return named


def old_versions(versions: Iterable[str], *, in_use: set[str]) -> list[str]:
    """Return the versions to delete, oldest first.

    All versions in use are kept, and the newest `KEPT_VERSIONS` of the others.
    """
    unused = sorted({int(one) for one in versions if one != "$LATEST"} - {int(one) for one in in_use})
    return [str(version) for version in unused[: max(0, len(unused) - KEPT_VERSIONS)]]


if __name__ == "__main__":
    stages.run(main)

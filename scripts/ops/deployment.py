"""The part of deploy.sh that is not SAM: `python -m scripts.ops.deployment <action> STAGE [Name=Value ...]`.

check        before building: print advice, and what is lacking; exit with 1 if the key or the region lacks
             something, or the stack or SAM's own is in a state that no deployment gets it out of
parameters   after building: print the parameters to deploy with, Revision among them
finish       after deploying: delete old versions and print the stack's outputs; exit with 1 if Revision is
             given, and the stack was not deployed with it
api-key      print the value of the stage's first API key

Each exits with 2, and says why, if template.yaml does not take a parameter.
"""

import hashlib
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3

from app.local.aws import stack
from app.local.errors import CannotStart
from scripts.ops import account, stages
from scripts.ops.advice import advice, deployed_with, objection
from scripts.ops.parameters import as_override, declared, objections, parameters_of
from scripts.ops.stack_status import SAM_STACK, obstacle, obstacle_of_sam

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

ROOT = Path(__file__).parents[2]
BUILT = ROOT / ".aws-sam" / "build"
FUNCTIONS = ("ApiFunction", "WorkerFunction", "RelayFunction", "SenderFunction")
#: Versions kept for a rollback by hand, besides those that an alias names. Each version's snapshot is billed.
KEPT_VERSIONS = 2
#: The states after a deployment that nothing has undone.
SETTLED = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE"})

Json = dict[str, Any]


def main() -> int:
    action, stage, *overrides = sys.argv[1:]
    parameters, name = parameters_of(stage, overrides), stages.stack_name(stage)
    if wrong := list(objections(overrides, parameters)):
        print(*wrong, sep="\n", file=sys.stderr)
        return 2
    session = boto3.session.Session()
    match action:
        case "parameters":
            named = {**parameters, **adaptation(session, name, parameters).parameters}
            known = stack.described(session.client("cloudformation"), name)
            wanted = stack.revision_of(fingerprint(BUILT), named)
            named["Revision"] = revision(wanted, known, datetime.now(UTC))
            print("\n".join(as_override(name, value) for name, value in named.items()))
        case "check":
            return check(session, stage, parameters)
        case "finish":
            finish(session, name, parameters.get("Revision"))
        case "api-key":
            print(api_key(session, name))
    return 0


def revision(wanted: str, deployed: Json | None, now: datetime) -> str:
    """Return the parameter Revision of a deployment of what has the hash `wanted`.

    It is that of the stack if the stack has just this. Otherwise it is new each time. Lambda keeps the
    version that a deployment published before it was rolled back, and does not publish the same twice.
    """
    if deployed and deployed["StackStatus"] in SETTLED:
        given = {one["ParameterKey"]: one["ParameterValue"] for one in deployed.get("Parameters", [])}
        has: str = given.get("Revision", "")
        if has.startswith(wanted):
            return has
    return f"{wanted}{now:%Y%m%dT%H%M%SZ}"


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


def check(session: boto3.session.Session, stage: str, parameters: Mapping[str, str]) -> int:
    name = stages.stack_name(stage)
    identity = session.client("sts").get_caller_identity()
    print(f"Account {identity['Account']}, region {session.region_name}, as {identity['Arn']}")
    cloudformation = session.client("cloudformation")
    found, of_sam = (stack.described(cloudformation, one) or {} for one in (name, SAM_STACK))
    deployed = deployed_with(cloudformation, name, parameters)
    reasons = (
        obstacle(stage, name, found.get("StackStatus")),
        obstacle_of_sam(of_sam.get("StackStatus")),
        objection(session.region_name, deployed),
    )
    if any(reasons):
        print(*filter(None, reasons), sep="\n")
        return 1
    for note in adaptation(session, name, parameters).notes:
        print(note)
    for line in advice(session.region_name, deployed):
        print(f"Note: {line}")
    key = parameters.get("KmsKeyArn")
    missing = list(missing_principals(key_policy(session, key), session.region_name)) if key else []
    for service in missing:
        print(f"The policy of {key} does not let {service} use the key: docs/deploying.md has the statement.")
    return int(bool(missing))


def adaptation(session: boto3.session.Session, name: str, given: Mapping[str, str]) -> account.Adaptation:
    """Return how the deployment of the stack adapts to the account. The stack may not exist yet."""
    known = declared()
    cloudformation = session.client("cloudformation")
    kept = stack.parameters_of(cloudformation, name)
    is_adopted = (stack.described(cloudformation, name) or {}).get("StackStatus") == "IMPORT_COMPLETE"
    wanted = {
        name: str({name: known[name]["Default"], **kept, **given}[name])
        for name in (*account.FEWEST, "Webhooks")
    }
    # A stack of adopted data has no parameters yet, but it may have the table of webhooks, and must keep it.
    decided = {*kept, "Webhooks"} if is_adopted else kept.keys()
    return account.adapt(account.look_at(session), given, wanted, decided)


def key_policy(session: boto3.session.Session, key: str) -> Json:
    answer = session.client("kms").get_key_policy(KeyId=key, PolicyName="default")
    policy: Json = json.loads(answer["Policy"])
    return policy


def missing_principals(policy: Mapping[str, Any], region: str) -> Iterator[str]:
    """Yield the services that need the key for the stack but that no statement of its policy allows.

    Neither actions nor conditions of the statements are checked, nor who else may use the key. In China
    some services end in `.cn`.
    """
    allowed = {
        service.removesuffix(".cn")
        for statement in policy["Statement"]
        for service in _allowed_services(statement)
    }
    needed = (
        "s3.amazonaws.com",
        "events.amazonaws.com",
        f"logs.{region}.amazonaws.com",
        "cloudwatch.amazonaws.com",
    )
    yield from (service for service in needed if service not in allowed)


def _allowed_services(statement: Mapping[str, Any]) -> Iterator[str]:
    if statement["Effect"] == "Allow" and isinstance(statement.get("Principal"), dict):
        named = statement["Principal"].get("Service", [])
        yield from [named] if isinstance(named, str) else named


def api_key(session: boto3.session.Session, name: str) -> str:
    key_id = stack.outputs_of(session.client("cloudformation"), name)["ApiKeyId"]
    value: str = session.client("apigateway").get_api_key(apiKey=key_id, includeValue=True)["value"]
    return value


def finish(session: boto3.session.Session, name: str, revision: str | None) -> None:
    """Delete old versions and print the outputs.

    Raises CannotStart if the stack does not have the revision. SAM succeeds too if its changes were declined.
    """
    client, cloudformation = session.client("lambda"), session.client("cloudformation")
    if revision not in {None, stack.parameters_of(cloudformation, name).get("Revision")}:
        raise CannotStart(f"Nothing was deployed: the changes of the stack {name} were not carried out.")
    ids = stack.resources_of(cloudformation, name)
    # A stack without webhooks has no sender.
    for function in sorted(ids.keys() & set(FUNCTIONS)):
        for version in delete_old_versions(client, ids[function]):
            print(f"Deleted version {version} of {ids[function]}")
    for key, value in sorted(stack.outputs_of(cloudformation, name).items()):
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

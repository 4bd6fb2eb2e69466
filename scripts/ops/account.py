"""The limits that the account sets for a stage, and how a deployment adapts to them.

* API Gateway writes access logs only if the account names a role for it in the region.
* All functions of the account share one number of executions at once. It is 10 in a new account.
* Lambda has no SnapStart in some regions, and refuses a function that asks for it there.
* EventBridge has no archive in some regions.

Nothing here stops a deployment. What AWS refuses to tell is reported, and taken to be in order.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.exceptions import ClientError

#: The parameters that limit how many functions run at once, and the least that Lambda takes for each: two
#: for a queue, one batch of a shard for a stream (Lambda Developer Guide, "Configuring maximum concurrency
#: for Amazon SQS event sources" and "Lambda parameters for Amazon DynamoDB event source mappings").
FEWEST = {"WorkerConcurrency": 2, "RelayConcurrency": 1, "SenderConcurrency": 2}
#: Shards that a new table's stream is counted with. An on-demand table begins with room for 4,000 write
#: units a second, and a partition takes 1,000 (DynamoDB Developer Guide, "On-demand capacity mode").
SHARDS = 4
#: Executions that run besides: two batches of notices in the relay, and a sweep in worker and sender each.
NOTICES, SWEEP = 2, 1
#: A new account's concurrency (Lambda Developer Guide, "Lambda quotas").
CONCURRENCY_OF_A_NEW_ACCOUNT = 10


#: The regions where Lambda has SnapStart, as cfn-lint knows them (rule E2530).
SNAPSTART_REGIONS = frozenset(
    {
        *("af-south-1", "ap-east-1", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1"),
        *("ap-south-2", "ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4"),
        *("ap-southeast-5", "ap-southeast-7", "ca-central-1", "ca-west-1", "eu-central-1"),
        *("eu-central-2", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-2"),
        *("eu-west-3", "il-central-1", "me-central-1", "me-south-1", "mx-central-1", "sa-east-1"),
        *("us-east-1", "us-east-2", "us-west-1", "us-west-2"),
    }
)
#: The regions without archives of events, by the EventBridge User Guide, "Amazon EventBridge feature
#: availability by AWS Region", and those that were newer than the copies of it that could be read.
REGIONS_WITHOUT_ARCHIVE = frozenset(
    {
        *("ap-east-2", "ap-southeast-4", "ap-southeast-5", "ap-southeast-7", "ca-west-1"),
        *("ap-southeast-6", "il-central-1", "mx-central-1"),
    }
)


@dataclass(frozen=True, slots=True)
class Account:
    """The answers of AWS about the account in this region; None where it refuses to answer."""

    region: str
    has_gateway_log_role: bool | None
    #: How many functions without a reservation may run at once.
    concurrency: int | None


@dataclass(frozen=True, slots=True)
class Adaptation:
    """The parameters that a deployment sets by itself, and what it tells about the account."""

    parameters: Mapping[str, str]
    notes: tuple[str, ...]


def look_at(session: boto3.session.Session) -> Account:
    return Account(
        region=session.region_name,
        has_gateway_log_role=_asked(
            lambda: bool(session.client("apigateway").get_account().get("cloudwatchRoleArn"))
        ),
        concurrency=_asked(
            lambda: session.client("lambda").get_account_settings()["AccountLimit"][
                "UnreservedConcurrentExecutions"
            ]
        ),
    )


def _asked(question: Callable[[], Any]) -> Any:
    try:
        return question()
    except ClientError:
        return None


def adapt(
    account: Account, given: Mapping[str, str], wanted: Mapping[str, str], kept: Collection[str] = ()
) -> Adaptation:
    """Return what to deploy with besides the `given` parameters.

    `wanted` is what the stack would have for each parameter in FEWEST, and for Webhooks. `kept` names the
    parameters that the stack has a value of already.
    """
    role, role_notes = _gateway_logs(account.has_gateway_log_role, given)
    decided = {*kept, *given}
    snapshots, snapshot_notes = _snapshots(account.region, decided)
    archive, archive_notes = _archive(account.region, decided)
    fewer, notes = _concurrency(account.concurrency, given, wanted, decided)
    return Adaptation(
        {**role, **snapshots, **archive, **fewer},
        (*role_notes, *snapshot_notes, *archive_notes, *notes),
    )


def _gateway_logs(has_role: bool | None, given: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    if has_role is None:
        return {}, [
            "AWS did not say whether API Gateway has a role for its logs (apigateway:GET on /account). "
            "If it has none, deploy with GatewayLogRole=stack."
        ]
    if has_role or "GatewayLogRole" in given:
        return {}, []
    return {"GatewayLogRole": "stack"}, [
        "API Gateway has no role for its logs in this account and region. The stack makes one, which stays."
    ]


def _snapshots(region: str, decided: Collection[str]) -> tuple[dict[str, str], list[str]]:
    if region in SNAPSTART_REGIONS or "SnapStart" in decided:
        return {}, []
    return {"SnapStart": "None"}, [
        f"Lambda is not known to have SnapStart in {region}, so the API starts without a snapshot. "
        "If it has it by now, deploy with SnapStart=PublishedVersions."
    ]


def _archive(region: str, decided: Collection[str]) -> tuple[dict[str, str], list[str]]:
    if region not in REGIONS_WITHOUT_ARCHIVE or "Archiving" in decided:
        return {}, []
    return {"Archiving": "off"}, [
        f"EventBridge is not known to have archives in {region}, so no events can be replayed from one. "
        "If it has them by now, deploy with Archiving=on."
    ]


def most_at_once(concurrency: int, *, has_webhooks: bool) -> dict[str, int]:
    """Return how high each parameter may be, so that a third of the account's concurrency is the API's.

    Changes have a third, all shards of the stream together. Everything else has the other.
    """
    third = concurrency // 3
    shares = {"WorkerConcurrency": third - NOTICES - SWEEP, "RelayConcurrency": third // SHARDS}
    if has_webhooks:
        half = (third - NOTICES - 2 * SWEEP) // 2
        shares |= {"WorkerConcurrency": half, "SenderConcurrency": half}
    return {name: max(FEWEST[name], share) for name, share in shares.items()}


def left_for_the_api(concurrency: int, parameters: Mapping[str, int]) -> int:
    """Return how many functions can still run when all others do. Without a sender, none is counted."""
    others = [NOTICES, parameters["RelayConcurrency"] * SHARDS, parameters["WorkerConcurrency"] + SWEEP]
    if "SenderConcurrency" in parameters:
        others.append(parameters["SenderConcurrency"] + SWEEP)
    return max(0, concurrency - sum(others))


def _concurrency(
    concurrency: int | None, given: Mapping[str, str], wanted: Mapping[str, str], decided: Collection[str]
) -> tuple[dict[str, str], list[str]]:
    has_webhooks = wanted["Webhooks"] == "on"
    if concurrency is None:
        most = most_at_once(CONCURRENCY_OF_A_NEW_ACCOUNT, has_webhooks=False)
        fewer = " ".join(f"{name}={value}" for name, value in {**most, "Webhooks": "off"}.items())
        return {}, [
            "AWS did not say how many functions the account runs at once (lambda:GetAccountSettings). "
            f"A new account runs {CONCURRENCY_OF_A_NEW_ACCOUNT}: then deploy with {fewer}."
        ]
    without, notes = _without_webhooks(concurrency, decided) if has_webhooks else ({}, [])
    most = most_at_once(concurrency, has_webhooks=has_webhooks and not without)
    sizes = {name: int(wanted[name]) for name in most}
    high = {name: value for name, value in most.items() if sizes[name] > value}
    lowered = {name: value for name, value in high.items() if name not in given}
    notes += [
        _note(name, sizes[name], value, concurrency, is_given=name in given) for name, value in high.items()
    ]
    if high:
        left = left_for_the_api(concurrency, {**sizes, **lowered})
        notes.append(f"That leaves {left} of {concurrency} for the API when everything else runs.")
    return {**without, **{name: str(value) for name, value in lowered.items()}}, notes


def _without_webhooks(concurrency: int, decided: Collection[str]) -> tuple[dict[str, str], list[str]]:
    """Leave webhooks out of a new stack if not even the fewest senders would leave anything for the API."""
    if "Webhooks" in decided or left_for_the_api(concurrency, FEWEST):
        return {}, []
    return {"Webhooks": "off"}, [
        f"This account runs {concurrency} functions at once. To leave enough for the API, the stack has no "
        "webhooks. When AWS has raised the quota, deploy with Webhooks=on."
    ]


def _note(name: str, wanted: int, most: int, concurrency: int, *, is_given: bool) -> str:
    account = f"This account runs {concurrency} functions at once."
    if is_given:
        return f"{account} {name}={wanted} can leave too few for the API; {most} would not."
    return (
        f"{account} To leave enough for the API, {name} is {most} instead of {wanted}. "
        f"When AWS has raised the quota, deploy with {name}={wanted}."
    )

"""What the account allows a stage, and how a deployment adapts to it.

* API Gateway writes access logs only if the account names a role for it in the region.
* All functions of the account share one number of executions at once. It is 10 in a new account.

Nothing here stops a deployment. What AWS refuses to say is told, and taken to be in order.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.exceptions import ClientError

#: The least that an SQS event source takes (Lambda Developer Guide, "Configuring maximum concurrency").
FEWEST_WORKERS = 2


@dataclass(frozen=True, slots=True)
class Account:
    """What AWS answers about the account in this region; None where it refuses to answer."""

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


def adapt(account: Account, given: Mapping[str, str], workers: int) -> Adaptation:
    """Return what to deploy with besides the `given` parameters.

    `workers` is the WorkerConcurrency that the stack would have.
    """
    role, role_notes = _gateway_logs(account.has_gateway_log_role, given)
    fewer, worker_notes = _workers(account.concurrency, workers, is_given="WorkerConcurrency" in given)
    return Adaptation({**role, **fewer}, (*role_notes, *worker_notes))


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


def _workers(concurrency: int | None, workers: int, *, is_given: bool) -> tuple[dict[str, str], list[str]]:
    """Leave two thirds of the account's concurrency to the API and the relay."""
    if concurrency is None:
        return {}, [
            "AWS did not say how many functions the account runs at once (lambda:GetAccountSettings). "
            "A new account runs 10: then deploy with WorkerConcurrency=3."
        ]
    most = max(FEWEST_WORKERS, concurrency // 3)
    if workers <= most:
        return {}, []
    account = f"This account runs {concurrency} functions at once."
    if is_given:
        return {}, [f"{account} WorkerConcurrency={workers} can leave too few for the API; {most} would not."]
    return {"WorkerConcurrency": str(most)}, [
        f"{account} To leave enough for the API, WorkerConcurrency is {most} instead of {workers}. "
        f"When AWS has raised the quota, deploy with WorkerConcurrency={workers}."
    ]

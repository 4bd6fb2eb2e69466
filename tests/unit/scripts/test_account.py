"""How a deployment adapts to what the account allows."""

import pytest

from scripts.ops.account import Account, adapt

READY = Account(has_gateway_log_role=True, concurrency=1000)
NEW = Account(has_gateway_log_role=False, concurrency=10)
CLOSED = Account(has_gateway_log_role=None, concurrency=None)


def test_an_account_that_has_everything_is_left_alone() -> None:
    adapted = adapt(READY, {}, workers=10)

    assert (adapted.parameters, adapted.notes) == ({}, ())


def test_a_new_account_gets_a_role_for_the_logs_and_fewer_workers() -> None:
    adapted = adapt(NEW, {}, workers=10)

    assert adapted.parameters == {"GatewayLogRole": "stack", "WorkerConcurrency": "3"}
    assert "API Gateway has no role for its logs" in adapted.notes[0]
    assert "runs 10 functions at once" in adapted.notes[1]


def test_what_is_given_is_not_replaced_but_told_about() -> None:
    adapted = adapt(NEW, {"GatewayLogRole": "account", "WorkerConcurrency": "10"}, workers=10)

    assert adapted.parameters == {}
    assert [note for note in adapted.notes if "can leave too few for the API" in note]


def test_what_may_not_be_asked_is_told_and_stops_nothing() -> None:
    adapted = adapt(CLOSED, {}, workers=10)

    assert adapted.parameters == {}
    assert [note.split(" (")[0] for note in adapted.notes] == [
        "AWS did not say whether API Gateway has a role for its logs",
        "AWS did not say how many functions the account runs at once",
    ]


@pytest.mark.parametrize(
    ("concurrency", "workers", "deployed_with"),
    [(10, 3, None), (10, 4, "3"), (29, 10, "9"), (30, 10, None), (5, 10, "2"), (1000, 400, "333")],
)
def test_a_third_of_the_account_is_for_the_worker(
    concurrency: int, workers: int, deployed_with: str | None
) -> None:
    adapted = adapt(Account(has_gateway_log_role=True, concurrency=concurrency), {}, workers=workers)

    assert adapted.parameters.get("WorkerConcurrency") == deployed_with

"""The adaptation of a deployment to what the account allows."""

from dataclasses import replace

import pytest
from cfnlint.rules.resources.lmbd.SnapStartSupported import (  # type: ignore[import-untyped]
    SnapStartSupported,
)

from scripts.ops.account import FEWEST, SNAPSTART_REGIONS, Account, adapt, left_for_the_api, most_at_once

READY = Account("eu-north-1", has_gateway_log_role=True, concurrency=1000)
NEW = Account("eu-north-1", has_gateway_log_role=False, concurrency=10)
CLOSED = Account("eu-north-1", has_gateway_log_role=None, concurrency=None)
DEFAULTS = {**dict.fromkeys(FEWEST, "10"), "Webhooks": "on"}


def test_an_account_that_has_everything_is_left_alone() -> None:
    adapted = adapt(READY, {}, DEFAULTS)

    assert (adapted.parameters, adapted.notes) == ({}, ())


def test_a_new_account_gets_a_role_for_the_logs_and_runs_less_at_once() -> None:
    adapted = adapt(NEW, {}, DEFAULTS)

    assert adapted.parameters == {
        "GatewayLogRole": "stack",
        "Webhooks": "off",
        "WorkerConcurrency": "2",
        "RelayConcurrency": "1",
    }
    assert "API Gateway has no role for its logs" in adapted.notes[0]
    assert "runs 10 functions at once" in adapted.notes[1]
    assert "the stack has no webhooks" in adapted.notes[1]
    assert adapted.notes[-1] == "That leaves 1 of 10 for the API when everything else runs."


def test_what_is_given_is_not_replaced_but_told_about() -> None:
    adapted = adapt(NEW, {"GatewayLogRole": "account", "WorkerConcurrency": "10"}, DEFAULTS)

    assert adapted.parameters == {"Webhooks": "off", "RelayConcurrency": "1"}
    assert [note for note in adapted.notes if "can leave too few for the API" in note]
    assert adapted.notes[-1] == "That leaves 0 of 10 for the API when everything else runs."


def test_what_may_not_be_asked_is_told_and_stops_nothing() -> None:
    adapted = adapt(CLOSED, {}, DEFAULTS)

    assert adapted.parameters == {}
    assert [note.split(" (")[0] for note in adapted.notes] == [
        "AWS did not say whether API Gateway has a role for its logs",
        "AWS did not say how many functions the account runs at once",
    ]
    assert "deploy with WorkerConcurrency=2 RelayConcurrency=1 Webhooks=off" in adapted.notes[1]


@pytest.mark.parametrize(
    ("concurrency", "wanted", "workers", "relays", "senders"),
    [
        (1000, 10, None, None, None),
        (1000, 400, "164", "83", "164"),
        (120, 10, None, None, None),
        (119, 10, None, "9", None),
        (60, 10, "8", "5", "8"),
        (13, 10, "2", "1", "2"),
    ],
)
def test_a_third_of_the_account_is_for_changes_and_one_for_everything_else_but_the_api(
    concurrency: int, wanted: int, workers: str | None, relays: str | None, senders: str | None
) -> None:
    account = replace(READY, concurrency=concurrency)

    adapted = adapt(account, {}, {**dict.fromkeys(FEWEST, str(wanted)), "Webhooks": "on"})

    assert adapted.parameters.get("WorkerConcurrency") == workers
    assert adapted.parameters.get("RelayConcurrency") == relays
    assert adapted.parameters.get("SenderConcurrency") == senders
    assert "Webhooks" not in adapted.parameters


def test_without_webhooks_the_workers_have_the_senders_share() -> None:
    adapted = adapt(replace(READY, concurrency=60), {}, {**DEFAULTS, "Webhooks": "off"})

    assert adapted.parameters == {"RelayConcurrency": "5"}


def test_a_stack_that_has_webhooks_keeps_them_and_is_told_what_they_leave() -> None:
    adapted = adapt(replace(READY, concurrency=10), {}, DEFAULTS, kept=DEFAULTS)

    assert "Webhooks" not in adapted.parameters
    assert adapted.parameters["SenderConcurrency"] == "2"
    assert adapted.notes[-1] == "That leaves 0 of 10 for the API when everything else runs."


@pytest.mark.parametrize("has_webhooks", [True, False])
def test_something_is_left_for_the_api(has_webhooks: bool) -> None:
    """Every batch counts: each of four shards has its own, and notices and sweeps run beside them."""
    for concurrency in range(13 if has_webhooks else 10, 1001):
        parameters = most_at_once(concurrency, has_webhooks=has_webhooks)
        others = 4 * parameters["RelayConcurrency"] + 2 + parameters["WorkerConcurrency"] + 1
        others += parameters["SenderConcurrency"] + 1 if has_webhooks else 0

        assert left_for_the_api(concurrency, parameters) == concurrency - others
        assert concurrency - others >= (1 if concurrency < 21 else concurrency // 3)


@pytest.mark.parametrize("region", ["ap-east-2", "ap-southeast-6", "cn-north-1", "us-gov-west-1"])
def test_a_region_without_snapstart_gets_no_snapshot(region: str) -> None:
    adapted = adapt(replace(READY, region=region), {}, DEFAULTS)

    assert adapted.parameters["SnapStart"] == "None"
    assert [note for note in adapted.notes if f"SnapStart in {region}" in note]


@pytest.mark.parametrize("region", ["ap-east-2", "ap-southeast-5"])
def test_a_region_without_archives_of_events_gets_none(region: str) -> None:
    adapted = adapt(replace(READY, region=region), {}, DEFAULTS)

    assert adapted.parameters["Archiving"] == "off"
    assert [note for note in adapted.notes if f"archives in {region}" in note]


@pytest.mark.parametrize("region", ["eu-central-2", "us-gov-west-1", "cn-north-1"])
def test_other_regions_have_archives(region: str) -> None:
    assert "Archiving" not in adapt(replace(READY, region=region), {}, DEFAULTS).parameters


OPPOSITE = {"SnapStart": "PublishedVersions", "Archiving": "on"}


@pytest.mark.parametrize(("given", "kept"), [(OPPOSITE, {}), ({}, OPPOSITE)])
def test_what_was_decided_for_such_a_region_stays(given: dict[str, str], kept: dict[str, str]) -> None:
    adapted = adapt(replace(READY, region="ap-east-2"), given, DEFAULTS, kept)

    assert (adapted.parameters, adapted.notes) == ({}, ())


def test_the_regions_with_snapstart_are_those_that_the_linter_knows() -> None:
    assert set(SnapStartSupported().regions) == SNAPSTART_REGIONS

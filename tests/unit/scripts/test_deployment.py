"""What a deployment decides: which parameters win, what a key lacks, which versions are deleted."""

from pathlib import Path

import pytest

from app.local.errors import CannotStart
from app.local.stack import revision_of
from scripts.ops.deployment import as_override, fingerprint, missing_principals, old_versions, parameters_of


def test_what_is_given_wins_over_what_is_configured() -> None:
    found = parameters_of("prod", ["AuthMode=iam", "LogRetentionDays=365", "KeyOwners={}"])

    assert found == {
        "Stage": "prod",
        "LogRetentionDays": "365",
        "DeploymentAlarms": "on",
        "AuthMode": "iam",
        "KeyOwners": "{}",
    }


def test_a_value_may_have_an_equals_sign() -> None:
    assert parameters_of("dev", ["CallbackUrls=https://a.test/?b=c"])["CallbackUrls"] == "https://a.test/?b=c"


@pytest.mark.parametrize(("stage", "days"), [("dev", "7"), ("prod", "90")])
def test_each_stage_has_its_own(stage: str, days: str) -> None:
    assert parameters_of(stage, []) == {"Stage": stage, "LogRetentionDays": days, "DeploymentAlarms": "on"}


def test_alarms_are_off_for_one_deployment_only() -> None:
    """A parameter that is left out keeps its value, so the next deployment has to name it."""
    assert parameters_of("prod", ["DeploymentAlarms=off"])["DeploymentAlarms"] == "off"
    assert parameters_of("prod", [])["DeploymentAlarms"] == "on"


@pytest.mark.parametrize(
    ("value", "override"),
    [
        ("prod", 'Name="prod"'),
        ("", 'Name=""'),
        ("two words", 'Name="two words"'),
        ('{"a1":"key-b2"}', r'Name="{\"a1\":\"key-b2\"}"'),
    ],
)
def test_a_value_reaches_sam_whole(value: str, override: str) -> None:
    assert as_override("Name", value) == override


def test_a_revision_is_of_code_and_parameters(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "a.py").write_text("1")
    first = revision_of(fingerprint(tmp_path), {"AuthMode": "iam", "Stage": "dev"})
    same = revision_of(fingerprint(tmp_path), {"Stage": "dev", "AuthMode": "iam"})
    other_mode = revision_of(fingerprint(tmp_path), {"AuthMode": "cognito", "Stage": "dev"})
    (tmp_path / "app" / "a.py").write_text("2")
    other_code = revision_of(fingerprint(tmp_path), {"AuthMode": "iam", "Stage": "dev"})

    assert first == same
    assert len({first, other_mode, other_code}) == 3


def test_what_was_not_built_has_no_fingerprint(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match="run `sam build` first"):
        fingerprint(tmp_path / "build")


ALL = ["events.amazonaws.com", "logs.eu-west-1.amazonaws.com", "cloudwatch.amazonaws.com"]


@pytest.mark.parametrize(
    ("statements", "missing"),
    [
        ([], ALL),
        ([{"Effect": "Allow", "Principal": {"Service": ALL}}], []),
        ([{"Effect": "Allow", "Principal": {"Service": ALL[0]}}], ALL[1:]),
        ([{"Effect": "Deny", "Principal": {"Service": ALL}}], ALL),
        ([{"Effect": "Allow", "Principal": "*"}], ALL),
        ([{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"}}], ALL),
        ([{"Effect": "Allow", "Principal": {"Service": "logs.us-east-1.amazonaws.com"}}], ALL),
    ],
)
def test_a_key_must_let_the_services_use_it(statements: list[object], missing: list[str]) -> None:
    assert list(missing_principals({"Statement": statements}, "eu-west-1")) == missing


@pytest.mark.parametrize(
    ("versions", "in_use", "deleted"),
    [
        ([], set(), []),
        (["$LATEST", "1"], {"1"}, []),
        (["$LATEST", "1", "2", "3"], {"3"}, []),
        (["$LATEST", "1", "2", "3", "4"], {"4"}, ["1"]),
        (["$LATEST", "10", "9", "8", "7"], {"10"}, ["7"]),
        (["$LATEST", "1", "2", "3", "4", "5"], {"1", "5"}, ["2"]),
    ],
)
def test_versions_in_use_and_two_more_are_kept(
    versions: list[str], in_use: set[str], deleted: list[str]
) -> None:
    assert old_versions(versions, in_use=in_use) == deleted

"""The decisions of a deployment: which parameters win, what a key lacks, which versions are deleted."""

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import boto3
import pytest

from app.local.aws.stack import revision_of
from app.local.errors import CannotStart
from scripts.ops.account import Account
from scripts.ops.deployment import (
    adaptation,
    fingerprint,
    missing_principals,
    old_versions,
    revision,
)
from scripts.ops.parameters import objections


@pytest.mark.parametrize("script", sorted(Path("scripts/ops").glob("*.sh")), ids=lambda path: path.name)
def test_no_script_reads_a_command_whose_failure_bash_ignores(script: Path) -> None:
    """`set -e` does not see that the command of a process substitution failed."""
    assert "<(" not in script.read_text()


@pytest.mark.parametrize("script", ["deploy.sh", "python_module.sh"])
@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"AWS_REGION": "eu-central-2", "AWS_DEFAULT_REGION": "us-east-1"}, "eu-central-2"),
        ({"AWS_REGION": "eu-central-2"}, "eu-central-2"),
        ({"AWS_DEFAULT_REGION": "us-east-1"}, "us-east-1"),
        ({}, "that of the profile"),
    ],
)
def test_all_tools_work_in_the_region_that_the_aws_cli_would_take(
    script: str, given: dict[str, str], told: str, tmp_path: Path
) -> None:
    for path, text in {
        f"scripts/ops/{script}": Path("scripts/ops", script).read_text(),
        "bin/make": "#!/bin/sh",
        ".venv/bin/python": "#!/bin/sh\necho ${AWS_DEFAULT_REGION-that of the profile}; exit 1",
    }.items():
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(0o700)
    environment = {"PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin", **given}

    done = subprocess.run(
        [tmp_path / "scripts" / "ops" / script, "dev"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout.strip()) == (1, told)


def test_what_was_deployed_is_compared_with_what_was_meant(tmp_path: Path) -> None:
    """SAM ends with 0 if somebody declines the changes, so `finish` has to be told the revision."""
    python = """#!/bin/sh
    case $4 in
      parameters) printf '%s\\n' 'AuthMode="iam"' 'Revision="abc"' ;;
      finish) echo finish "$@" >&2; exit 1 ;;
      *) echo "$4" >&2 ;;
    esac
    """
    for path, text in {
        "scripts/ops/deploy.sh": Path("scripts/ops/deploy.sh").read_text(),
        "scripts/ops/smoke.sh": "#!/bin/sh\necho smoke >&2",
        "bin/make": "#!/bin/sh",
        ".venv/bin/python": python.replace("$4", "$3"),
        ".venv-sam/bin/sam": "#!/bin/sh",
    }.items():
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(0o700)

    done = subprocess.run(
        [tmp_path / "scripts" / "ops" / "deploy.sh", "dev", "AuthMode=iam"],
        env={"PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "check",
        "finish -m scripts.ops.deployment finish dev Revision=abc",
    ]


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


@pytest.mark.parametrize(
    ("status", "deployed", "expected"),
    [
        ("UPDATE_COMPLETE", "abc20260101T000000Z", "abc20260101T000000Z"),
        ("CREATE_COMPLETE", "abc", "abc"),
        ("UPDATE_COMPLETE", "def20260101T000000Z", "abc20260102T030405Z"),
        ("UPDATE_ROLLBACK_COMPLETE", "abc20260101T000000Z", "abc20260102T030405Z"),
        ("IMPORT_COMPLETE", None, "abc20260102T030405Z"),
        (None, None, "abc20260102T030405Z"),
    ],
)
def test_each_attempt_has_a_revision_of_its_own_unless_the_stack_has_just_this(
    status: str | None, deployed: str | None, expected: str
) -> None:
    """Lambda does not publish a version that it has, such as that of an attempt that was rolled back."""
    parameters = [{"ParameterKey": "Revision", "ParameterValue": deployed}] if deployed else []
    described = {"StackStatus": status, "Parameters": parameters} if status else None

    assert revision("abc", described, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)) == expected


def test_a_revision_is_what_the_template_takes() -> None:
    longest = revision(revision_of("", {}), None, datetime.now(UTC))

    assert list(objections([], {"Revision": longest})) == []


def test_what_was_not_built_has_no_fingerprint(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match="run `sam build` first"):
        fingerprint(tmp_path / "build")


ALL = ["s3.amazonaws.com", "events.amazonaws.com", "logs.eu-west-1.amazonaws.com", "cloudwatch.amazonaws.com"]


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


def test_in_china_a_service_may_have_either_name() -> None:
    logs = "logs.cn-north-1.amazonaws.com"
    others = ["s3.amazonaws.com", "events.amazonaws.com", "cloudwatch.amazonaws.com"]
    for name in (logs, f"{logs}.cn"):
        policy = {"Statement": [{"Effect": "Allow", "Principal": {"Service": [*others, name]}}]}

        assert list(missing_principals(policy, "cn-north-1")) == []


@pytest.mark.parametrize(
    ("status", "has_none"), [(None, True), ("REVIEW_IN_PROGRESS", True), ("IMPORT_COMPLETE", False)]
)
def test_only_a_new_stack_begins_without_webhooks(
    status: str | None, has_none: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Adopted data may have a table of webhooks, which a stack without webhooks would lose."""
    described = None if status is None else {"StackStatus": status}
    monkeypatch.setattr("app.local.aws.stack.described", lambda _client, _name: described)
    monkeypatch.setattr("scripts.ops.account.look_at", lambda _session: Account("eu-north-1", True, 10))

    adapted = adaptation(boto3.session.Session(region_name="eu-north-1"), "wharf-dev", {})

    assert ("Webhooks" in adapted.parameters) is has_none


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

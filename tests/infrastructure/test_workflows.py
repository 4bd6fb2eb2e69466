"""The workflows may do what they need and no more, in the right order."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".github" / "workflows"
WORKFLOWS = {path.stem: yaml.safe_load(path.read_text()) for path in FOLDER.glob("*.yaml")}
DEPLOY = WORKFLOWS["deploy"]["jobs"]
STAGES = ("dev", "prod")

Json = dict[str, Any]


def steps_of(job: Json) -> list[Json]:
    return list(job.get("steps", []))


def triggers(name: str) -> Json:
    """YAML 1.1 reads the key `on` as true."""
    found: Json = WORKFLOWS[name][True]
    return found


def test_there_is_nothing_else() -> None:
    assert set(WORKFLOWS) == {"check", "deploy", "nightly"}
    assert len(list(FOLDER.iterdir())) == 3


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_may_only_read_unless_a_job_says_more(name: str) -> None:
    assert WORKFLOWS[name]["permissions"] == {"contents": "read"}
    may_more = {job for job, one in WORKFLOWS[name]["jobs"].items() if "permissions" in one}

    assert may_more == (set(STAGES) if name == "deploy" else set())


@pytest.mark.parametrize("name", WORKFLOWS)
def test_no_workflow_knows_a_secret(name: str) -> None:
    assert "secrets." not in (FOLDER / f"{name}.yaml").read_text()


def test_pull_requests_are_checked_and_never_deployed() -> None:
    assert set(triggers("check")) == {"pull_request", "workflow_call"}
    assert triggers("deploy") == {"push": {"branches": ["main"]}}


def test_every_change_passes_the_same_checks() -> None:
    assert DEPLOY["check"] == {"uses": "./.github/workflows/check.yaml"}
    assert {"run": ".ci/run"} in steps_of(WORKFLOWS["check"]["jobs"]["check"])


@pytest.mark.parametrize(("stage", "needs"), [("dev", "check"), ("prod", "dev")])
class TestDeployment:
    def test_it_comes_after_what_it_needs(self, stage: str, needs: str) -> None:
        assert DEPLOY[stage]["needs"] == needs

    def test_it_is_in_its_environment(self, stage: str, needs: str) -> None:
        assert DEPLOY[stage]["environment"] == stage

    def test_it_runs_one_after_another_and_to_its_end(self, stage: str, needs: str) -> None:
        assert DEPLOY[stage]["concurrency"] == {"group": f"deploy-{stage}", "cancel-in-progress": False}

    def test_it_may_ask_for_an_identity_and_read_the_code(self, stage: str, needs: str) -> None:
        assert DEPLOY[stage]["permissions"] == {"contents": "read", "id-token": "write"}

    def test_it_takes_its_own_role_and_is_skipped_without(self, stage: str, needs: str) -> None:
        role = f"vars.{stage.upper()}_ROLE_ARN"
        taken = [step["with"] for step in steps_of(DEPLOY[stage]) if "configure-aws" in step.get("uses", "")]

        assert taken == [{"role-to-assume": f"${{{{ {role} }}}}", "aws-region": "${{ vars.AWS_REGION }}"}]
        assert DEPLOY[stage]["if"] == f"{role} != ''"

    def test_it_runs_the_script_that_people_run(self, stage: str, needs: str) -> None:
        assert [step["run"] for step in steps_of(DEPLOY[stage]) if "run" in step] == [
            f"scripts/ops/deploy.sh {stage}"
        ]


def test_the_night_runs_the_real_files() -> None:
    assert "schedule" in triggers("nightly")
    assert steps_of(WORKFLOWS["nightly"]["jobs"]["real-files"])[-1] == {"run": "make real-files"}


def test_the_night_audits_the_dependencies() -> None:
    steps = steps_of(WORKFLOWS["nightly"]["jobs"]["supply"])

    assert [step["run"] for step in steps if "run" in step] == ["make sbom", "make audit"]


def test_the_night_opens_pages_in_a_browser_and_fails_without_one() -> None:
    """The targets that open pages skip them where there is no browser; `make chromium` fails there."""
    steps = steps_of(WORKFLOWS["nightly"]["jobs"]["e2e"])

    assert [step["run"] for step in steps if "run" in step] == ["make chromium", "make browser", "make e2e"]


@pytest.mark.parametrize("target", ["browser", "e2e"])
def test_what_opens_pages_installs_chromium_first_and_says_so_if_it_cannot(target: str) -> None:
    makefile = (ROOT / "Makefile").read_text()
    [recipe] = re.findall(rf"^{target}:.*\n((?:\t.*\n)+)", makefile, re.MULTILINE)
    install, test = recipe.splitlines()

    assert install == '\t@$(CHROMIUM) || echo "$(WITHOUT_CHROMIUM)"'
    assert f"pytest -m {target}" in test
    assert re.search(r"^CHROMIUM := .* -m scripts\.build\.chromium$", makefile, re.MULTILINE)

"""Lint what template.yaml deploys: `python -m scripts.checks.template [--all]`.

    cfn-lint    template.yaml, and the templates resolved with combinations of parameters
    checkov     the same resolved templates
    parliament  the IAM policies of every combination

Every combination that the template's rules allow is resolved and searched for references to
missing resources. The linters see a choice of them, in which every form of every resource
and every pair of values occurs. With --all they see every combination, which takes many
minutes. Exits with 1 when there is a finding that is not accepted, or a combination deploys
200 resources or more.
"""

import argparse
import json
import logging
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cfnlint.api import lint_file  # type: ignore[import-untyped]
from cfnlint.config import ConfigMixIn, ManualArgs  # type: ignore[import-untyped]
from cfnlint.decode.decode import decode_str  # type: ignore[import-untyped]
from cfnlint.runner import Runner, run_template_by_data  # type: ignore[import-untyped]
from parliament import analyze_policy_string
from samtranslator.yaml_helper import yaml_parse

from app.local.aws.template import TEMPLATE
from scripts.checks.combinations import combinations, covering
from scripts.checks.findings import Finding, objections
from scripts.checks.policies import policies
from scripts.checks.resolved_template import broken_rules, dangling, expanded, resolved

Json = dict[str, Any]

RULES = ManualArgs(append_rules=["cfn_lint_serverless.rules"], regions=["us-east-1"])
#: CloudFormation takes 500 (CloudFormation User Guide, "Quotas"); the rest is room to grow.
TOO_MANY_RESOURCES = 200
CHECKOV_OPTIONS = ("--framework", "cloudformation", "--skip-download", "--output", "json")


def main(lints_all: bool) -> int:
    logging.getLogger("samtranslator").setLevel(logging.ERROR)
    template = yaml_parse(TEMPLATE.read_text())
    deployable = expanded(template)
    tried = list(combinations())
    allowed = [(one, resolved(deployable, one)) for one in tried if not broken_rules(template, one)]
    templates = [template for _, template in allowed]
    most = max(len(one["Resources"]) for one in templates)
    linted = templates if lints_all else [template for _, template in covering(allowed)]
    found = [
        *(
            Finding("dangling", name, "is referred to, but does not exist")
            for one in templates
            for name in dangling(one)
        ),
        *(
            [Finding("resources", "template.yaml", f"{most} in one stack")]
            if most >= TOO_MANY_RESOURCES
            else []
        ),
        *parliament(templates),
        *cfn_lint(linted),
        *checkov(linted),
    ]
    objected = objections(found)
    print(*objected, sep="\n", end="\n" if objected else "")
    print(
        f"{len(tried)} combinations of parameters, {len(tried) - len(allowed)} refused by the template's "
        f"rules, {len(linted)} of the other {len(allowed)} linted: at most {most} resources, "
        f"{len(objected)} objections"
    )
    return 1 if objected else 0


def cfn_lint(templates: Iterable[Json]) -> Iterator[Finding]:
    config = ConfigMixIn(**RULES)
    rules = Runner(config).rules
    for match in lint_file(TEMPLATE, config=RULES):
        yield _finding(match)
    for template in templates:
        decoded, errors = decode_str(json.dumps(template))
        for match in (*errors, *run_template_by_data(decoded, config, rules)):
            yield _finding(match)


def _finding(match: Any) -> Finding:
    path = [str(part) for part in match.path or []]
    return Finding(match.rule.id, path[1] if path[:1] == ["Resources"] else ".".join(path), match.message)


def checkov(templates: Sequence[Json]) -> Iterator[Finding]:
    with TemporaryDirectory() as folder:
        for number, template in enumerate(templates):
            (Path(folder) / f"{number}.json").write_text(json.dumps(template, indent=1))
        # The status is not checked: it is 1 for any finding, and the report has them all.
        command = [str(Path(sys.executable).with_name("checkov")), *CHECKOV_OPTIONS, "--directory", folder]
        report = json.loads(subprocess.run(command, capture_output=True, check=False).stdout)
    if report["summary"]["resource_count"] < sum(len(one["Resources"]) for one in templates):
        yield Finding("checkov", folder, f"checkov did not read every resource: {report['summary']}")
    for check in report["results"]["failed_checks"]:
        yield Finding(check["check_id"], check["resource"].split(".")[-1], check["check_name"])
    skipped = {
        (one["resource"].split(".")[-1], one["check_id"]) for one in report["results"]["skipped_checks"]
    }
    for name, rule in {one for template in templates for one in _skips(template)} - skipped:
        yield Finding(rule, name, "accepted, but not found")


def _skips(template: Json) -> Iterator[tuple[str, str]]:
    for name, resource in template["Resources"].items():
        for skip in resource.get("Metadata", {}).get("checkov", {}).get("skip", []):
            yield name, skip["id"]


def parliament(templates: Iterable[Json]) -> Iterator[Finding]:
    distinct = {(one.where, json.dumps(one.document)) for template in templates for one in policies(template)}
    for where, document in sorted(distinct):
        for finding in analyze_policy_string(document, include_community_auditors=True).findings:
            yield Finding(finding.issue, where, str(finding.detail))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Lint what template.yaml deploys.")
    parser.add_argument("--all", action="store_true", help="lint every combination, which takes many minutes")
    sys.exit(main(parser.parse_args().all))

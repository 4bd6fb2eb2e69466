"""The combinations of parameters that template.yaml takes, and the resources that each deploys."""

from collections.abc import Mapping
from typing import Any

import pytest
from samtranslator.yaml_helper import yaml_parse

from app.local.aws.template import TEMPLATE
from scripts.checks.combinations import CHOICES, ELSEWHERE, combinations, covering
from scripts.checks.findings import ACCEPTED, Finding, objections
from scripts.checks.policies import Policy, policies
from scripts.checks.resolved_template import ALWAYS_GIVEN, broken_rules, dangling, expanded, resolved

Json = dict[str, Any]
GIVEN = {name: values[-1] for name, values in CHOICES.items()}
DOMAIN = {name: GIVEN[name] for name in ("DomainName", "CertificateArn")}
PICKS_A_NUMBER = {"LeaseSeconds"}


@pytest.fixture(scope="module")
def template() -> Json:
    parsed: Json = yaml_parse(TEMPLATE.read_text())
    return parsed


@pytest.fixture(scope="module")
def deployable(template: Json) -> Json:
    return expanded(template)


@pytest.fixture(scope="module")
def allowed(template: Json, deployable: Json) -> list[tuple[Mapping[str, str], Json]]:
    return [(one, resolved(deployable, one)) for one in combinations() if not broken_rules(template, one)]


class TestRules:
    @pytest.mark.parametrize(
        "parameters",
        [
            {},
            {"Stage": "prod"},
            {"AuthMode": "iam"},
            {"AuthMode": "cognito"},
            {"AuthMode": "cognito", "UserPoolArn": GIVEN["UserPoolArn"]},
            {"AuthMode": "api-key", "KeyOwners": GIVEN["KeyOwners"]},
            {"AuthMode": "iam", "AdminOwners": GIVEN["AdminOwners"]},
            DOMAIN,
            {**DOMAIN, "HostedZoneId": GIVEN["HostedZoneId"]},
            {"KmsKeyArn": GIVEN["KmsKeyArn"], "AlarmEmail": GIVEN["AlarmEmail"], "Polling": "off"},
        ],
        ids=str,
    )
    def test_what_makes_sense_is_taken(self, template: Json, parameters: Mapping[str, str]) -> None:
        assert broken_rules(template, parameters) == []

    @pytest.mark.parametrize(
        ("parameters", "told"),
        [
            ({"UserPoolArn": GIVEN["UserPoolArn"]}, "UserPoolArn works with AuthMode cognito only."),
            (
                {"AuthMode": "iam", "UserPoolArn": GIVEN["UserPoolArn"]},
                "UserPoolArn works with AuthMode cognito only.",
            ),
            (
                {"AuthMode": "iam", "KeyOwners": GIVEN["KeyOwners"]},
                "KeyOwners works with AuthMode api-key only.",
            ),
            (
                {"AuthMode": "cognito", "KeyOwners": GIVEN["KeyOwners"]},
                "KeyOwners works with AuthMode api-key only.",
            ),
            (
                {"AuthMode": "api-key", "AdminOwners": GIVEN["AdminOwners"]},
                "AdminOwners works with AuthMode iam only.",
            ),
            (
                {"AuthMode": "cognito", "AdminOwners": GIVEN["AdminOwners"]},
                "AdminOwners works with AuthMode iam only.",
            ),
            ({"DomainName": GIVEN["DomainName"]}, "DomainName needs CertificateArn."),
            (
                {"CertificateArn": GIVEN["CertificateArn"]},
                "CertificateArn works with DomainName only.",
            ),
            ({"HostedZoneId": GIVEN["HostedZoneId"]}, "HostedZoneId works with DomainName only."),
        ],
        ids=str,
    )
    def test_what_makes_none_is_refused_with_the_reason(
        self, template: Json, parameters: Mapping[str, str], told: str
    ) -> None:
        assert broken_rules(template, parameters) == [told]

    def test_several_mistakes_are_told_at_once(self, template: Json) -> None:
        parameters = {"AuthMode": "iam", "KeyOwners": GIVEN["KeyOwners"], "HostedZoneId": "Z1"}

        assert len(broken_rules(template, parameters)) == 2


class TestChoices:
    def test_they_are_of_every_parameter_that_something_depends_on(self, template: Json) -> None:
        decisive = {*names(template["Rules"]), *names(template["Conditions"]), *looked_up(template)}

        apart = {*PICKS_A_NUMBER, *ALWAYS_GIVEN, *(set[str]().union(*ELSEWHERE) - set(CHOICES))}
        assert set(CHOICES) == (decisive & set(template["Parameters"])) - apart

    def test_a_deployment_that_names_no_revision_is_refused(self, template: Json) -> None:
        [told] = broken_rules(template, {"Revision": "unnamed"})

        assert told.startswith("Set Revision")

    def test_they_are_values_that_the_template_takes(self, template: Json) -> None:
        for name, values in CHOICES.items():
            declared = template["Parameters"][name]

            assert list(values) == declared.get("AllowedValues", list(values))
            assert str(declared["Default"]) in values
            assert len(values) > 1

    @pytest.mark.long
    def test_a_few_templates_stand_for_all(self, allowed: list[tuple[Mapping[str, str], Json]]) -> None:
        few = covering(allowed)

        assert len(few) < len(allowed) / 5
        assert forms(few) == forms(allowed)
        assert pairs(few) == pairs(allowed)


class TestResolved:
    @pytest.mark.long
    def test_no_combination_names_what_it_leaves_out(
        self, allowed: list[tuple[Mapping[str, str], Json]]
    ) -> None:
        assert len(allowed) == 4608 + len(ELSEWHERE)
        assert [parameters for parameters, one in allowed if dangling(one)] == []

    @pytest.mark.long
    def test_no_combination_deploys_200_resources(
        self, allowed: list[tuple[Mapping[str, str], Json]]
    ) -> None:
        assert max(len(one["Resources"]) for _, one in allowed) < 200

    def test_a_name_that_only_one_mode_lacks_is_found(self, deployable: Json) -> None:
        template = deployable | {"Outputs": {"Key": {"Value": {"Ref": "ApiKey"}}}}

        assert dangling(resolved(template, {"AuthMode": "api-key"})) == set()
        assert dangling(resolved(template, {"AuthMode": "iam"})) == {"ApiKey"}

    @pytest.mark.long
    def test_nothing_is_left_to_decide(self, allowed: list[tuple[Mapping[str, str], Json]]) -> None:
        for _, one in allowed:
            assert set(one) == {"AWSTemplateFormatVersion", "Description", "Resources", "Outputs"}
            assert not {"Fn::If", "Fn::FindInMap"} & functions([one["Resources"], one["Outputs"]])
            assert not [body for body in one["Resources"].values() if "Condition" in body]
            assert not names(one["Resources"]) & set(CHOICES)

    def test_each_mode_has_its_deployment_alone(self, deployable: Json) -> None:
        for mode, prefix in {"api-key": "ApiKey", "iam": "Iam", "cognito": "Cognito"}.items():
            here = resolved(deployable, {"AuthMode": mode})["Resources"]
            [deployment] = [name for name, one in here.items() if one["Type"].endswith("::Deployment")]

            assert deployment.startswith(prefix)
            assert here["ApiStage"]["Properties"]["DeploymentId"] == {"Ref": deployment}

    def test_functions_are_worked_out_as_cloudformation_does(self) -> None:
        small = {
            "Parameters": {
                "Days": {"Type": "Number", "Default": 7},
                "Origins": {"Type": "CommaDelimitedList", "Default": "a,b"},
                "Stage": {"Type": "String", "Default": "dev"},
            },
            "Mappings": {"Sizes": {"7": {"Small": 1}}},
            "Conditions": {
                "IsWeek": {"Fn::Equals": [{"Ref": "Days"}, "7"]},
                "IsProd": {"Fn::Equals": [{"Ref": "Stage"}, "prod"]},
                "IsEither": {"Fn::Or": [{"Condition": "IsWeek"}, {"Condition": "IsProd"}]},
            },
            "Resources": {
                "There": {
                    "Condition": "IsEither",
                    "DependsOn": ["Absent", "Other"],
                    "Properties": {
                        "number": {"Ref": "Days"},
                        "list": {"Ref": "Origins"},
                        "text": {"Fn::Sub": "${Stage}-${Days}"},
                        "rest": {"Fn::Sub": ["${Stage}.${Known}.${Arn}", VARIABLES]},
                        "literal": {"Fn::Sub": "${!Stage}/${AWS::Region}"},
                        "joined": {"Fn::Join": ["+", {"Ref": "Origins"}]},
                        "size": {"Fn::FindInMap": ["Sizes", {"Ref": "Days"}, "Small"]},
                        "none": {"Fn::If": ["IsProd", 1, {"Ref": "AWS::NoValue"}]},
                        "some": [{"Fn::If": ["IsProd", 1, {"Ref": "AWS::NoValue"}]}, 2],
                    },
                },
                "Other": {"DependsOn": "There"},
                "Absent": {"Condition": "IsProd"},
            },
        }

        assert resolved(small, {}) == {
            "Resources": {
                "There": {
                    "DependsOn": ["Other"],
                    "Properties": {
                        "number": 7,
                        "list": ["a", "b"],
                        "text": "dev-7",
                        "rest": {"Fn::Sub": ["dev.known.${Arn}", {"Arn": {"Fn::GetAtt": ["Other", "Arn"]}}]},
                        "literal": {"Fn::Sub": "${!Stage}/${AWS::Region}"},
                        "joined": "a+b",
                        "size": 1,
                        "some": [2],
                    },
                },
                "Other": {"DependsOn": ["There"]},
            }
        }

    def test_a_parameter_without_a_value_is_told(self) -> None:
        with pytest.raises(LookupError):
            resolved({"Parameters": {"Size": {"Type": "Number"}}, "Resources": {}}, {})

    def test_a_function_that_it_does_not_know_is_told(self) -> None:
        with pytest.raises(LookupError):
            resolved({"Parameters": {}, "Resources": {"A": {"Properties": {"Fn::Base64": "x"}}}}, {})


class TestPolicies:
    def test_all_of_them_are_read_with_arns_in_the_place_of_references(self, deployable: Json) -> None:
        found = {one.where: one.document for one in policies(resolved(deployable, {}))}
        publish = next(one for one in found["RelayRole.relay"]["Statement"] if one["Sid"] == "Publish")

        assert set(found) == {
            *("ApiRole.api", "WorkerRole.worker", "RelayRole.relay", "PayloadBucketPolicy"),
            *("ArrivalQueuePolicy", "WorkQueuePolicy", "DeadLetterQueuePolicy", "AlarmTopicPolicy"),
            *("SenderRole.sender", "SenderQueuePolicy", "SenderDeadLetterQueuePolicy"),
        }
        assert publish["Resource"] == "arn:aws:events:us-east-1:123456789012:event-bus/domainbus"
        assert not functions(list(found.values()))

    def test_a_reference_inside_a_text_becomes_one_too(self) -> None:
        resources = {
            "Bucket": {"Type": "AWS::S3::Bucket"},
            "Role": policy_on({"Fn::Sub": "${Bucket.Arn}/${AWS::AccountId}/*"}),
        }

        assert list(policies({"Resources": resources})) == [
            Policy("Role.some", {"Resource": "arn:aws:s3:::bucket/123456789012/*"})
        ]

    def test_one_that_it_has_no_arn_for_is_told(self) -> None:
        resources = {
            "Ring": {"Type": "AWS::KMS::Key"},
            "Role": policy_on({"Fn::GetAtt": ["Ring", "Arn"]}),
        }

        with pytest.raises(LookupError):
            list(policies({"Resources": resources}))


class TestFindings:
    def test_whatever_the_template_accepts_it_says_why(self, template: Json) -> None:
        skips = [skip for one in template["Resources"].values() for skip in accepted_at(one)]

        assert skips
        assert all(set(skip) == {"id", "comment"} and skip["comment"] for skip in skips)

    def test_what_is_accepted_in_the_template_reaches_what_sam_makes(
        self, template: Json, deployable: Json
    ) -> None:
        for name, resource in template["Resources"].items():
            assert accepted_at(deployable["Resources"][name]) == accepted_at(resource)

    def test_what_is_accepted_is_no_objection_and_the_rest_is_told_once(self) -> None:
        accepted = [Finding(rule, where, "") for rule, where in ACCEPTED]
        other = Finding("E1", "ObjectsTable", "is wrong")

        assert objections([*accepted, other, other]) == [other]

    def test_an_acceptance_of_what_is_gone_is_an_objection(self) -> None:
        first, *others = ACCEPTED

        assert objections([Finding(rule, where, "") for rule, where in others]) == [
            Finding(*first, "accepted, but not found")
        ]


VARIABLES = {"Known": "known", "Arn": {"Fn::GetAtt": ["Other", "Arn"]}}


def accepted_at(resource: Json) -> list[Json]:
    found: list[Json] = resource.get("Metadata", {}).get("checkov", {}).get("skip", [])
    return found


def policy_on(resource: Json) -> Json:
    policies = [{"PolicyName": "some", "PolicyDocument": {"Resource": resource}}]
    return {"Type": "AWS::IAM::Role", "Properties": {"Policies": policies}}


def forms(templates: list[tuple[Mapping[str, str], Json]]) -> set[tuple[str, str]]:
    return {(name, str(body)) for _, one in templates for name, body in one["Resources"].items()}


def pairs(templates: list[tuple[Mapping[str, str], Json]]) -> set[tuple[tuple[str, str], ...]]:
    return {(one, other) for given, _ in templates for one in given.items() for other in given.items()}


def names(part: Any) -> set[str]:
    """Return the names that a piece of the template refers to by Ref."""
    inner = part.values() if isinstance(part, dict) else part if isinstance(part, list) else []
    here = {part["Ref"]} if isinstance(part, dict) and "Ref" in part else set()
    return here.union(*map(names, inner))


def looked_up(part: Any) -> set[str]:
    """Return the names by which a piece of the template picks lines of its mappings."""
    if isinstance(part, dict) and "Fn::FindInMap" in part:
        return names(part["Fn::FindInMap"])
    inner = part.values() if isinstance(part, dict) else part if isinstance(part, list) else []
    return set[str]().union(*map(looked_up, inner))


def functions(part: Any) -> set[str]:
    """Yield the functions of CloudFormation that a piece of the template calls."""
    if isinstance(part, dict):
        here = {key for key in part if key == "Ref" or key.startswith("Fn::")}
        return here.union(*map(functions, part.values()))
    return set[str]().union(*map(functions, part)) if isinstance(part, list) else set()

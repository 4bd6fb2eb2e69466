"""What template.yaml promises, read from the template and from what SAM makes of it."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cfnlint.api import lint_file  # type: ignore[import-untyped]
from samtranslator.yaml_helper import yaml_parse

from app.api.middleware.security_headers import HEADERS, ONLY_HTTPS
from app.api.problems.catalogue import PAGES
from app.config import ApiSettings, RelaySettings, Settings, WorkerSettings
from app.domain.events import SOURCE, EventType
from app.local import template as local
from app.local.template import FUNCTION, LEFT_OUT_PROPERTIES, LEFT_OUT_TYPES, TEMPLATE, local_template
from app.observability.measuring import NAMESPACE
from app.observability.metrics import FAILED_REQUESTS, METRICS
from scripts.build.api_deployments import renamed
from scripts.checks.resolved_template import expanded

Json = dict[str, Any]

SETTINGS: dict[str, type[Settings]] = {
    "ApiFunction": ApiSettings,
    "WorkerFunction": WorkerSettings,
    "RelayFunction": RelaySettings,
}
READ_WITHOUT_SETTINGS = {"POWERTOOLS_LOG_LEVEL", "POWERTOOLS_LOGGER_SAMPLE_RATE", NAMESPACE}
"""By the logger, before there are settings."""
SUMMARY = {
    *("id", "kind", "name", "labels", "status", "version"),
    *("payload", "newest", "summary", "problem", "created_at", "updated_at"),
}


SEARCHED = re.compile(
    r"""SEARCH\('\{"Wharf/\$\{AWS::StackName\}",(?P<dimensions>[\w,]+)\} """
    r"""MetricName="(?P<metric>\w+)"', '\w+', 60\)"""
)

GATEWAY_RESPONSES = [
    name
    for name, one in yaml_parse(TEMPLATE.read_text())["Resources"].items()
    if one["Type"] == "AWS::ApiGateway::GatewayResponse"
]


@pytest.fixture(scope="module")
def template() -> Json:
    parsed: Json = yaml_parse(TEMPLATE.read_text())
    return parsed


@pytest.fixture(scope="module")
def resources(template: Json) -> Json:
    """As CloudFormation gets them, after SAM."""
    found: Json = expanded(template)["Resources"]
    return found


def properties(resources: Json, name: str) -> Json:
    found: Json = resources[name]["Properties"]
    return found


class TestTable:
    @pytest.fixture
    def table(self, resources: Json) -> Json:
        return properties(resources, "ObjectsTable")

    @pytest.mark.parametrize(
        ("name", "partition", "sort"),
        [
            ("by_owner", "by_owner", "listed_at"),
            ("by_status", "by_status", "listed_at"),
            ("in_flight", "in_flight", "due_at"),
        ],
    )
    def test_an_index_has_its_keys(self, table: Json, name: str, partition: str, sort: str) -> None:
        assert keys(indexes(table)[name]) == (partition, sort)

    def test_the_lists_project_the_summary_and_the_sweep_nothing(self, table: Json) -> None:
        found = {name: index["Projection"] for name, index in indexes(table).items()}

        assert set(found["by_owner"]["NonKeyAttributes"]) == SUMMARY
        assert found["by_status"] == found["by_owner"]
        assert found["in_flight"] == {"ProjectionType": "KEYS_ONLY"}

    def test_every_key_is_text_and_nothing_else_is_declared(self, table: Json) -> None:
        declared = {one["AttributeName"]: one["AttributeType"] for one in table["AttributeDefinitions"]}
        used = {*keys(table), *(key for index in indexes(table).values() for key in keys(index))}

        assert set(declared) == used
        assert set(declared.values()) == {"S"}

    def test_it_streams_expires_and_can_be_restored(self, table: Json) -> None:
        assert table["BillingMode"] == "PAY_PER_REQUEST"
        assert table["StreamSpecification"] == {"StreamViewType": "NEW_AND_OLD_IMAGES"}
        assert table["TimeToLiveSpecification"] == {"AttributeName": "purge_at", "Enabled": True}
        assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}

    @pytest.mark.parametrize("name", ["ObjectsTable", "PayloadBucket"])
    def test_no_change_of_the_template_can_lose_data(self, resources: Json, name: str) -> None:
        assert resources[name]["DeletionPolicy"] == "RetainExceptOnCreate"
        assert resources[name]["UpdateReplacePolicy"] == "Retain"


class TestBucket:
    def test_nothing_in_it_is_public(self, resources: Json) -> None:
        bucket = properties(resources, "PayloadBucket")

        assert len(bucket["PublicAccessBlockConfiguration"]) == 4
        assert all(bucket["PublicAccessBlockConfiguration"].values())
        assert bucket["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
        assert bucket["BucketEncryption"]

    def test_only_tls_is_answered_and_only_this_account_and_aws_itself(self, resources: Json) -> None:
        assert_denies_strangers(properties(resources, "PayloadBucketPolicy"), "s3:*")

    def test_it_announces_uploads_and_forgets_abandoned_ones(self, resources: Json) -> None:
        bucket = properties(resources, "PayloadBucket")
        rules = bucket["LifecycleConfiguration"]["Rules"]

        assert bucket["NotificationConfiguration"]["EventBridgeConfiguration"]["EventBridgeEnabled"] is True
        assert rules[0]["AbortIncompleteMultipartUpload"]

    def test_prod_keeps_old_versions_for_a_week(self, resources: Json) -> None:
        bucket = properties(resources, "PayloadBucket")
        _, (condition, old_versions, otherwise) = (
            rule.get("Fn::If") for rule in bucket["LifecycleConfiguration"]["Rules"]
        )

        assert bucket["VersioningConfiguration"]["Fn::If"][:2] == ["IsProd", {"Status": "Enabled"}]
        assert condition == "IsProd"
        assert old_versions["NoncurrentVersionExpiration"] == {"NoncurrentDays": 7}
        assert otherwise == {"Ref": "AWS::NoValue"}


class TestQueue:
    def test_a_message_is_given_up_after_ten_receipts_and_kept_for_two_weeks(self, resources: Json) -> None:
        redrive = properties(resources, "WorkQueue")["RedrivePolicy"]

        assert redrive["maxReceiveCount"] == 10
        assert redrive["deadLetterTargetArn"] == {"Fn::GetAtt": ["DeadLetterQueue", "Arn"]}
        assert properties(resources, "DeadLetterQueue")["MessageRetentionPeriod"] == 14 * 24 * 60 * 60

    def test_it_stays_invisible_for_six_times_any_lease(self, template: Json, resources: Json) -> None:
        leases = template["Parameters"]["LeaseSeconds"]["AllowedValues"]
        invisible = template["Mappings"]["VisibilityTimeout"]

        assert {name: row["Seconds"] for name, row in invisible.items()} == {
            str(lease): 6 * lease for lease in leases
        }
        assert properties(resources, "WorkQueue")["VisibilityTimeout"] == {
            "Fn::FindInMap": ["VisibilityTimeout", {"Ref": "LeaseSeconds"}, "Seconds"]
        }

    @pytest.mark.parametrize("name", ["WorkQueuePolicy", "DeadLetterQueuePolicy"])
    def test_only_the_rules_may_send(self, resources: Json, name: str) -> None:
        statement, *_ = properties(resources, name)["PolicyDocument"]["Statement"]
        rules = [one for one, resource in resources.items() if resource["Type"] == "AWS::Events::Rule"]

        assert statement["Action"] == "sqs:SendMessage"
        assert statement["Principal"] == {"Service": "events.amazonaws.com"}
        allowed = statement["Condition"]["ArnEquals"]["aws:SourceArn"]
        assert {arn["Fn::GetAtt"][0] for arn in allowed} == set(rules)

    @pytest.mark.parametrize("name", ["WorkQueue", "DeadLetterQueue", "RelayFailureQueue"])
    def test_strangers_and_plain_http_are_refused(self, resources: Json, name: str) -> None:
        assert_denies_strangers(properties(resources, f"{name}Policy"), "sqs:*")


class TestRules:
    def test_payloads_that_arrive_are_work(self, resources: Json) -> None:
        rule = properties(resources, "PayloadArrivedRule")

        assert "EventBusName" not in rule
        assert rule["EventPattern"] == {
            "source": ["aws.s3"],
            "detail-type": ["Object Created"],
            "detail": {
                "bucket": {"name": [{"Ref": "PayloadBucket"}]},
                "object": {"key": [{"prefix": "payloads/"}]},
            },
        }

    def test_reprocessing_and_deletion_are_work(self, resources: Json) -> None:
        rule = properties(resources, "ObjectChangedRule")

        assert rule["EventBusName"] == {"Ref": "DomainBus"}
        assert rule["EventPattern"] == {
            "source": [SOURCE],
            "detail-type": [EventType.REPROCESS_REQUESTED.value, EventType.DELETED.value],
        }

    def test_a_revision_that_may_replace_others_is_work(self, resources: Json) -> None:
        rule = properties(resources, "PayloadReplacedRule")
        later = {"revision": [{"numeric": [">", 1]}]}

        assert rule["EventBusName"] == {"Ref": "DomainBus"}
        assert rule["EventPattern"] == {
            "source": [SOURCE],
            "detail-type": [EventType.READY.value, EventType.UPLOAD_REQUESTED.value],
            "detail": {"data": {"$or": [{"payload": later}, {"incoming": later}]}},
        }

    def test_the_clock_asks_for_a_sweep_every_minute(self, resources: Json) -> None:
        rule = properties(resources, "SweepRule")

        assert rule["ScheduleExpression"] == "rate(1 minute)"
        assert json.loads(rule["Targets"][0]["Input"]) == {
            "detail-type": "sweep",
            "source": "wharf.clock",
            "detail": {},
        }

    def test_each_sends_to_the_work_queue_and_loses_nothing(self, resources: Json) -> None:
        rules = [resource for resource in resources.values() if resource["Type"] == "AWS::Events::Rule"]
        targets = [target for rule in rules for target in rule["Properties"]["Targets"]]

        assert len(targets) == len(rules)
        assert all(target["Arn"] == {"Fn::GetAtt": ["WorkQueue", "Arn"]} for target in targets)
        assert all(target["DeadLetterConfig"] for target in targets)


class TestFunctions:
    @pytest.mark.parametrize("name", SETTINGS)
    def test_a_function_has_the_variables_it_reads_and_no_others(self, resources: Json, name: str) -> None:
        given = set(properties(resources, name)["Environment"]["Variables"]) - READ_WITHOUT_SETTINGS
        settings = SETTINGS[name]
        known = {field.upper() for field in settings.model_fields}
        needed = {field.upper() for field, one in settings.model_fields.items() if one.is_required()}

        assert given <= known
        assert needed <= given

    def test_no_deployed_stack_can_trust_the_owner_header(self, template: Json) -> None:
        assert "local" not in template["Parameters"]["AuthMode"]["AllowedValues"]

    def test_other_parameters_are_a_new_version_as_other_code_is(self, template: Json) -> None:
        """SAM itself looks at the code only: the alias would stay with the old parameters."""
        functions = {name: one for name, one in template["Resources"].items() if one["Type"] == FUNCTION}

        assert {one["Properties"]["AutoPublishCodeSha256"]["Ref"] for one in functions.values()} == {
            "Revision"
        }
        assert template["Parameters"]["Revision"]["Default"] == "unnamed"

    def test_the_worker_times_out_when_its_lease_ends(self, resources: Json) -> None:
        worker = properties(resources, "WorkerFunction")

        assert worker["Timeout"] == {"Ref": "LeaseSeconds"}
        assert worker["Environment"]["Variables"]["LEASE_SECONDS"] == {"Ref": "LeaseSeconds"}

    def test_the_api_answers_before_api_gateway_gives_up(self, resources: Json) -> None:
        assert properties(resources, "ApiFunction")["Timeout"] == 29

    @pytest.mark.parametrize("name", ["WorkerFunctionWork", "RelayFunctionChanges"])
    def test_a_source_repeats_only_what_failed_and_can_be_switched_off(
        self, resources: Json, name: str
    ) -> None:
        mapping = properties(resources, name)

        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert mapping["Enabled"] == {"Fn::If": ["IsPolling", True, False]}

    def test_there_are_no_more_workers_at_once_than_the_parameter_says(self, resources: Json) -> None:
        mapping = properties(resources, "WorkerFunctionWork")

        assert mapping["ScalingConfig"] == {"MaximumConcurrency": {"Ref": "WorkerConcurrency"}}

    def test_the_relay_gets_every_change_of_an_object_from_the_start(self, resources: Json) -> None:
        mapping = properties(resources, "RelayFunctionChanges")
        (one,) = mapping["FilterCriteria"]["Filters"]

        assert mapping["StartingPosition"] == "TRIM_HORIZON"
        assert mapping["BisectBatchOnFunctionError"] is True
        assert mapping["DestinationConfig"]["OnFailure"]
        assert json.loads(one["Pattern"]) == {"dynamodb": {"Keys": {"sk": {"S": ["object"]}}}}

    @pytest.mark.parametrize("name", SETTINGS)
    def test_its_logs_end_some_day(self, resources: Json, name: str) -> None:
        group = properties(resources, name)["LoggingConfig"]["LogGroup"]["Ref"]

        assert properties(resources, group)["RetentionInDays"] == {"Ref": "LogRetentionDays"}


class TestAlarms:
    def test_an_alarm_on_our_own_metrics_watches_one_that_the_functions_measure(
        self, resources: Json
    ) -> None:
        namespace = {"Fn::Sub": "Wharf/${AWS::StackName}"}
        alarms = [one["Properties"] for one in resources.values() if one["Type"] == "AWS::CloudWatch::Alarm"]
        watched = {one["MetricName"]: one for one in alarms if one.get("Namespace") == namespace}
        without_dimensions = {metric.name for metric in METRICS if not metric.dimensions}

        assert set(watched) == {"overdue_seconds", "set_aside"}
        assert set(watched) <= without_dimensions
        assert all("Dimensions" not in alarm for alarm in watched.values())
        for name in SETTINGS:
            assert properties(resources, name)["Environment"]["Variables"][NAMESPACE] == namespace

    @pytest.mark.parametrize("name", SETTINGS)
    def test_a_deployment_is_stopped_only_by_alarms_on_the_version_that_is_deployed(
        self, resources: Json, name: str
    ) -> None:
        """Else what is wrong with the old version would stop its own fix."""
        group = properties(resources, f"{name}DeploymentGroup")
        condition, with_alarms, without = group["AlarmConfiguration"]["Fn::If"]
        alarms = [properties(resources, alarm["Name"]["Ref"]) for alarm in with_alarms["Alarms"]]

        assert (condition, without) == ("HasDeploymentAlarms", {})
        assert alarms
        for alarm in alarms:
            series = {one["Id"]: one["MetricStat"] for one in alarm["Metrics"] if "MetricStat" in one}
            executed = series["invocations"]["Metric"]
            dimensions = {one["Name"]: one["Value"] for one in executed["Dimensions"]}

            assert alarm["TreatMissingData"] == "notBreaching"
            assert alarm["Metrics"][0]["Expression"].startswith("IF(invocations >= 10, ")
            assert (executed["Namespace"], executed["MetricName"]) == ("AWS/Lambda", "Invocations")
            assert dimensions["Resource"] == {"Fn::Sub": f"${{{name}}}:live"}
            assert all(version_of(one["Metric"]) == f"{name}Version1" for one in series.values())

    def test_failures_that_lambda_does_not_count_are_watched_as_the_api_measures_them(
        self, resources: Json
    ) -> None:
        alarm = properties(resources, "ApiVersionFailuresAlarm")
        [ours] = [one["MetricStat"] for one in alarm["Metrics"] if one["Id"] == "failures"]

        assert ours["Stat"] == "Average"
        assert ours["Metric"]["MetricName"] == FAILED_REQUESTS.name
        assert tuple(one["Name"] for one in ours["Metric"]["Dimensions"]) == FAILED_REQUESTS.dimensions

    def test_the_dashboard_shows_our_own_metrics_as_they_are_measured(self, template: Json) -> None:
        body = template["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
        shown = [one for panel in json.loads(body)["widgets"] for one in panel["properties"]["metrics"]]
        ours = [one for one in shown if isinstance(one[0], str) and one[0].startswith("Wharf/")]
        expressions = [one[0]["expression"] for one in shown if isinstance(one[0], dict)]
        searched = [SEARCHED.fullmatch(expression) for expression in expressions]
        dimensions = {metric.name: metric.dimensions for metric in METRICS}

        assert {one[1] for one in ours} == {"overdue_seconds", "set_aside", "relay_seconds"}
        assert all(dimensions[one[1]] == () for one in ours)
        assert {one and one["metric"] for one in searched} == {
            "requests",
            "objects",
            "rejections",
            "queue_seconds",
            "processing_seconds",
        }
        for one in searched:
            assert one is not None
            assert dimensions[one["metric"]] == tuple(one["dimensions"].split(","))


class TestRoles:
    def test_there_are_only_the_written_ones(self, resources: Json) -> None:
        roles = {name for name, resource in resources.items() if resource["Type"] == "AWS::IAM::Role"}

        # SAM's own lets CodeDeploy shift traffic; the account's lets API Gateway write logs.
        managed = {name for name in roles if "ManagedPolicyArns" in properties(resources, name)}
        assert roles == {"ApiRole", "WorkerRole", "RelayRole"} | managed
        assert managed == {"CodeDeployServiceRole", "AccountLogRole"}

    def test_no_statement_allows_everything(self, resources: Json) -> None:
        for statement in role_statements(resources):
            targets = listed(statement["Resource"])

            assert "*" not in targets or statement["Sid"] == "Trace"
            assert not [action for action in listed(statement["Action"]) if "*" in action]

    def test_wildcards_only_end_a_folder_or_a_stream(self, resources: Json) -> None:
        patterns = {
            target["Fn::Sub"]
            for statement in role_statements(resources)
            for target in listed(statement["Resource"])
            if isinstance(target, dict) and "*" in target.get("Fn::Sub", "")
        }

        assert patterns == {
            "${PayloadBucket.Arn}/payloads/*",
            "${PayloadBucket.Arn}/artifacts/*",
            "${PayloadBucket.Arn}/relay-failures/*",
            "${ObjectsTable.Arn}/stream/*",
        }


class TestApi:
    def test_everything_but_the_open_paths_needs_the_caller(self, resources: Json) -> None:
        method = properties(resources, "ProxyMethod")

        assert (path_of(resources, method), method["HttpMethod"]) == ("/{proxy+}", "ANY")
        assert method["ApiKeyRequired"] == {"Fn::If": ["UsesApiKeys", True, False]}
        assert method["AuthorizationType"] == {
            "Fn::If": ["UsesIam", "AWS_IAM", {"Fn::If": ["UsesCognito", "COGNITO_USER_POOLS", "NONE"]}]
        }
        assert method["AuthorizationScopes"]["Fn::If"][:2] == ["UsesCognito", ["wharf/objects"]]

    def test_every_request_is_throttled_as_the_parameters_say(self, resources: Json) -> None:
        settings, *_ = properties(resources, "ApiStage")["MethodSettings"]

        assert (settings["HttpMethod"], settings["ResourcePath"]) == ("*", "/*")
        assert settings["ThrottlingRateLimit"] == {"Ref": "RequestsPerSecond"}
        assert settings["ThrottlingBurstLimit"] == {"Ref": "RequestBurst"}
        assert properties(resources, "UsagePlan")["Throttle"] == {
            "RateLimit": {"Ref": "KeyRequestsPerSecond"},
            "BurstLimit": {"Ref": "KeyRequestBurst"},
        }

    def test_no_key_may_use_up_what_all_callers_have_together(self, template: Json) -> None:
        defaults = {name: one.get("Default") for name, one in template["Parameters"].items()}

        assert defaults["KeyRequestsPerSecond"] < defaults["RequestsPerSecond"]
        assert defaults["KeyRequestBurst"] < defaults["RequestBurst"]

    def test_each_open_path_is_throttled_apart_from_the_callers(
        self, template: Json, resources: Json
    ) -> None:
        """A stage's settings are counted for each path and verb."""
        _, *apart = properties(resources, "ApiStage")["MethodSettings"]
        throttled = {one["ResourcePath"].replace("~1", "/").replace("//", "/") for one in apart}
        open_paths = {
            path_of(resources, one["Properties"])
            for name, one in resources.items()
            if one["Type"] == "AWS::ApiGateway::Method" and name != "ProxyMethod"
        }
        least = template["Parameters"]["RequestsPerSecond"]["Default"]

        assert throttled == open_paths
        assert {one["HttpMethod"] for one in apart if one["ResourcePath"] != "/~1{proxy+}"} == {"GET"}
        assert [one["HttpMethod"] for one in apart if one["ResourcePath"] == "/~1{proxy+}"] == ["OPTIONS"]
        assert all(one["ThrottlingRateLimit"] < least for one in apart)
        assert all(one["ThrottlingBurstLimit"] < 2 * least for one in apart)

    def test_its_own_endpoint_takes_tls_1_2_and_later_only(self, resources: Json) -> None:
        """Without a policy, the endpoint of a regional API takes TLS 1.0."""
        api = properties(resources, "RestApi")

        assert api["SecurityPolicy"] == "SecurityPolicy_TLS13_1_2_2021_06"
        # Such a policy is refused without a mode.
        assert api["EndpointAccessMode"] == "BASIC"
        assert properties(resources, "Domain")["SecurityPolicy"] == "TLS_1_2"

    def test_with_a_domain_it_is_reached_there_only(self, resources: Json) -> None:
        assert properties(resources, "RestApi")["DisableExecuteApiEndpoint"] == {
            "Fn::If": ["HasDomain", True, False]
        }
        # It takes effect with the next change of a stage.
        for description in properties(resources, "ApiStage")["Description"]["Fn::If"][1:]:
            assert description["Fn::If"][0] == "HasDomain"

    def test_what_a_firewall_refuses_stays_403(self, resources: Json) -> None:
        """The default of 4XX answers has the status 400, and would take the firewall's too."""
        answers = [one["Properties"] for one in resources.values() if "GatewayResponse" in one["Type"]]
        statuses = {one["ResponseType"]: one["StatusCode"] for one in answers}

        assert statuses["DEFAULT_4XX"] == "400"
        assert statuses["WAF_FILTERED"] == "403"

    def test_the_open_paths_are_open_in_every_mode(self, resources: Json) -> None:
        open_methods = [
            one["Properties"]
            for name, one in resources.items()
            if one["Type"] == "AWS::ApiGateway::Method" and name != "ProxyMethod"
        ]

        assert {(path_of(resources, one), one["HttpMethod"]) for one in open_methods} == {
            ("/", "ANY"),
            ("/healthz", "ANY"),
            ("/openapi.json", "ANY"),
            ("/docs", "ANY"),
            ("/docs/{proxy+}", "ANY"),
            ("/problems", "ANY"),
            ("/problems/{proxy+}", "ANY"),
            ("/console", "ANY"),
            ("/console/{proxy+}", "ANY"),
            ("/{proxy+}", "OPTIONS"),
        }
        assert all(one["AuthorizationType"] == "NONE" for one in open_methods)
        assert not [one for one in open_methods if "ApiKeyRequired" in one]

    def test_each_mode_has_a_deployment_of_its_own_made_after_what_it_depicts(self, resources: Json) -> None:
        """Else CloudFormation may take the snapshot before it has changed a method or a response."""
        deployments = [one for one in resources.values() if one["Type"] == "AWS::ApiGateway::Deployment"]
        depicted = {
            name
            for name, one in resources.items()
            if one["Type"] in {"AWS::ApiGateway::Method", "AWS::ApiGateway::GatewayResponse"}
        }

        assert {one["Condition"] for one in deployments} == {"UsesApiKeys", "UsesIam", "UsesCognito"}
        assert all(set(one["DependsOn"]) == depicted for one in deployments)

    def test_a_deployments_name_tells_what_it_depicts(self) -> None:
        """Else CloudFormation would keep the old snapshot: run `make api-deployments`."""
        text = TEMPLATE.read_text()

        assert renamed(text) == text

    @pytest.mark.parametrize(
        ("before", "after", "is_depicted"),
        [
            ("HttpMethod: OPTIONS", "HttpMethod: GET", True),
            ('PathPart: "healthz"', 'PathPart: "health"', True),
            ("ResponseType: THROTTLED", "ResponseType: RESOURCE_NOT_FOUND", True),
            ("TracingEnabled: true", "TracingEnabled: false", False),
        ],
    )
    def test_its_name_changes_with_the_methods_and_with_nothing_else(
        self, before: str, after: str, is_depicted: bool
    ) -> None:
        text = TEMPLATE.read_text()
        changed = text.replace(before, after, 1)

        assert changed != text
        assert (renamed(changed) != changed) is is_depicted

    @pytest.mark.parametrize("name", GATEWAY_RESPONSES)
    def test_what_the_gateway_answers_itself_is_a_problem_document(self, resources: Json, name: str) -> None:
        answer = properties(resources, name)
        text, variables = answer["ResponseTemplates"]["application/json"]["Fn::Sub"]
        problem = json.loads(text.replace("${Base}", "/dev"))
        parameters = answer["ResponseParameters"]

        assert set(problem) == {"type", "title", "status", "detail", "code", "request_id"}
        assert problem["type"] == f"/dev/problems/{problem['code']}"
        assert str(problem["status"]) == answer["StatusCode"]
        assert PAGES[problem["code"]].title == problem["title"]
        assert set(variables) == {"Base"}
        assert parameters["gatewayresponse.header.Content-Type"] == "'application/problem+json'"
        assert parameters["gatewayresponse.header.Access-Control-Allow-Origin"] == "'*'"
        assert ("gatewayresponse.header.Retry-After" in parameters) is (problem["status"] in {429, 503})

    @pytest.mark.parametrize("name", GATEWAY_RESPONSES)
    def test_what_the_gateway_answers_itself_repeats_nothing_of_the_request(
        self, resources: Json, name: str
    ) -> None:
        """Its own messages quote the Authorization header, the canonical request and the resource's ARN."""
        text = properties(resources, name)["ResponseTemplates"]["application/json"]["Fn::Sub"][0]

        assert set(re.findall(r"\$context[.\w]+", text)) <= {
            "$context.requestId",
            "$context.error.responseType",
        }

    @pytest.mark.parametrize("name", GATEWAY_RESPONSES)
    def test_what_the_gateway_answers_itself_has_the_headers_of_every_answer(
        self, resources: Json, name: str
    ) -> None:
        """Less one: a static value is in quotes, and whether it may hold some was not tried."""
        given = {
            header.rpartition(".")[2].lower(): value.strip("'")
            for header, value in properties(resources, name)["ResponseParameters"].items()
        }
        wanted = {**HEADERS, **ONLY_HTTPS}
        wanted.pop("content-security-policy")

        assert {header: given.get(header) for header in wanted} == wanted

    def test_the_accounts_role_for_logs_comes_after_an_api_and_before_the_stage(
        self, resources: Json
    ) -> None:
        """An account that never had an API refuses it, and a stage with a log needs it."""
        account = resources["GatewayAccount"]
        [condition, waits, otherwise] = properties(resources, "ApiStage")["Description"]["Fn::If"]

        assert account["DependsOn"] == ["RestApi"]
        assert condition == account["Condition"]
        assert all("${GatewayAccount}" in text["Fn::Sub"] for text in waits["Fn::If"][1:])
        assert all(isinstance(text, str) for text in otherwise["Fn::If"])

    def test_the_accounts_role_for_logs_outlives_the_stack(self, resources: Json) -> None:
        """Other APIs of the account may use it by then."""
        for name in ("GatewayAccount", "AccountLogRole"):
            assert resources[name]["DeletionPolicy"] == "Retain"
            assert resources[name]["UpdateReplacePolicy"] == "Retain"
        [trust] = properties(resources, "AccountLogRole")["AssumeRolePolicyDocument"]["Statement"]
        assert "Condition" not in trust

    def test_its_access_log_is_json_and_holds_no_query_and_no_key(self, resources: Json) -> None:
        stage = properties(resources, "ApiStage")
        line = json.loads(stage["AccessLogSetting"]["Format"])

        assert stage["TracingEnabled"] is True
        assert line["request_id"] == "$context.requestId"
        assert not [value for value in line.values() if "apiKey" in value or "query" in value.lower()]


def test_the_expanded_template_is_clean(template: Json, tmp_path: Path) -> None:
    file = tmp_path / "expanded.json"
    file.write_text(json.dumps(expanded(template)))

    assert [str(match) for match in lint_file(file)] == []


def test_what_is_left_out_locally_is_nothing_that_keeps_objects(template: Json) -> None:
    here = local_template()

    assert set(template["Resources"]) - set(here["Resources"]) == {
        name for name, one in template["Resources"].items() if one["Type"] in LEFT_OUT_TYPES
    }
    assert set(template["Outputs"]) - set(here["Outputs"]) == {"EventArchiveArn"}
    changed = {name for name, one in here["Resources"].items() if one != template["Resources"][name]}
    assert changed == {
        name
        for name, one in template["Resources"].items()
        # A deployment depends on gateway responses, which are left out.
        if one["Type"] in {*LEFT_OUT_PROPERTIES, "AWS::ApiGateway::Deployment"}
    }


def test_outputs_and_dependencies_go_with_what_they_name(
    template: Json, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        local,
        "LEFT_OUT_TYPES",
        dict.fromkeys(
            ("AWS::ApiGateway::Stage", "AWS::ApiGateway::Method", "AWS::ApiGateway::GatewayResponse"), ""
        ),
    )
    here = local_template()

    deployments = [name for name in here["Resources"] if "Deployment" in name]
    assert set(template["Outputs"]) - set(here["Outputs"]) == {"ApiUrl"}
    assert [here["Resources"][name]["DependsOn"] for name in deployments] == [[], [], []]


def assert_denies_strangers(policy: Json, actions: str) -> None:
    """The last two statements; AWS's own services, which act for nobody's account, are let in."""
    *_, over_tls, strangers = policy["PolicyDocument"]["Statement"]

    for statement in (over_tls, strangers):
        assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", actions)
    assert over_tls["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert strangers["Condition"] == {
        "StringNotEquals": {"aws:PrincipalAccount": {"Ref": "AWS::AccountId"}},
        "Bool": {"aws:PrincipalIsAWSService": "false"},
    }


def version_of(metric: Json) -> str:
    """Return the logical id of the version that a metric is of."""
    [version] = [
        one["Value"] for one in metric["Dimensions"] if one["Name"] in {"ExecutedVersion", "function_version"}
    ]
    logical_id, attribute = version["Fn::GetAtt"]
    assert attribute == "Version"
    return str(logical_id)


def path_of(resources: Json, method: Json) -> str:
    """Below the stage, such as /docs/{proxy+}."""
    path, parent = "", method["ResourceId"]
    while "Ref" in parent:
        resource = properties(resources, parent["Ref"])
        path, parent = f"/{resource['PathPart']}{path}", resource["ParentId"]
    return path or "/"


def indexes(table: Json) -> dict[str, Json]:
    return {index["IndexName"]: index for index in table["GlobalSecondaryIndexes"]}


def keys(keyed: Json) -> tuple[str, str]:
    found = {key["KeyType"]: key["AttributeName"] for key in keyed["KeySchema"]}
    return found["HASH"], found["RANGE"]


def role_statements(resources: Json) -> Iterator[Json]:
    for resource in resources.values():
        if resource["Type"] == "AWS::IAM::Role":
            for policy in resource["Properties"].get("Policies", []):
                for statement in policy["PolicyDocument"]["Statement"]:
                    # What is there only with a key, or always.
                    yield statement["Fn::If"][1] if "Fn::If" in statement else statement


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]

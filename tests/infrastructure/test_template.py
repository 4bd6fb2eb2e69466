"""The promises of template.yaml, read from the template and from what SAM makes of it."""

import json
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from cfnlint.api import lint_file  # type: ignore[import-untyped]
from samtranslator.yaml_helper import yaml_parse

from app.api.middleware.security_headers import HEADERS, ONLY_HTTPS
from app.api.problems.catalogue import PAGES
from app.config import (
    ApiSettings,
    ConfigurationError,
    RelaySettings,
    SenderSettings,
    Settings,
    WorkerSettings,
)
from app.domain.objects.state import ObjectSummary
from app.domain.objects.values import PAYLOADS
from app.local.aws import template as local
from app.local.aws.template import FUNCTION, LEFT_OUT_PROPERTIES, LEFT_OUT_TYPES, TEMPLATE, local_template
from app.local.settings import OF_THE_STACK, PARAMETERS
from app.messaging.messages import Unreadable, parse_message
from app.observability.measuring import NAMESPACE
from app.observability.metrics import FAILED_REQUESTS, METRICS
from scripts.build.api_deployments import renamed
from scripts.checks.resolved_template import NO_VALUE, expanded, references, resolved

Json = dict[str, Any]

SETTINGS: dict[str, type[Settings]] = {
    "ApiFunction": ApiSettings,
    "WorkerFunction": WorkerSettings,
    "RelayFunction": RelaySettings,
    "SenderFunction": SenderSettings,
}
QUEUES = ["ArrivalQueue", "WorkQueue", "DeadLetterQueue", "SenderQueue", "SenderDeadLetterQueue"]
#: The logger's own names for two settings, which it reads before there are settings.
LOGGERS_OWN = {"LOG_LEVEL": "POWERTOOLS_LOG_LEVEL", "DEBUG_SAMPLE_RATE": "POWERTOOLS_LOGGER_SAMPLE_RATE"}
READ_WITHOUT_SETTINGS = {*LOGGERS_OWN.values(), NAMESPACE}
OF_WEBHOOKS = ("SENDER_QUEUE_URL", "WEBHOOKS_TABLE_NAME")
#: Settings that every function could read, and that these functions never use.
NOT_USED_BY = {
    "ApiFunction": {"BUS_NAME", "DEAD_LETTER_QUEUE_URL"},
    "WorkerFunction": {"BUS_NAME", *OF_WEBHOOKS},
    "RelayFunction": {"DEAD_LETTER_QUEUE_URL", "LIST_SHARDS", *OF_WEBHOOKS},
    "SenderFunction": {"BUS_NAME", "DEAD_LETTER_QUEUE_URL", "LIST_SHARDS", "QUEUE_URL"},
}
#: The services that use the customer's key for what a role touches, by the types of it.
KEY_SERVICES = {"AWS::DynamoDB::Table": "dynamodb", "AWS::S3::Bucket": "s3", "AWS::SQS::Queue": "sqs"}
ON_ONE_MACHINE_ONLY = {"PUBLIC_S3_URL", "WEBHOOK_PORTS_REFUSED"}

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
    """Return the resources as CloudFormation gets them, after SAM."""
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

        assert set(found["by_owner"]["NonKeyAttributes"]) == {field.name for field in fields(ObjectSummary)}
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

    @pytest.mark.parametrize("name", ["ObjectsTable", "PayloadBucket", "WebhooksTable"])
    def test_no_change_of_the_template_can_lose_data(self, resources: Json, name: str) -> None:
        assert resources[name]["DeletionPolicy"] == "RetainExceptOnCreate"
        assert resources[name]["UpdateReplacePolicy"] == "Retain"


class TestWebhooksTable:
    @pytest.fixture
    def table(self, resources: Json) -> Json:
        return properties(resources, "WebhooksTable")

    def test_it_has_one_index_of_keys(self, table: Json) -> None:
        [index] = table["GlobalSecondaryIndexes"]

        assert (index["IndexName"], keys(index)) == ("due", ("due", "due_at"))
        assert index["Projection"] == {"ProjectionType": "KEYS_ONLY"}

    def test_it_expires_and_can_be_restored_and_nobody_is_told_of_its_changes(self, table: Json) -> None:
        assert table["BillingMode"] == "PAY_PER_REQUEST"
        assert table["TimeToLiveSpecification"] == {"AttributeName": "purge_at", "Enabled": True}
        assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
        assert "StreamSpecification" not in table

    def test_only_the_api_and_the_sender_may_touch_it(self, resources: Json) -> None:
        roles = {name: one for name, one in resources.items() if one["Type"] == "AWS::IAM::Role"}

        assert {name for name, one in roles.items() if "WebhooksTable" in json.dumps(one)} == {
            "ApiRole",
            "SenderRole",
        }


class TestBucket:
    def test_nothing_in_it_is_public(self, resources: Json) -> None:
        bucket = properties(resources, "PayloadBucket")

        assert len(bucket["PublicAccessBlockConfiguration"]) == 4
        assert all(bucket["PublicAccessBlockConfiguration"].values())
        assert bucket["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
        assert bucket["BucketEncryption"]

    def test_only_tls_is_answered_and_only_this_account_and_aws_itself(self, resources: Json) -> None:
        assert_denies_strangers(properties(resources, "PayloadBucketPolicy"), "s3:*")

    def test_it_announces_uploads_and_nothing_else(self, resources: Json) -> None:
        """A notice to a queue is free; through EventBridge each artifact and deletion would be paid for."""
        bucket = properties(resources, "PayloadBucket")

        assert bucket["NotificationConfiguration"] == {
            "QueueConfigurations": [
                {
                    "Queue": {"Fn::GetAtt": ["ArrivalQueue", "Arn"]},
                    "Event": "s3:ObjectCreated:*",
                    "Filter": {"S3Key": {"Rules": [{"Name": "prefix", "Value": f"{PAYLOADS}/"}]}},
                }
            ]
        }

    def test_its_queue_lets_s3_in_before_the_bucket_asks(self, resources: Json) -> None:
        statement, *_ = properties(resources, "ArrivalQueuePolicy")["PolicyDocument"]["Statement"]

        assert resources["PayloadBucket"]["DependsOn"] == ["ArrivalQueuePolicy"]
        assert (statement["Principal"], statement["Action"]) == (
            {"Service": "s3.amazonaws.com"},
            "sqs:SendMessage",
        )
        assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}

    def test_it_forgets_abandoned_uploads(self, resources: Json) -> None:
        rules = properties(resources, "PayloadBucket")["LifecycleConfiguration"]["Rules"]

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

    def test_notices_of_payloads_are_given_up_like_other_messages(self, resources: Json) -> None:
        queue = properties(resources, "ArrivalQueue")

        assert queue["RedrivePolicy"] == properties(resources, "WorkQueue")["RedrivePolicy"]
        assert queue["VisibilityTimeout"] == 6 * properties(resources, "RelayFunction")["Timeout"]

    def test_the_senders_messages_have_dead_letters_of_their_own(self, resources: Json) -> None:
        queue = properties(resources, "SenderQueue")

        assert queue["RedrivePolicy"]["deadLetterTargetArn"] == {
            "Fn::GetAtt": ["SenderDeadLetterQueue", "Arn"]
        }
        assert queue["VisibilityTimeout"] == 6 * properties(resources, "SenderFunction")["Timeout"]

    def test_it_stays_invisible_for_six_times_any_lease(self, template: Json, resources: Json) -> None:
        leases = template["Parameters"]["LeaseSeconds"]["AllowedValues"]
        invisible = template["Mappings"]["VisibilityTimeout"]

        assert {name: row["Seconds"] for name, row in invisible.items()} == {
            str(lease): 6 * lease for lease in leases
        }
        assert properties(resources, "WorkQueue")["VisibilityTimeout"] == {
            "Fn::FindInMap": ["VisibilityTimeout", {"Ref": "LeaseSeconds"}, "Seconds"]
        }

    def test_the_worker_takes_any_lease_and_none_that_is_shorter(self, template: Json) -> None:
        leases = template["Parameters"]["LeaseSeconds"]["AllowedValues"]

        for lease in leases:
            given = {**OF_THE_STACK, "LEASE_SECONDS": str(lease)}
            assert WorkerSettings.from_environment(given).lease_seconds == lease
        with pytest.raises(ConfigurationError):
            WorkerSettings.from_environment({**OF_THE_STACK, "LEASE_SECONDS": str(min(leases) - 1)})

    def test_only_the_stacks_roles_may_send_work(self, resources: Json) -> None:
        statements = properties(resources, "WorkQueuePolicy")["PolicyDocument"]["Statement"]

        assert {statement["Effect"] for statement in statements} == {"Deny"}

    @pytest.mark.parametrize("queue", ["DeadLetterQueue", "SenderDeadLetterQueue"])
    def test_only_the_rules_may_send_dead_letters(self, resources: Json, queue: str) -> None:
        statement, *_ = properties(resources, f"{queue}Policy")["PolicyDocument"]["Statement"]
        rules = {
            name
            for name, one in resources.items()
            if one["Type"] == "AWS::Events::Rule"
            and one["Properties"]["Targets"][0]["DeadLetterConfig"]["Arn"] == {"Fn::GetAtt": [queue, "Arn"]}
        }

        assert statement["Action"] == "sqs:SendMessage"
        assert statement["Principal"] == {"Service": "events.amazonaws.com"}
        allowed = statement["Condition"]["ArnEquals"]["aws:SourceArn"]
        assert {arn["Fn::GetAtt"][0] for arn in allowed} == rules

    @pytest.mark.parametrize("name", QUEUES)
    def test_strangers_and_plain_http_are_refused(self, resources: Json, name: str) -> None:
        assert_denies_strangers(properties(resources, f"{name}Policy"), "sqs:*")


class TestRules:
    @pytest.mark.parametrize("name", ["SweepRule", "SenderSweepRule"])
    def test_the_clock_asks_for_a_sweep_every_minute(self, resources: Json, name: str) -> None:
        rule = properties(resources, name)

        assert rule["ScheduleExpression"] == "rate(1 minute)"
        assert json.loads(rule["Targets"][0]["Input"]) == {
            "detail-type": "sweep",
            "source": "wharf.clock",
            "detail": {},
        }

    @pytest.mark.parametrize(("prefix", "function"), [("", "WorkerFunction"), ("Sender", "SenderFunction")])
    def test_a_sweep_does_not_wait_behind_work(self, resources: Json, prefix: str, function: str) -> None:
        """The clock calls the function itself, and only the clock may."""
        rule = properties(resources, f"{prefix}SweepRule")
        permission = properties(resources, f"{prefix}SweepPermission")
        later = properties(resources, f"{prefix}SweepRepetition")

        assert [target["Arn"] for target in rule["Targets"]] == [{"Ref": f"{function}Aliaslive"}]
        assert permission["FunctionName"] == {"Ref": f"{function}Aliaslive"}
        assert permission["SourceArn"] == {"Fn::GetAtt": [f"{prefix}SweepRule", "Arn"]}
        assert permission["Principal"] == "events.amazonaws.com"
        assert (later["MaximumRetryAttempts"], later["MaximumEventAgeInSeconds"]) == (0, 60)

    @pytest.mark.parametrize("name", ["SweepRule", "SenderSweepRule"])
    def test_the_clock_stands_still_where_another_process_feeds_the_functions(
        self, resources: Json, name: str
    ) -> None:
        assert properties(resources, name)["State"] == {"Fn::If": ["IsPolling", "ENABLED", "DISABLED"]}

    def test_the_worker_understands_what_each_rule_sends_and_nothing_is_lost(self, resources: Json) -> None:
        """All other messages come from the relay, in the name of an owner."""
        rules = [resource for resource in resources.values() if resource["Type"] == "AWS::Events::Rule"]
        targets = [target for rule in rules for target in rule["Properties"]["Targets"]]

        assert len(targets) == len(rules)
        assert all(target["DeadLetterConfig"] for target in targets)
        inputs = [target["Input"] for target in targets if "Input" in target]
        assert len(inputs) == len(targets) - 1  # the webhooks' rule passes events on
        assert not any(isinstance(parse_message(given).content, Unreadable) for given in inputs)

    def test_the_events_of_objects_go_to_the_sender(self, resources: Json) -> None:
        rule = properties(resources, "WebhookRule")
        statement, *_ = properties(resources, "SenderQueuePolicy")["PolicyDocument"]["Statement"]

        assert rule["EventBusName"] == {"Ref": "DomainBus"}
        assert rule["EventPattern"] == {"source": ["wharf.objects"]}
        assert [target["Arn"] for target in rule["Targets"]] == [{"Fn::GetAtt": ["SenderQueue", "Arn"]}]
        assert statement["Condition"] == {
            "ArnEquals": {"aws:SourceArn": [{"Fn::GetAtt": ["WebhookRule", "Arn"]}]}
        }


class TestFunctions:
    @pytest.mark.parametrize("name", SETTINGS)
    def test_a_function_has_the_variables_it_reads_and_no_others(self, resources: Json, name: str) -> None:
        given = set(properties(resources, name)["Environment"]["Variables"]) - READ_WITHOUT_SETTINGS
        known = {field.upper() for field in SETTINGS[name].model_fields}

        assert given == known - NOT_USED_BY[name] - ON_ONE_MACHINE_ONLY, (
            f"The settings in app/config.py are the variables of {name} in template.yaml."
        )

    def test_what_the_template_sets_by_a_parameter_can_be_set_on_one_machine(
        self, template: Json, resources: Json
    ) -> None:
        variables: Json = {}
        for name in SETTINGS:
            variables |= properties(resources, name)["Environment"]["Variables"]
        parameters = set(re.findall(r"'Ref': '(\w+)'", str(variables))) & set(template["Parameters"])

        of_functions = {
            variable: parameter for variable, parameter in PARAMETERS.items() if variable != "WEBHOOKS"
        }
        for_aws_only = {"Stage", "AuthMode", "AdminOwners", "SignInUrl", "SignInClientId"}
        assert parameters - for_aws_only == set(of_functions.values()), (
            "Each such parameter is in PARAMETERS in app/local/settings.py."
        )
        for variable, parameter in of_functions.items():
            assert f"'Ref': '{parameter}'" in str(variables[LOGGERS_OWN.get(variable, variable)])

    def test_no_deployed_stack_can_trust_the_owner_header(self, template: Json) -> None:
        assert "local" not in template["Parameters"]["AuthMode"]["AllowedValues"]

    @pytest.mark.parametrize("name", SETTINGS)
    def test_a_stack_takes_the_numbers_that_its_functions_take(self, template: Json, name: str) -> None:
        """Else a stack would be deployed whose functions cannot start."""
        for field, limits in SETTINGS[name].model_json_schema()["properties"].items():
            parameter = template["Parameters"].get(PARAMETERS.get(field.upper()), {})
            if "maximum" not in limits or not parameter:
                continue
            taken = parameter.get("AllowedValues") or [parameter["MinValue"], parameter["MaxValue"]]
            told = (min(taken), max(taken))
            assert told == (limits["minimum"], limits["maximum"]), field

    def test_other_parameters_are_a_new_version_as_other_code_is(self, template: Json) -> None:
        """SAM itself looks at the code only: the alias would stay with the old parameters."""
        functions = {name: one for name, one in template["Resources"].items() if one["Type"] == FUNCTION}

        assert {one["Properties"]["AutoPublishCodeSha256"]["Ref"] for one in functions.values()} == {
            "Revision"
        }
        assert template["Parameters"]["Revision"]["Default"] == "unnamed"
        assert template["Globals"]["Function"]["Description"] == {"Ref": "Revision"}

    def test_the_worker_times_out_when_its_lease_ends(self, resources: Json) -> None:
        worker = properties(resources, "WorkerFunction")

        assert worker["Timeout"] == {"Ref": "LeaseSeconds"}
        assert worker["Environment"]["Variables"]["LEASE_SECONDS"] == {"Ref": "LeaseSeconds"}

    def test_the_api_answers_before_api_gateway_gives_up(self, resources: Json) -> None:
        assert properties(resources, "ApiFunction")["Timeout"] == 29

    @pytest.mark.parametrize(
        "name",
        ["WorkerFunctionWork", "RelayFunctionChanges", "RelayFunctionArrivals", "SenderFunctionMessages"],
    )
    def test_a_source_repeats_only_what_failed_and_can_be_switched_off(
        self, resources: Json, name: str
    ) -> None:
        mapping = properties(resources, name)

        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert mapping["Enabled"] == {"Fn::If": ["IsPolling", True, False]}
        assert mapping["MetricsConfig"] == {"Fn::If": ["IsCommercial", {"Metrics": ["EventCount"]}, NO_VALUE]}

    def test_there_are_no_more_workers_and_senders_at_once_than_the_parameters_say(
        self, resources: Json
    ) -> None:
        mapping = properties(resources, "WorkerFunctionWork")

        assert mapping["ScalingConfig"] == {"MaximumConcurrency": {"Ref": "WorkerConcurrency"}}
        mapping = properties(resources, "SenderFunctionMessages")
        assert mapping["ScalingConfig"] == {"MaximumConcurrency": {"Ref": "SenderConcurrency"}}

    def test_the_relay_gets_every_change_of_an_object_from_the_start(self, resources: Json) -> None:
        mapping = properties(resources, "RelayFunctionChanges")
        (one,) = mapping["FilterCriteria"]["Filters"]

        assert mapping["StartingPosition"] == "TRIM_HORIZON"
        assert mapping["ParallelizationFactor"] == {"Ref": "RelayConcurrency"}
        assert json.loads(one["Pattern"]) == {"dynamodb": {"Keys": {"sk": {"S": ["object"]}}}}

    def test_what_kills_the_relay_is_tried_by_age_and_then_kept_whole_while_the_stream_has_it(
        self, resources: Json
    ) -> None:
        mapping = properties(resources, "RelayFunctionChanges")

        assert mapping["BisectBatchOnFunctionError"] is True
        assert "MaximumRetryAttempts" not in mapping
        assert mapping["MaximumRecordAgeInSeconds"] == 23 * 3600
        # SQS would get the addresses of the records only.
        destination = {"Fn::GetAtt": ["PayloadBucket", "Arn"]}
        assert mapping["DestinationConfig"] == {
            "OnFailure": {"Fn::If": ["IsCommercial", {"Destination": destination}, NO_VALUE]}
        }

    def test_what_lambda_gives_up_rings_and_a_lag_rings_long_before(self, resources: Json) -> None:
        given_up = series_of(properties(resources, "RelayFailuresAlarm"))
        lag = properties(resources, "RelayLagAlarm")

        # Elsewhere Lambda neither counts nor keeps what it gives up.
        assert resources["RelayFailuresAlarm"]["Condition"] == "IsCommercial"
        assert {one["MetricName"] for one in given_up.values()} == {
            "OnFailureDestinationDeliveredEventCount",
            "DroppedEventCount",
        }
        for one in given_up.values():
            assert one["Dimensions"] == [
                {"Name": "EventSourceMappingUUID", "Value": {"Ref": "RelayFunctionChanges"}}
            ]
        assert (lag["MetricName"], lag["Threshold"]) == ("IteratorAge", 3600 * 1000)

    @pytest.mark.parametrize("name", SETTINGS)
    def test_its_logs_end_some_day(self, resources: Json, name: str) -> None:
        group = properties(resources, name)["LoggingConfig"]["LogGroup"]["Ref"]

        assert properties(resources, group)["RetentionInDays"] == {"Ref": "LogRetentionDays"}


def series_of(alarm: Json) -> dict[str, Json]:
    """Return the metrics that the alarm's expression names, by their names in it."""
    return {one["Id"]: one["MetricStat"]["Metric"] for one in alarm["Metrics"] if "MetricStat" in one}


class TestAlarms:
    def test_each_tells_the_operator_when_it_begins_and_when_it_ends(self, resources: Json) -> None:
        alarms = {name: one for name, one in resources.items() if one["Type"] == "AWS::CloudWatch::Alarm"}

        assert alarms
        for name, alarm in alarms.items():
            for actions in ("AlarmActions", "OKActions"):
                assert alarm["Properties"].get(actions) == [{"Ref": "AlarmTopic"}], (name, actions)

    def test_an_alarm_on_our_own_metrics_watches_one_that_the_functions_measure(
        self, resources: Json
    ) -> None:
        namespace = {"Fn::Sub": "Wharf/${AWS::StackName}"}
        alarms = [one["Properties"] for one in resources.values() if one["Type"] == "AWS::CloudWatch::Alarm"]
        watched = {one["MetricName"]: one for one in alarms if one.get("Namespace") == namespace}
        without_dimensions = {metric.name for metric in METRICS if not metric.dimensions}

        assert watched
        assert set(watched) <= without_dimensions
        assert all("Dimensions" not in alarm for alarm in watched.values())
        for name in SETTINGS:
            assert properties(resources, name)["Environment"]["Variables"][NAMESPACE] == namespace

    def test_work_in_progress_is_not_taken_for_work_that_waits(self, resources: Json) -> None:
        """The age that SQS tells counts messages in flight."""
        alarm = properties(resources, "QueueAgeAlarm")
        expression = alarm["Metrics"][0]["Expression"]["Fn::Sub"]
        series = series_of(alarm)

        assert expression == "IF(waiting > 0, IF(in_flight > 0, age - ${LeaseSeconds}, age), 0)"
        assert {name: one["MetricName"] for name, one in series.items()} == {
            "age": "ApproximateAgeOfOldestMessage",
            "waiting": "ApproximateNumberOfMessagesVisible",
            "in_flight": "ApproximateNumberOfMessagesNotVisible",
        }

    @pytest.mark.parametrize("name", SETTINGS)
    def test_a_deployment_is_stopped_only_by_alarms_on_the_version_that_is_deployed(
        self, resources: Json, name: str
    ) -> None:
        """Otherwise a fault of the old version would stop its own fix."""
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

        assert {one[1] for one in ours} == {
            *("overdue_seconds", "set_aside", "relay_seconds"),
            *("failed_attempts", "disabled_webhooks", "delivery_seconds", "endpoint_overdue_seconds"),
        }
        assert all(dimensions[one[1]] == () for one in ours)
        assert {one and one["metric"] for one in searched} == {
            "requests",
            "objects",
            "rejections",
            "queue_seconds",
            "processing_seconds",
            "deliveries",
        }
        for one in searched:
            assert one is not None
            assert dimensions[one["metric"]] == tuple(one["dimensions"].split(","))


class TestRoles:
    def test_of_the_items_the_relay_reads_counters_only(self, resources: Json) -> None:
        """The emulator does not know dynamodb:LeadingKeys, so it cannot show this."""
        [policy] = properties(resources, "RelayRole")["Policies"]
        [read] = [
            one
            for one in policy["PolicyDocument"]["Statement"]
            if "dynamodb:GetItem" in listed(one.get("Action"))
        ]

        assert read["Action"] == "dynamodb:GetItem"
        assert read["Condition"] == {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["*#usage"]}}

    @pytest.mark.parametrize("role", ["ApiRole", "WorkerRole", "RelayRole", "SenderRole"])
    def test_a_role_may_use_the_key_through_each_service_that_holds_what_it_touches(
        self, resources: Json, role: str
    ) -> None:
        statements = list(role_statements({role: resources[role]}))
        [with_key] = [one for one in statements if one["Sid"] == "UseTheKey"]
        touched = {
            resources[name]["Type"]
            for one in statements
            if one is not with_key
            for target in listed(one["Resource"])
            for name in references(target)
        }

        assert {str(one["Fn::Sub"]) for one in with_key["Condition"]["StringEquals"]["kms:ViaService"]} == {
            f"{service}.${{AWS::Region}}.amazonaws.com"
            for service in (KEY_SERVICES[one] for one in touched if one in KEY_SERVICES)
        }

    def test_there_are_only_the_written_ones(self, resources: Json) -> None:
        roles = {name for name, resource in resources.items() if resource["Type"] == "AWS::IAM::Role"}

        # SAM's own lets CodeDeploy shift traffic; the account's lets API Gateway write logs.
        managed = {name for name in roles if "ManagedPolicyArns" in properties(resources, name)}
        assert roles == {"ApiRole", "WorkerRole", "RelayRole", "SenderRole"} | managed
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
            "${PayloadBucket.Arn}/aws/lambda/*",
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

    def test_callers_are_throttled_as_the_parameters_say(self, resources: Json) -> None:
        _, *others = properties(resources, "ApiStage")["MethodSettings"]
        files, *callers = [one for one in others if one["ResourcePath"] != "/~1l~1{token}"]

        assert (files["HttpMethod"], files["ResourcePath"]) == ("GET", "/~1console~1{proxy+}")
        assert {one["ResourcePath"] for one in callers} == {"/~1{proxy+}"}
        assert {one["HttpMethod"] for one in callers} == {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}
        for one in callers:
            assert one["ThrottlingRateLimit"] == {"Ref": "RequestsPerSecond"}
            assert one["ThrottlingBurstLimit"] == {"Ref": "RequestBurst"}
        assert properties(resources, "UsagePlan")["Throttle"] == {
            "RateLimit": {"Ref": "KeyRequestsPerSecond"},
            "BurstLimit": {"Ref": "KeyRequestBurst"},
        }

    def test_links_have_a_limit_of_their_own(self, resources: Json) -> None:
        settings = properties(resources, "ApiStage")["MethodSettings"]
        links = [one for one in settings if one["ResourcePath"] == "/~1l~1{token}"]

        assert {one["HttpMethod"] for one in links} == {"GET", "HEAD"}
        for one in links:
            assert one["ThrottlingRateLimit"] == {"Ref": "LinksPerSecond"}
            assert one["ThrottlingBurstLimit"] == {"Ref": "LinkBurst"}

    def test_no_key_may_use_up_what_all_callers_have_together(self, template: Json) -> None:
        defaults = {name: one.get("Default") for name, one in template["Parameters"].items()}

        assert defaults["KeyRequestsPerSecond"] < defaults["RequestsPerSecond"]
        assert defaults["KeyRequestBurst"] < defaults["RequestBurst"]

    def test_every_other_path_and_method_has_less(self, template: Json, resources: Json) -> None:
        """A stage counts for each path and method, so that a path which is open for all has many limits."""
        others, *_ = properties(resources, "ApiStage")["MethodSettings"]

        assert (others["HttpMethod"], others["ResourcePath"]) == ("*", "/*")
        assert others["ThrottlingRateLimit"] < template["Parameters"]["RequestsPerSecond"]["Default"]
        assert others["ThrottlingBurstLimit"] < template["Parameters"]["RequestBurst"]["Default"]

    def test_its_own_endpoint_takes_tls_1_2_and_later_only(self, resources: Json) -> None:
        """Without a policy, the endpoint of a regional API takes TLS 1.0. GovCloud refuses such policies."""
        api = properties(resources, "RestApi")

        assert api["SecurityPolicy"] == {
            "Fn::If": ["IsGovCloud", NO_VALUE, "SecurityPolicy_TLS13_1_2_2021_06"]
        }
        # Such a policy is refused without a mode.
        assert api["EndpointAccessMode"] == {"Fn::If": ["IsGovCloud", NO_VALUE, "BASIC"]}
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
            ("/l/{token}", "ANY"),
            ("/{proxy+}", "OPTIONS"),
        }
        assert all(one["AuthorizationType"] == "NONE" for one in open_methods)
        assert not [one for one in open_methods if "ApiKeyRequired" in one]

    def test_the_console_may_use_the_bucket_and_sign_people_in_from_the_apis_own_address(
        self, resources: Json
    ) -> None:
        """Neither origin needs the deployed stage or the function, which need the bucket and the client."""
        origin = "https://${RestApi}.execute-api.${AWS::Region}.${AWS::URLSuffix}"
        _, console = properties(resources, "PayloadBucket")["CorsConfiguration"]["CorsRules"]
        separator, joined = properties(resources, "AppClient")["CallbackURLs"]["Fn::Split"]
        own, others = joined["Fn::Join"][1]

        assert console["AllowedOrigins"] == [
            {"Fn::If": ["HasDomain", {"Fn::Sub": "https://${DomainName}"}, {"Fn::Sub": origin}]}
        ]
        assert {"GET", "PUT"} <= set(console["AllowedMethods"])
        # Browsers keep custom headers, such as x-api-key, when they follow a redirect to another host.
        assert set(console["AllowedHeaders"]) == {"content-type", "if-none-match", "range", "x-amz-*"}
        assert own == {
            "Fn::If": [
                "HasDomain",
                {"Fn::Sub": "https://${DomainName}/"},
                {"Fn::Sub": f"{origin}/${{Stage}}/"},
            ]
        }
        assert others == {"Fn::Join": [separator, {"Ref": "CallbackUrls"}]}

    def test_the_console_signs_people_in_where_tokens_are_made(self, template: Json, resources: Json) -> None:
        variables = properties(resources, "ApiFunction")["Environment"]["Variables"]
        condition, own, of_an_existing_pool = variables["SIGN_IN_URL"]["Fn::If"]
        address, host = own["Fn::Sub"]

        assert (condition, of_an_existing_pool) == ("MakesUserPool", {"Ref": "SignInUrl"})
        assert template["Outputs"]["TokenUrl"]["Value"] == {"Fn::Sub": [f"{address}/oauth2/token", host]}

    def test_each_mode_has_a_deployment_of_its_own_made_after_what_it_depicts(self, resources: Json) -> None:
        """Otherwise CloudFormation may take the snapshot before it has changed a method or a response."""
        deployments = [one for one in resources.values() if one["Type"] == "AWS::ApiGateway::Deployment"]
        depicted = {
            name
            for name, one in resources.items()
            if one["Type"] in {"AWS::ApiGateway::Method", "AWS::ApiGateway::GatewayResponse"}
        }

        assert {one["Condition"] for one in deployments} == {"UsesApiKeys", "UsesIam", "UsesCognito"}
        assert all(set(one["DependsOn"]) == depicted for one in deployments)

    def test_a_deployments_name_tells_what_it_depicts(self) -> None:
        """Otherwise CloudFormation would keep the old snapshot: run `make api-deployments`."""
        text = TEMPLATE.read_text()

        assert renamed(text) == text

    @pytest.mark.parametrize(
        ("before", "after", "is_depicted"),
        [
            ("HttpMethod: OPTIONS", "HttpMethod: GET", True),
            ('PathPart: "healthz"', 'PathPart: "health"', True),
            ("ResponseType: THROTTLED", "ResponseType: RESOURCE_NOT_FOUND", True),
            ("TracingEnabled: !If [IsChina, false, true]", "TracingEnabled: false", False),
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

    def test_no_snapshot_is_asked_for_where_lambda_has_none(self, template: Json, resources: Json) -> None:
        assert properties(resources, "ApiFunction")["SnapStart"] == {"ApplyOn": {"Ref": "SnapStart"}}
        assert template["Parameters"]["SnapStart"]["AllowedValues"] == ["PublishedVersions", "None"]
        assert template["Parameters"]["SnapStart"]["Default"] == "PublishedVersions"

    def test_no_method_has_metrics_of_its_own(self, resources: Json) -> None:
        """Each would be billed. The stage has all that the alarms and the dashboard read."""
        settings = properties(resources, "ApiStage")["MethodSettings"]

        assert not [one for one in settings if one.get("MetricsEnabled")]

    def test_its_access_log_is_json_and_holds_no_query_and_no_key(self, resources: Json) -> None:
        stage = properties(resources, "ApiStage")
        line = json.loads(stage["AccessLogSetting"]["Format"])

        assert line["request_id"] == "$context.requestId"
        assert not [value for value in line.values() if "apiKey" in value or "query" in value.lower()]

    def test_its_access_log_names_resources_and_no_paths(self, resources: Json) -> None:
        """The path of a link holds its token."""
        line = json.loads(properties(resources, "ApiStage")["AccessLogSetting"]["Format"])

        assert line["resource"] == "$context.resourcePath"
        assert not {"$context.path", "$context.customDomain.basePathMatched"} & set(line.values())


class TestWhereAwsLacksSomething:
    """A stack that asks in vain is not created. docs/deploying.md names the pages that say so."""

    @staticmethod
    def resources_in(template: Json, partition: str, **parameters: str) -> Json:
        found: Json = resolved(expanded(template), {"AWS::Partition": partition, **parameters})
        return found

    @pytest.mark.parametrize(
        ("partition", "mode", "is_traced"),
        [("aws", "Active", True), ("aws-cn", "PassThrough", False), ("aws-us-gov", "Active", True)],
    )
    def test_china_has_no_traces_of_functions(
        self, template: Json, partition: str, mode: str, is_traced: bool
    ) -> None:
        here = self.resources_in(template, partition)["Resources"]
        functions = [one for one in here.values() if one["Type"] == "AWS::Lambda::Function"]

        assert [one["Properties"]["TracingConfig"] for one in functions] == [{"Mode": mode}] * 4
        assert here["ApiStage"]["Properties"]["TracingEnabled"] is is_traced

    @pytest.mark.parametrize("partition", ["aws-cn", "aws-us-gov"])
    def test_other_partitions_count_no_events_and_keep_no_records(
        self, template: Json, partition: str
    ) -> None:
        here = self.resources_in(template, partition)["Resources"]
        mappings = [one for one in here.values() if one["Type"] == "AWS::Lambda::EventSourceMapping"]

        assert len(mappings) == 4
        assert not [one for one in mappings if "MetricsConfig" in one["Properties"]]
        assert here["RelayFunctionChanges"]["Properties"]["DestinationConfig"] == {}
        assert "RelayFailuresAlarm" not in here

    def test_the_user_pools_of_govcloud_have_a_host_of_their_own(self, template: Json) -> None:
        told = {
            partition: self.resources_in(template, partition, AuthMode="cognito")["Outputs"]["TokenUrl"]
            for partition in ("aws", "aws-us-gov")
        }

        assert ".auth.${AWS::Region}.amazoncognito.com/" in str(told["aws"])
        assert ".auth-fips.${AWS::Region}.amazoncognito.com/" in str(told["aws-us-gov"])

    def test_events_are_archived_unless_the_region_has_no_archives(self, template: Json) -> None:
        for archiving in ("on", "off"):
            here = self.resources_in(template, "aws", Archiving=archiving)

            assert ("EventArchive" in here["Resources"]) is (archiving == "on")
            assert ("EventArchiveArn" in here["Outputs"]) is (archiving == "on")


def test_the_expanded_template_is_clean(template: Json, tmp_path: Path) -> None:
    file = tmp_path / "expanded.json"
    file.write_text(json.dumps(expanded(template)))

    assert [str(match) for match in lint_file(file)] == []


def test_what_is_left_out_locally_is_nothing_that_keeps_objects() -> None:
    template = yaml_parse(TEMPLATE.read_text())
    here = local_template()

    assert set(template["Resources"]) - set(here["Resources"]) == {
        name for name, one in template["Resources"].items() if one["Type"] in LEFT_OUT_TYPES
    }
    assert set(template["Outputs"]) - set(here["Outputs"]) == {"AlarmTopicArn", "EventArchiveArn"}
    for one in template["Resources"].values():
        # Only linters read it.
        one.pop("Metadata", None)
    changed = {name for name, one in here["Resources"].items() if one != template["Resources"][name]}
    assert changed == {
        name
        for name, one in template["Resources"].items()
        # A deployment depends on gateway responses, which are left out.
        if one["Type"] in {*LEFT_OUT_PROPERTIES, "AWS::ApiGateway::Deployment"}
    }


def test_the_local_template_comes_with_the_request() -> None:
    """CloudFormation and the emulator take up to 51,200 bytes in a request."""
    text = json.dumps(local_template("0" * 12), separators=(",", ":"))

    assert len(text.encode()) < 51_000


def test_locally_the_partition_is_that_of_most_regions() -> None:
    conditions = local_template()["Conditions"]

    assert conditions["IsCommercial"] == {"Fn::Equals": ["aws", "aws"]}
    assert conditions["IsChina"] == {"Fn::Equals": ["aws", "aws-cn"]}


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
    """Return the path below the stage, such as /docs/{proxy+}."""
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
                    # Statements that are there only under a condition count too, such as those for a key.
                    yield statement["Fn::If"][1] if "Fn::If" in statement else statement


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]

"""Every function has the rights it needs, and no others: shown in an emulator that enforces them.

Both ways: its whole traffic runs under its own role, and without any one grant
of that role some of it is denied.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib import resources
from typing import Any

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError
from samtranslator.yaml_helper import yaml_parse

from app.aws.faults import error_code
from app.domain.objects.values import PayloadKey
from app.local.aws.emulator import CREDENTIALS, REGION, Door
from app.local.aws.stack import Stack
from app.local.aws.template import ROOT, TEMPLATE
from app.messaging.messages import Arrival, parse_message
from scripts.checks.resolved_template import expanded
from tests.conftest import Measured
from tests.system.conftest import emulated
from tests.system.enforced import DENIALS, STREAM_READS, UNCHECKED, Grant, Json, Stage, listed
from tests.system.traffic import (
    SCENARIOS,
    Acting,
    Scenario,
    acting,
    name_of,
    queue_is_polled,
    stream_is_polled,
)

FUNCTIONS = sorted(SCENARIOS)
ACCOUNT = "000000000000"
CALL = re.compile(r"""_client\.(?:get_paginator\(")?(?!get_paginator|exceptions)(\w+)""")
# An operator's tools act under the operator's own rights.
OPERATORS_FILES = {"dead_letters.py"}
OPERATORS_CALLS = {"scan"}


class Enforcing(Door):
    """No door, but an emulator that lets a role do only what its policies allow."""

    @property
    def setting(self) -> Mapping[str, str]:
        return {**self.credentials, "AUTH": "true"}


ENFORCING = Enforcing(CREDENTIALS, frozenset(), ())


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with emulated(tmp_path_factory.mktemp("enforcing"), ENFORCING) as own:
        yield Stage(own)


@pytest.fixture(scope="module")
def functions(stage: Stage) -> Iterator[Mapping[str, Acting]]:
    with ExitStack() as running:
        yield {name: running.enter_context(acting(stage, name)) for name in FUNCTIONS}


@dataclass(frozen=True, slots=True)
class Observed:
    operations: frozenset[str]
    used: frozenset[str]
    denied: tuple[str, ...]


def observe(function: Acting, scenario: Scenario) -> Observed:
    """Return what a scenario did to AWS. One that breaks without a denial is at fault itself."""
    function.stage.clear()
    function.traffic.clear()
    try:
        scenario(function)
    except Exception:
        if not function.traffic.denied:
            raise
    seen = function.traffic
    return Observed(frozenset(seen.operations), frozenset(seen.used), tuple(seen.denied))


Baseline = Mapping[str, Mapping[Scenario, Observed]]


@pytest.fixture(scope="module")
def baseline(functions: Mapping[str, Acting]) -> Baseline:
    """Every scenario under its function's own role."""
    return {
        name: {scenario: observe(functions[name], scenario) for scenario in SCENARIOS[name]}
        for name in FUNCTIONS
    }


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_functions_whole_traffic_runs_under_its_own_role(baseline: Baseline, name: str) -> None:
    denied = {name_of(scenario): seen.denied for scenario, seen in baseline[name].items() if seen.denied}

    assert denied == {}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_without_any_one_grant_some_of_it_is_denied(
    functions: Mapping[str, Acting], baseline: Baseline, name: str, measured: Measured
) -> None:
    function = functions[name]
    table = {grant: denied_without(grant, function, baseline[name]) for grant in function.role.checked}
    for grant, denied in table.items():
        measured(row(function, grant, denied))
    unused = [grant for grant, denied in table.items() if not denied]
    names = ", ".join(f"{grant.sid} {grant.action}" for grant in unused)
    measured(f"least privilege: {name} actions never used: {names or 'none'}")

    assert unused == []


def test_the_traffic_holds_every_call_that_the_adapters_make(baseline: Baseline) -> None:
    made = {
        xform_name(operation)
        for scenarios in baseline.values()
        for observed in scenarios.values()
        for operation in observed.operations
    }
    rooms = [ROOT / "app" / room for room in ("storage", "messaging")]
    written = {
        name
        for room in rooms
        for file in room.glob("*.py")
        if file.name not in OPERATORS_FILES
        for name in CALL.findall(file.read_text())
    }

    assert len(written) > 10
    assert written - made == OPERATORS_CALLS


def denied_without(grant: Grant, function: Acting, seen: Mapping[Scenario, Observed]) -> list[str]:
    """The scenarios that need a grant: of those that use its action, or else of all."""
    users = [scenario for scenario, observed in seen.items() if grant.action in observed.used] or list(seen)
    with function.role.without(grant):
        return [name_of(scenario) for scenario in users if grant.action in observe(function, scenario).denied]


def row(function: Acting, grant: Grant, denied: Sequence[str]) -> str:
    where = logical(grant.resource, function.stage.stack)
    return f"least privilege: {function.name} {grant.sid} {grant.action} {where}: {', '.join(denied)}"


def logical(resource: str, stack: Stack) -> str:
    """An ARN by the name that its resource has in the template, when it is of one."""
    names = {physical.rsplit("/", 1)[-1]: name for name, physical in stack.resources.items()}
    physical = max((one for one in names if one and one in resource), key=len, default=None)
    return names[physical] + resource.partition(physical)[2] if physical else resource


def test_a_grant_that_nothing_needs_is_noticed(functions: Mapping[str, Acting], baseline: Baseline) -> None:
    api = functions["Api"]
    table = next(grant.resource for grant in api.role.grants if grant.sid == "KeepObjects")

    assert denied_without(Grant("Extra", "dynamodb:Scan", table, ""), api, baseline["Api"]) == []


@pytest.fixture(scope="module")
def declared() -> Json:
    """The resources as CloudFormation gets them, after SAM."""
    found: Json = expanded(yaml_parse(TEMPLATE.read_text()))["Resources"]
    return found


class TestTemplate:
    """The grants of the expanded template, also those that a condition leaves out here."""

    def test_every_function_has_a_role_of_its_own_and_is_watched_here(self, declared: Json) -> None:
        assert {name: role_of(declared, name) for name in functions_in(declared)} == {
            f"{name}Function": f"{name}Role" for name in FUNCTIONS
        }

    @pytest.mark.parametrize("name", FUNCTIONS)
    def test_no_action_escapes(self, declared: Json, functions: Mapping[str, Acting], name: str) -> None:
        role = functions[name].role
        granted = actions_in(declared, f"{name}Role")
        escaped = granted - {grant.action for grant in role.checked} - set(UNCHECKED)

        assert {grant.action for grant in role.grants} <= granted
        assert not escaped, (
            f"{name}Role: no scenario can need these as deployed here; let one need them, or list them in "
            f"UNCHECKED with the reason: {', '.join(sorted(escaped))}"
        )

    @pytest.mark.parametrize("name", FUNCTIONS)
    def test_traces_may_be_sent_where_tracing_is_on(self, declared: Json, name: str) -> None:
        """The grant is of no use in China, which has no X-Ray."""
        tracing = declared[f"{name}Function"]["Properties"]["TracingConfig"]["Mode"]
        sends = {action for action in actions_in(declared, f"{name}Role") if action.startswith("xray:")}

        assert tracing == {"Fn::If": ["IsChina", "PassThrough", "Active"]}
        assert sends == {"xray:PutTraceSegments", "xray:PutTelemetryRecords"}

    @pytest.mark.parametrize("name", FUNCTIONS)
    def test_without_a_key_no_role_may_use_one(self, functions: Mapping[str, Acting], name: str) -> None:
        assert not [grant for grant in functions[name].role.grants if grant.action.startswith("kms:")]


def functions_in(declared: Json) -> list[str]:
    return [name for name, one in declared.items() if one["Type"] == "AWS::Lambda::Function"]


def role_of(declared: Json, function: str) -> str:
    role: str = declared[function]["Properties"]["Role"]["Fn::GetAtt"][0]
    return role


def actions_in(declared: Json, role: str) -> set[str]:
    policies = declared[role]["Properties"]["Policies"]
    statements = [one for policy in policies for one in policy["PolicyDocument"]["Statement"]]
    return {action for one in statements for action in _actions(one)}


def _actions(statement: Json) -> Iterator[str]:
    """Yield the actions of both branches of a condition."""
    match statement:
        case {"Fn::If": [_, *branches]}:
            for branch in branches:
                yield from _actions(branch)
        case {"Action": actions}:
            yield from listed(actions)


class TestPlayedByLambda:
    """The emulator does not poll under the role; what stands in for it asks for no more than AWS says."""

    def test_the_queue_is_polled_with_what_sam_grants_a_poller(self, baseline: Baseline) -> None:
        asked = {action for action in baseline["Worker"][queue_is_polled].used if action.startswith("sqs:")}

        assert asked == {"sqs:GetQueueAttributes", "sqs:ReceiveMessage", "sqs:DeleteMessage"}
        assert asked < sam_policy("SQSPollerPolicy")

    def test_the_stream_is_polled_with_all_that_sam_grants_a_reader(self, baseline: Baseline) -> None:
        assert baseline["Relay"][stream_is_polled].used == sam_policy("DynamoDBStreamReadPolicy")

    def test_streams_are_read_only_from_the_table(
        self, stage: Stage, functions: Mapping[str, Acting]
    ) -> None:
        """The emulator checks these on `*`; so here is that the role's resource names its stream."""
        stream = stage.function("Relay").source_arn or ""
        patterns = [
            grant.resource for grant in functions["Relay"].role.grants if grant.action in STREAM_READS
        ]

        assert len(patterns) == len(STREAM_READS)
        assert all(fnmatchcase(stream, pattern) for pattern in patterns)
        assert not any(fnmatchcase(stream.replace("table/", "table/other-"), one) for one in patterns)

    @pytest.mark.parametrize("name", FUNCTIONS)
    def test_logs_are_written_only_to_the_functions_own_group(
        self, stage: Stage, functions: Mapping[str, Acting], name: str
    ) -> None:
        patterns = [one.resource for one in functions[name].role.grants if one.action.startswith("logs:")]

        assert len(patterns) == 2
        for function in FUNCTIONS:
            group = stage.stack.resources[f"{function}LogGroup"]
            stream = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}:log-stream:x"
            assert [fnmatchcase(stream, one) for one in patterns] == [function == name] * 2


def sam_policy(name: str) -> set[str]:
    """The actions of one of SAM's own policy templates."""
    file = resources.files("samtranslator") / "policy_templates_data" / "policy_templates.json"
    statements = json.loads(file.read_text())["Templates"][name]["Definition"]["Statement"]
    return {action for statement in statements for action in statement["Action"]}


Call = Callable[[Any, Stage], object]
KEY = {"pk": {"S": "local-me#1"}, "sk": {"S": "object"}}
ENTRY = {"Source": "wharf.objects", "DetailType": "object.ready", "Detail": "{}"}


def query(index: str) -> dict[str, Any]:
    return {
        "IndexName": index,
        "KeyConditionExpression": "#index = :one",
        "ExpressionAttributeNames": {"#index": index},
        "ExpressionAttributeValues": {":one": {"S": "one"}},
    }


#: Calls to resources that belong to another function, or to nobody.
FORBIDDEN: dict[str, tuple[str, str, Call]] = {
    "the API deletes no payload": (
        *("Api", "s3"),
        lambda s3, stage: s3.delete_object(Bucket=stage.bucket, Key="payloads/a/b/1"),
    ),
    "the API writes no artifact": (
        *("Api", "s3"),
        lambda s3, stage: s3.put_object(Bucket=stage.bucket, Key="artifacts/a/b/1/c", Body=b""),
    ),
    "the API deletes items one by one": (
        *("Api", "dynamodb"),
        lambda dynamodb, stage: dynamodb.batch_write_item(
            RequestItems={stage.table: [{"DeleteRequest": {"Key": KEY}}]}
        ),
    ),
    "the API changes no part of an item": (
        *("Api", "dynamodb"),
        lambda dynamodb, stage: dynamodb.update_item(TableName=stage.table, Key=KEY),
    ),
    "the worker deletes no single item": (
        *("Worker", "dynamodb"),
        lambda dynamodb, stage: dynamodb.delete_item(TableName=stage.table, Key=KEY),
    ),
    "the API scans no table": (
        *("Api", "dynamodb"),
        lambda dynamodb, stage: dynamodb.scan(TableName=stage.table),
    ),
    "the API sees nothing of what is in flight": (
        *("Api", "dynamodb"),
        lambda dynamodb, stage: dynamodb.query(TableName=stage.table, **query("in_flight")),
    ),
    "the API takes no work": (
        *("Api", "sqs"),
        lambda sqs, stage: sqs.receive_message(QueueUrl=stage.queue_url),
    ),
    "the API takes nothing from the sender's queue": (
        *("Api", "sqs"),
        lambda sqs, stage: sqs.receive_message(QueueUrl=stage.sender_queue_url),
    ),
    "the worker reads no webhook": (
        *("Worker", "dynamodb"),
        lambda dynamodb, stage: dynamodb.get_item(TableName=stage.webhooks_table, Key=KEY),
    ),
    "the relay reads no webhook": (
        *("Relay", "dynamodb"),
        lambda dynamodb, stage: dynamodb.query(TableName=stage.webhooks_table, **query("due")),
    ),
    "the sender reads no object": (
        *("Sender", "dynamodb"),
        lambda dynamodb, stage: dynamodb.batch_get_item(RequestItems={stage.table: {"Keys": [KEY]}}),
    ),
    "the sender lists nobody's objects": (
        *("Sender", "dynamodb"),
        lambda dynamodb, stage: dynamodb.query(TableName=stage.table, **query("by_owner")),
    ),
    "the sender writes no object": (
        *("Sender", "dynamodb"),
        lambda dynamodb, stage: dynamodb.put_item(TableName=stage.table, Item=KEY),
    ),
    "the sender deletes no webhook": (
        *("Sender", "dynamodb"),
        lambda dynamodb, stage: dynamodb.delete_item(TableName=stage.webhooks_table, Key=KEY),
    ),
    "the sender reads no payload": (
        *("Sender", "s3"),
        lambda s3, stage: s3.get_object(Bucket=stage.bucket, Key="payloads/a/b/1"),
    ),
    "the sender queues no work": (
        *("Sender", "sqs"),
        lambda sqs, stage: sqs.send_message(QueueUrl=stage.queue_url, MessageBody="{}"),
    ),
    "the sender publishes nothing": (
        *("Sender", "events"),
        lambda events, stage: events.put_events(
            Entries=[{**ENTRY, "EventBusName": stage.stack.outputs["BusName"]}]
        ),
    ),
    "the worker publishes nothing": (
        *("Worker", "events"),
        lambda events, stage: events.put_events(
            Entries=[{**ENTRY, "EventBusName": stage.stack.outputs["BusName"]}]
        ),
    ),
    "the worker writes nothing of the relay": (
        *("Worker", "s3"),
        lambda s3, stage: s3.put_object(Bucket=stage.bucket, Key="relay-failures/1.json", Body=b""),
    ),
    "the API begins no artifact in parts": (
        *("Api", "s3"),
        lambda s3, stage: s3.create_multipart_upload(Bucket=stage.bucket, Key="artifacts/a/b/1/c"),
    ),
    "the worker reads no artifact": (
        *("Worker", "s3"),
        lambda s3, stage: s3.get_object(Bucket=stage.bucket, Key="artifacts/a/b/1/c"),
    ),
    "the worker takes nothing from the dead-letter queue": (
        *("Worker", "sqs"),
        lambda sqs, stage: sqs.receive_message(QueueUrl=stage.dead_letter_queue_url),
    ),
    "the worker lists nobody's objects": (
        *("Worker", "dynamodb"),
        lambda dynamodb, stage: dynamodb.query(TableName=stage.table, **query("by_owner")),
    ),
    "the relay reads no payload": (
        *("Relay", "s3"),
        lambda s3, stage: s3.get_object(Bucket=stage.bucket, Key="payloads/a/b/1"),
    ),
    "the relay writes no payload": (
        *("Relay", "s3"),
        lambda s3, stage: s3.put_object(Bucket=stage.bucket, Key="payloads/a/b/1", Body=b""),
    ),
    "the relay lists no items": (
        *("Relay", "dynamodb"),
        lambda dynamodb, stage: dynamodb.scan(TableName=stage.table),
    ),
    "the relay takes no work": (
        *("Relay", "sqs"),
        lambda sqs, stage: sqs.receive_message(QueueUrl=stage.queue_url),
    ),
    "the relay announces no payload": (
        *("Relay", "sqs"),
        lambda sqs, stage: sqs.send_message(QueueUrl=stage.arrival_queue_url, MessageBody="{}"),
    ),
    "the relay publishes on no other bus": (
        *("Relay", "events"),
        lambda events, stage: events.put_events(Entries=[{**ENTRY, "EventBusName": "default"}]),
    ),
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_a_function_cannot_do_anothers_work(stage: Stage, functions: Mapping[str, Acting], what: str) -> None:
    name, service, call = FORBIDDEN[what]
    client = functions[name].clients.client(service)

    with pytest.raises(ClientError) as denied:
        call(client, stage)

    assert error_code(denied.value) in DENIALS


def test_s3_may_announce_payloads_and_announces_nothing_else(stage: Stage) -> None:
    stage.clear()
    for key in ("artifacts/a/b/1/c", "relay-failures/1.json", "payloads/a/b/1"):
        stage.put(key, b"")
        stage.s3.delete_object(Bucket=stage.bucket, Key=key)

    received = stage.sqs.receive_message(
        QueueUrl=stage.arrival_queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=2
    )

    [message] = received["Messages"]
    assert parse_message(message["Body"]).content == Arrival(PayloadKey("a", "b", 1), 0)


def test_the_bucket_refuses_plain_http_whatever_the_role_allows(
    stage: Stage, functions: Mapping[str, Acting]
) -> None:
    s3 = functions["Relay"].role.session.client("s3", endpoint_url=stage.url)

    with pytest.raises(ClientError, match="explicit deny in a resource-based policy"):
        s3.put_object(Bucket=stage.bucket, Key="relay-failures/1.json", Body=b"{}")

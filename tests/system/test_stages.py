"""Scripts that work on a deployed stage, on one that the emulator has."""

import json
import re
import sys
import time
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from app.local.aws import stack as stacks
from app.local.aws.emulator import Emulator
from app.local.errors import CannotStart
from scripts.ops.adopt import adopt, importable, template_of
from scripts.ops.deployment import delete_old_versions
from scripts.ops.destroy import delete_user_pool
from scripts.ops.kept_data import last_deleted
from tests.system.conftest import Runtime, SignedApi, emulated, free_port, session_of
from tests.system.functions import deploy
from tests.system.shell import Ran, run, run_script

STACK = "wharf-dev"


class TestSmoke:
    def test_it_does_the_whole_job_where_nobody_is_asked_who_they_are(self, running: Runtime) -> None:
        ran = run_script("smoke", running.url, "--local")

        assert ran.status == 0, ran.output
        assert [line[:2] for line in ran.output.splitlines()] == ["ok"] * 7

    def test_it_does_the_whole_job_behind_api_gateway_with_signed_requests(
        self, functions: SignedApi
    ) -> None:
        keys = {
            "AWS_ACCESS_KEY_ID": functions.credentials.access_key,
            "AWS_SECRET_ACCESS_KEY": functions.credentials.secret_key,
            "AWS_DEFAULT_REGION": functions.region,
        }
        ran = run_script("smoke", functions.url, "--sign", environment=keys)

        assert ran.status == 0, ran.output
        assert "ok      strangers are refused" in ran.output
        assert "ok      what was created is listed, and deleted again" in ran.output

    def test_without_a_caller_it_checks_what_is_open_and_what_is_not(self, functions: SignedApi) -> None:
        ran = run_script("smoke", functions.url)

        assert ran.status == 0, ran.output
        assert "open paths answer" in ran.output
        assert "strangers are refused" in ran.output
        assert "Not tried: the job itself" in ran.output

    def test_a_stage_that_trusts_strangers_fails(self, running: Runtime) -> None:
        ran = run_script("smoke", running.url)

        assert ran.status == 1
        assert "FAILED  GET /v1/objects without a caller: 200" in ran.output

    def test_an_endpoint_that_is_not_there_fails_in_one_line(self) -> None:
        ran = run_script("smoke", f"http://127.0.0.1:{free_port()}", "--local")

        assert ran.status == 1
        assert len(ran.output.splitlines()) == 1


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """An emulator in AWS's place, with a deployed stage dev."""
    with emulated(tmp_path_factory.mktemp("stage")) as own:
        yield own


@pytest.fixture
def session(stage: Emulator) -> boto3.session.Session:
    session = session_of(stage)
    deploy(session.client("cloudformation", endpoint_url=stage.url), name=STACK)
    return session


def test_old_versions_are_deleted_and_those_in_use_are_kept(
    stage: Emulator, session: boto3.session.Session
) -> None:
    client = session.client("lambda", endpoint_url=stage.url)
    stack = deploy(session.client("cloudformation", endpoint_url=stage.url), name=STACK)
    name = stack.resources["ApiFunction"]
    for number in range(4):
        client.update_function_configuration(FunctionName=name, Description=f"change {number}")
        client.publish_version(FunctionName=name)
    live = client.get_alias(FunctionName=name, Name="live")["FunctionVersion"]

    deleted = delete_old_versions(client, name)

    kept = {one["Version"] for one in client.list_versions_by_function(FunctionName=name)["Versions"]}
    assert deleted
    assert kept == {"$LATEST", live, "4", "5"}


def deployment(stage: Emulator, *arguments: str) -> Ran:
    return run([sys.executable, "-m", "scripts.ops.deployment", *arguments], stage.environment)


def test_before_a_deployment_the_account_is_looked_at(
    stage: Emulator, session: boto3.session.Session
) -> None:
    gateway = session.client("apigateway", endpoint_url=stage.url)

    first = deployment(stage, "check", "dev")
    role: Any = {
        "op": "replace",
        "path": "/cloudwatchRoleArn",
        "value": "arn:aws:iam::000000000000:role/logs",
    }
    gateway.update_account(patchOperations=[role])
    again = deployment(stage, "check", "dev", "WorkerConcurrency=1000")

    assert (first.status, again.status) == (0, 0), first.output + again.output
    assert first.output.startswith("Account 000000000000, region us-east-1, as ")
    assert "Note: AuthMode is api-key." in first.output
    assert "API Gateway has no role for its logs" in first.output
    assert "API Gateway" not in again.output
    assert "WorkerConcurrency=1000 can leave too few for the API" in again.output


def test_a_parameter_that_the_template_does_not_take_is_told_in_a_line_each(stage: Emulator) -> None:
    ran = deployment(stage, "check", "dev", "MaxObject=5", "WorkerConcurrency=ten", "MaxBytes")

    assert ran.status == 2
    assert [line.split(" ")[0] for line in ran.output.splitlines()] == [
        "MaxBytes",
        "MaxObject",
        "WorkerConcurrency=ten",
    ]


def test_a_failed_change_of_a_stack_is_told_with_its_own_reason(
    stage: Emulator, session: boto3.session.Session
) -> None:
    cloudformation = session.client("cloudformation", endpoint_url=stage.url)
    queue = {"Queue": {"Type": "AWS::SQS::Queue"}}
    stacks.apply(cloudformation, "failing", json.dumps({"Resources": queue}), {})

    for name in ("First", "Second"):
        template = json.dumps({"Resources": {**queue, name: {"Type": "Custom::WithoutFunction"}}})
        with pytest.raises(CannotStart, match=f"The stack failing is UPDATE_ROLLBACK_COMPLETE: {name}: "):
            stacks.apply(cloudformation, "failing", template, {})


def test_before_a_deployment_a_key_that_is_closed_to_the_services_is_refused(
    stage: Emulator, session: boto3.session.Session
) -> None:
    key = session.client("kms", endpoint_url=stage.url).create_key()["KeyMetadata"]["Arn"]

    ran = deployment(stage, "check", "prod", f"KmsKeyArn={key}")

    assert ran.status == 1
    assert [
        line.split(" does not let ")[1].split()[0] for line in ran.output.splitlines() if key in line
    ] == [
        "s3.amazonaws.com",
        "events.amazonaws.com",
        "logs.us-east-1.amazonaws.com",
        "cloudwatch.amazonaws.com",
    ]


def test_after_a_deployment_the_outputs_and_the_first_key_are_told(
    stage: Emulator, session: boto3.session.Session
) -> None:
    gateway = session.client("apigateway", endpoint_url=stage.url)
    outputs = stacks.outputs_of(session.client("cloudformation", endpoint_url=stage.url), STACK)

    known = stacks.parameters_of(session.client("cloudformation", endpoint_url=stage.url), STACK)
    finished = deployment(stage, "finish", "dev", f"Revision={known['Revision']}")
    declined = deployment(stage, "finish", "dev", "Revision=another")
    key = deployment(stage, "api-key", "dev")
    missing = deployment(stage, "finish", "prod", "Revision=another")

    assert finished.status == 0, finished.output
    assert f"ApiUrl={outputs['ApiUrl']}" in finished.output.splitlines()
    for ran, name in ((declined, STACK), (missing, "wharf-prod")):
        told = f"wharf: Nothing was deployed: the changes of the stack {name} were not carried out.\n"
        assert (ran.status, ran.output) == (1, told)
    assert key.output.strip() == gateway.get_api_key(apiKey=outputs["ApiKeyId"], includeValue=True)["value"]


def test_a_stack_of_more_than_100_resources_is_read_whole(
    stage: Emulator, session: boto3.session.Session
) -> None:
    cloudformation = session.client("cloudformation", endpoint_url=stage.url)
    queues = {f"Queue{number}": {"Type": "AWS::SQS::Queue"} for number in range(101)}
    stacks.apply(cloudformation, "large", json.dumps({"Resources": queues}), {})

    assert stacks.resources_of(cloudformation, "large").keys() == queues.keys()


def test_the_logs_of_all_functions_are_shown_in_order_and_searched(
    stage: Emulator, session: boto3.session.Session
) -> None:
    client = session.client("logs", endpoint_url=stage.url)
    now = round(time.time() * 1000)
    for group, moment, message in (
        (f"/aws/lambda/{STACK}-worker", now, '{"level": "INFO", "message": "object.ready", "id": "7"}'),
        (f"/aws/lambda/{STACK}-api", now - 5, '{"level": "INFO", "message": "request.done", "id": "7"}'),
        (f"/aws/lambda/{STACK}-relay", now - 9, '{"level": "INFO", "message": "relay.done"}'),
    ):
        client.create_log_stream(logGroupName=group, logStreamName="one")
        events: Any = [{"timestamp": moment, "message": message}]
        client.put_log_events(logGroupName=group, logStreamName="one", logEvents=events)

    everything = run_script("logs", "dev", environment=stage.environment)
    found = run_script("logs", "dev", "--find", "7", environment=stage.environment)

    assert everything.status == 0, everything.output
    names = [word for word in everything.output.split() if word.endswith((".done", ".ready"))]
    assert names == ["relay.done", "request.done", "object.ready"]
    assert [line.split()[1] for line in found.output.splitlines()] == ["api", "worker"]


def test_a_stage_is_deleted_only_by_its_name_and_its_data_only_when_asked(
    stage: Emulator, session: boto3.session.Session
) -> None:
    s3 = session.client("s3", endpoint_url=stage.url)
    cloudformation = session.client("cloudformation", endpoint_url=stage.url)
    bucket = stacks.outputs_of(cloudformation, STACK)["BucketName"]
    s3.put_object(Bucket=bucket, Key="payloads/x", Body=b"x")

    wrong = run_script("destroy", "dev", "--yes", "wharf-prod", environment=stage.environment)
    kept = run_script("destroy", "dev", "--yes", STACK, environment=stage.environment)

    assert (wrong.status, wrong.output.splitlines()[-1]) == (1, "Nothing was deleted.")
    assert kept.status == 0, kept.output
    assert f"PayloadBucket {bucket} stays." in kept.output
    assert s3.get_object(Bucket=bucket, Key="payloads/x")["Body"].read() == b"x"


def test_data_that_a_deleted_stack_kept_is_adopted_by_the_next_one(
    stage: Emulator, session: boto3.session.Session
) -> None:
    cloudformation = session.client("cloudformation", endpoint_url=stage.url)
    s3 = session.client("s3", endpoint_url=stage.url)
    before = stacks.outputs_of(cloudformation, STACK)
    s3.put_object(Bucket=before["BucketName"], Key="payloads/kept", Body=b"kept")

    early = run_script("adopt", "dev", environment=stage.environment)
    run_script("destroy", "dev", "--yes", STACK, environment=stage.environment)
    adopted = run_script("adopt", "dev", environment=stage.environment)
    after = deploy(cloudformation, name=STACK).outputs

    assert (early.status, early.output) == (
        1,
        f"wharf: The stack {STACK} exists. It cannot take other data.\n",
    )
    assert adopted.status == 0, adopted.output
    assert f"ObjectsTable {before['TableName']} is adopted." in adopted.output
    assert (after["TableName"], after["BucketName"]) == (before["TableName"], before["BucketName"])
    assert s3.get_object(Bucket=after["BucketName"], Key="payloads/kept")["Body"].read() == b"kept"


def test_a_stack_of_adopted_data_alone_can_be_deleted_and_adopted_again(
    stage: Emulator, session: boto3.session.Session
) -> None:
    cloudformation = session.client("cloudformation", endpoint_url=stage.url)
    names = stacks.outputs_of(cloudformation, STACK)
    run_script("destroy", "dev", "--yes", STACK, environment=stage.environment)

    run_script("adopt", "dev", environment=stage.environment)
    run_script("destroy", "dev", "--yes", STACK, environment=stage.environment)
    again = run_script("adopt", "dev", environment=stage.environment)

    assert again.status == 0, again.output
    for data in ("Table", "Bucket", "WebhooksTable"):
        assert f" {names[f'{data}Name']} is adopted." in again.output


@pytest.mark.parametrize(
    ("switched", "fate"), [(("off",), "not adopted"), (("off", "on"), "adopted")], ids=["off", "off and on"]
)
def test_of_what_a_stack_has_left_behind_only_what_it_had_in_the_end_is_adopted(
    stage: Emulator, session: boto3.session.Session, switched: tuple[str, ...], fate: str
) -> None:
    """The emulator makes the second table with the name of the first, as AWS does not."""
    cloudformation = session.client("cloudformation", endpoint_url=stage.url)
    first = stacks.outputs_of(cloudformation, STACK)["WebhooksTableName"]
    for value in switched:
        deploy(cloudformation, name=STACK, parameters={"Webhooks": value})
    destroyed = run_script("destroy", "dev", "--yes", STACK, environment=stage.environment)

    adopted = run_script("adopt", "dev", environment=stage.environment)

    assert adopted.status == 0, adopted.output
    assert f"WebhooksTable {first} stays." in destroyed.output
    fates = re.findall(r"^WebhooksTable \S+ is (not adopted|adopted)", adopted.output, re.MULTILINE)
    assert fates == [fate]


def test_the_data_that_a_change_left_behind_is_deleted_with_the_stack(
    stage: Emulator, session: boto3.session.Session
) -> None:
    cloudformation = session.client("cloudformation", endpoint_url=stage.url)
    dynamodb = session.client("dynamodb", endpoint_url=stage.url)
    left = stacks.outputs_of(cloudformation, STACK)["WebhooksTableName"]
    deploy(cloudformation, name=STACK, parameters={"Webhooks": "off"})

    deleted = run_script("destroy", "dev", "--with-data", "--yes", STACK, environment=stage.environment)

    assert deleted.status == 0, deleted.output
    assert left not in dynamodb.list_tables()["TableNames"]


def test_data_can_be_deleted_after_its_stack_and_again(
    stage: Emulator, session: boto3.session.Session
) -> None:
    cloudformation = session.client("cloudformation", endpoint_url=stage.url)
    dynamodb = session.client("dynamodb", endpoint_url=stage.url)
    names = stacks.outputs_of(cloudformation, STACK)
    dynamodb.update_table(TableName=names["TableName"], DeletionProtectionEnabled=True)

    run_script("destroy", "dev", "--yes", STACK, environment=stage.environment)
    told = run_script("destroy", "dev", environment=stage.environment)
    deleted = run_script("destroy", "dev", "--with-data", "--yes", STACK, environment=stage.environment)

    assert f"ObjectsTable {names['TableName']} stays." in told.output
    assert deleted.status == 0, deleted.output
    assert f"ObjectsTable {names['TableName']} is deleted." in deleted.output
    assert names["TableName"] not in dynamodb.list_tables()["TableNames"]
    assert names["BucketName"] not in bucket_names(session, stage)


def test_data_that_another_stack_has_adopted_is_not_deleted(
    stage: Emulator, session: boto3.session.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", stage.url)
    cloudformation = session.client("cloudformation", endpoint_url=stage.url)
    names = stacks.outputs_of(cloudformation, STACK)
    run_script("destroy", "dev", "--yes", STACK, environment=stage.environment)
    found = last_deleted(session, STACK)
    assert found
    template = importable(template_of(cloudformation, found.stack_id), found.data)
    adopt(cloudformation, "other", template, found.data)

    ran = run_script("destroy", "dev", "--with-data", "--yes", STACK, environment=stage.environment)

    assert ran.output == f"There is no stack {STACK}, and no deleted one that has kept data.\n"
    assert names["BucketName"] in bucket_names(session, stage)


def test_when_no_data_is_left_that_is_said(stage: Emulator, session: boto3.session.Session) -> None:
    names = stacks.outputs_of(session.client("cloudformation", endpoint_url=stage.url), STACK)

    first, again = (
        run_script("destroy", "dev", "--with-data", "--yes", STACK, environment=stage.environment)
        for _ in range(2)
    )

    assert first.status == 0, first.output
    assert names["BucketName"] not in bucket_names(session, stage)
    assert again.output == f"There is no stack {STACK}, and no deleted one that has kept data.\n"
    assert again.status == 0


def test_a_protected_user_pool_is_deleted_and_a_second_time(
    stage: Emulator, session: boto3.session.Session
) -> None:
    cognito = session.client("cognito-idp", endpoint_url=stage.url)
    made = cognito.create_user_pool(PoolName="people", DeletionProtection="ACTIVE")["UserPool"]["Id"]

    delete_user_pool(cognito, made)
    delete_user_pool(cognito, made)

    assert made not in {one["Id"] for one in cognito.list_user_pools(MaxResults=60)["UserPools"]}


def bucket_names(session: boto3.session.Session, stage: Emulator) -> set[str]:
    listed = session.client("s3", endpoint_url=stage.url).list_buckets()["Buckets"]
    return {one["Name"] for one in listed}


@pytest.mark.parametrize(
    "script", ["adopt", "deploy", "destroy", "logs", "recount", "redrive", "republish", "smoke", "subscriber"]
)
def test_a_script_says_how_it_is_used(script: str) -> None:
    ran = run_script(script, "--help")

    assert ran.status == 0
    assert ran.output.startswith(f"usage: scripts/ops/{script}.sh")


def test_a_stage_that_is_none_is_not_deployed() -> None:
    ran = run_script("deploy", "staging")

    assert ran.status == 2
    assert ran.output.startswith("usage: scripts/ops/deploy.sh")

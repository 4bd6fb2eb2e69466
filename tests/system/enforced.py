"""The stack in an emulator that enforces IAM, and clients that act under a function's own role.

Where the emulator (ministack 1.5) judges otherwise than AWS, and what is done about it:

stream reads       checked on `*`                          `as_checked` grants them on `*`
log streams        checked on the group, without `:*`      `as_checked` takes the `:*` off
batches of SQS     an action of their own                  `as_checked` grants it with its single form
HEAD, GET of a     404 also without s3:ListBucket          needed by HeadBucket and ListObjectsV2,
  missing key                                              where it is checked
plain HTTP         is all it speaks                        requests say, as behind a proxy that ends
                                                           TLS, that the client came over HTTPS
X-Ray, KMS         not called for a function's role        UNCHECKED says so
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import boto3

from app.aws.clients import Clients
from app.aws.sdk import Sdk
from app.domain.objects.stored import StoredObject
from app.local.aws import stack as stacks
from app.local.aws.emulator import REGION, Emulator
from app.local.aws.stack import Function, Stack
from app.storage.history import HistoryRepository
from app.storage.links import LinkRepository
from app.storage.objects import ObjectRepository
from app.storage.payloads import PayloadStore
from app.storage.recording import EventRecorder
from app.storage.usage import UsageRepository
from app.storage.webhooks.deliveries import DeliveryRepository
from app.storage.webhooks.endpoints import EndpointRepository
from app.storage.webhooks.webhooks import WebhookRepository
from tests.system.client import Answer, send
from tests.system.conftest import session_of

Json = dict[str, Any]

STREAM_READS = frozenset(
    f"dynamodb:{name}" for name in ("DescribeStream", "GetRecords", "GetShardIterator", "ListStreams")
)
#: Actions that a role may hold although no scenario here can need them, and why.
UNCHECKED: Mapping[str, str] = {
    "xray:PutTraceSegments": "Lambda sends them; the emulator has no X-Ray",
    "xray:PutTelemetryRecords": "Lambda sends them; the emulator has no X-Ray",
    "kms:Decrypt": "only with KmsKeyArn; the emulator's services use no key in a caller's name",
    "kms:GenerateDataKey": "only with KmsKeyArn; the emulator's services use no key in a caller's name",
}

# Operations that IAM knows by other names (Service Authorization Reference).
ACTIONS: Mapping[str, tuple[str, ...]] = {
    "HeadObject": ("GetObject",),
    "HeadBucket": ("ListBucket",),
    "CreateMultipartUpload": ("PutObject",),
    "CompleteMultipartUpload": ("PutObject",),
    "ListParts": ("ListMultipartUploadParts",),
    "ListObjectsV2": ("ListBucket",),
    "DeleteObjects": ("DeleteObject",),
    "TransactWriteItems": ("PutItem", "UpdateItem", "DeleteItem", "ConditionCheckItem"),
    "SendMessageBatch": ("SendMessage",),
}
#: The event source that gives each function its main work.
SOURCES = {"Worker": "Work", "Relay": "Changes", "Sender": "Messages"}
DENIALS = frozenset({"AccessDenied", "AccessDeniedException", "403"})
OVER_TLS = {"X-Forwarded-Proto": "https"}


@dataclass(frozen=True, slots=True)
class Grant:
    """One action on one resource: a statement cut into its smallest parts."""

    sid: str
    action: str
    resource: str
    #: The condition as JSON.
    condition: str

    @property
    def statement(self) -> Json:
        statement: Json = {"Effect": "Allow", "Action": self.action, "Resource": self.resource}
        return statement | ({"Condition": json.loads(self.condition)} if self.condition else {})


def grants_of(document: Json) -> tuple[Grant, ...]:
    return tuple(grant for statement in document["Statement"] for grant in _parts(statement))


def _parts(statement: Json) -> Iterator[Grant]:
    assert statement["Effect"] == "Allow", "A role that denies must be thought through here."
    condition = json.dumps(statement["Condition"]) if "Condition" in statement else ""
    for action in listed(statement["Action"]):
        for resource in listed(statement["Resource"]):
            yield Grant(statement["Sid"], action, resource, condition)


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def as_checked(grant: Grant) -> list[Grant]:
    """The grant with the resource and the actions that the emulator asks for in the place of AWS's."""
    if grant.action in STREAM_READS:
        return [replace(grant, resource="*")]
    if grant.action.startswith("logs:"):
        return [replace(grant, resource=grant.resource.removesuffix(":*"))]
    if grant.action == "sqs:SendMessage":
        return [grant, replace(grant, action="sqs:SendMessageBatch")]
    return [grant]


def over_tls(client: Any) -> Any:
    client.meta.events.register("before-send", lambda request, **_: request.headers.update(OVER_TLS))
    return client


@dataclass(slots=True)
class Traffic:
    """The calls since the last `clear`: operations, their actions, and the actions that were denied."""

    operations: set[str] = field(default_factory=set)
    used: set[str] = field(default_factory=set)
    denied: list[str] = field(default_factory=list)

    def clear(self) -> None:
        self.operations.clear()
        self.used.clear()
        self.denied.clear()

    def note(self, service: str, operation: str, *, is_denied: bool) -> None:
        actions = [f"{service}:{name}" for name in ACTIONS.get(operation, (operation,))]
        self.operations.add(operation)
        self.used.update(actions)
        if is_denied:
            self.denied += actions


class RoleClients(Clients):
    """Clients under a role's session. Every call is noted, and comes as if over TLS."""

    def __init__(self, session: boto3.session.Session, url: str, traffic: Traffic) -> None:
        super().__init__()
        self._sdk = Sdk(session._session)  # what boto3 itself makes clients from
        self._url = url
        self._traffic = traffic

    def client(self, service: str, **options: Any) -> Any:
        client = over_tls(super().client(service, **{"endpoint_url": self._url, **options}))
        client.meta.events.register("after-call", self._note)
        return client

    def _note(self, model: Any, parsed: Json, **_: Any) -> None:
        code = parsed.get("Error", {}).get("Code")
        self._traffic.note(model.service_model.signing_name, model.name, is_denied=code in DENIALS)

    def fetch(
        self, method: str, url: str, *, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Return a client's answer from a presigned URL, which acts with the role's rights."""
        answer = send(method, url, body=body, headers={**(headers or {}), **OVER_TLS})
        operation = "PutObject" if method == "PUT" else "GetObject"
        self._traffic.note("s3", operation, is_denied=answer.status == 403)
        return answer


class Stage:
    """The deployed stack with the rights of the account's root, whom no policy binds.

    Its rules are off: what is in the queues is what a scenario put there.
    """

    def __init__(self, emulator: Emulator) -> None:
        self.url = emulator.url
        self._session = session_of(emulator)
        self.dynamodb, self.s3, self.sqs, self.iam = (
            self.client(name) for name in ("dynamodb", "s3", "sqs", "iam")
        )
        self.stack: Stack = stacks.deploy(self.client("cloudformation"), {})
        self.table, self.bucket = (self.stack.outputs[name] for name in ("TableName", "BucketName"))
        self.queue_url, self.dead_letter_queue_url, self.arrival_queue_url = (
            self.stack.outputs[name] for name in ("QueueUrl", "DeadLetterQueueUrl", "ArrivalQueueUrl")
        )
        self.webhooks_table = self.stack.outputs["WebhooksTableName"]
        self.sender_queue_url = self.stack.outputs["SenderQueueUrl"]
        self.webhooks = WebhookRepository(self.dynamodb, self.webhooks_table)
        self.endpoints = EndpointRepository(self.dynamodb, self.webhooks_table)
        self.deliveries = DeliveryRepository(self.dynamodb, self.webhooks_table)
        self.objects = ObjectRepository(self.dynamodb, self.table, shards=1)
        self.history = HistoryRepository(self.dynamodb, self.table)
        self.links = LinkRepository(self.dynamodb, self.table)
        self.usage = UsageRepository(self.dynamodb, self.table)
        self.recorder = EventRecorder(self.dynamodb, self.table)
        self.payloads = PayloadStore(self.s3, self.bucket, self.s3)
        self._switch_rules_off()

    def client(self, service: str) -> Any:
        return over_tls(self._session.client(service, endpoint_url=self.url))  # type: ignore[call-overload]  # one of many literals

    def function(self, name: str) -> Function:
        return stacks.describe_function(
            self.client("lambda"), self.stack, f"{name}Function", SOURCES.get(name)
        )

    def source_mapping(self, logical_id: str) -> Any:
        uuid = self.stack.resources[logical_id]
        return self.client("lambda").get_event_source_mapping(UUID=uuid)

    def _switch_rules_off(self) -> None:
        events = self.client("events")
        for bus in ("default", self.stack.outputs["BusName"]):
            for rule in events.list_rules(EventBusName=bus)["Rules"]:
                events.disable_rule(Name=rule["Name"], EventBusName=bus)

    def clear(self) -> None:
        """Delete what a scenario leaves before the next begins. Payloads have keys of their own."""
        for table in (self.table, self.webhooks_table):
            for item in self.dynamodb.scan(TableName=table)["Items"]:
                self.dynamodb.delete_item(TableName=table, Key={name: item[name] for name in ("pk", "sk")})
        queues = (self.queue_url, self.dead_letter_queue_url, self.arrival_queue_url, self.sender_queue_url)
        for url in queues:
            self.sqs.purge_queue(QueueUrl=url)

    def add(self, stored: StoredObject) -> StoredObject:
        return self.objects.add(stored)

    def now(self, stored: StoredObject) -> StoredObject:
        return self.objects.get(stored.owner, stored.id)

    def put(self, key: object, body: bytes) -> None:
        self.s3.put_object(Bucket=self.bucket, Key=str(key), Body=body)

    def keys(self, stored: StoredObject) -> list[str]:
        """Return the keys of the object's payloads and artifacts."""
        found = self.s3.list_objects_v2(Bucket=self.bucket).get("Contents", [])
        return [content["Key"] for content in found if stored.id in content["Key"]]

    def messages(self, url: str) -> list[Any]:
        found: list[Any] = self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        return found


class Role:
    """A function's role as it is deployed, and a session of it."""

    def __init__(self, stage: Stage, logical_id: str) -> None:
        self._iam = stage.iam
        self._name = stage.stack.resources[logical_id]
        [self._policy] = self._iam.list_role_policies(RoleName=self._name)["PolicyNames"]
        deployed = self._iam.get_role_policy(RoleName=self._name, PolicyName=self._policy)
        self.grants = grants_of(deployed["PolicyDocument"])
        self.session = self._assume(stage)
        self._put(self.grants)

    def _assume(self, stage: Stage) -> boto3.session.Session:
        """Assume the role. It trusts Lambda alone, and from here on this account instead."""
        arn = self._iam.get_role(RoleName=self._name)["Role"]["Arn"]
        account = {"AWS": f"arn:aws:iam::{arn.split(':')[4]}:root"}
        allowed = {"Effect": "Allow", "Principal": account, "Action": "sts:AssumeRole"}
        trust = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
        self._iam.update_assume_role_policy(RoleName=self._name, PolicyDocument=trust)
        made = stage.client("sts").assume_role(RoleArn=arn, RoleSessionName=self._policy)["Credentials"]
        return boto3.session.Session(
            made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"], region_name=REGION
        )

    @property
    def checked(self) -> tuple[Grant, ...]:
        """Return the grants whose removal the emulator notices."""
        return tuple(grant for grant in self.grants if grant.action not in UNCHECKED)

    @contextmanager
    def without(self, removed: Grant) -> Iterator[None]:
        self._put([grant for grant in self.grants if grant != removed])
        try:
            yield
        finally:
            self._put(self.grants)

    def _put(self, grants: Sequence[Grant]) -> None:
        statements = [checked.statement for grant in grants for checked in as_checked(grant)]
        document = json.dumps({"Version": "2012-10-17", "Statement": statements})
        self._iam.put_role_policy(RoleName=self._name, PolicyName=self._policy, PolicyDocument=document)

"""AWS in this process, by moto, at the least cost: most tests start it, and start it again.

What is made here is made as moto's CloudFormation makes it, without the request
that a client would sign and send, which takes longer than most tests.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import copy, deepcopy
from typing import Any
from unittest.mock import patch

from moto import backend_index, mock_aws
from moto.core.model import StructureShape
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.core.serialize import BaseJSONSerializer
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.table import Table
from moto.events.models import EventBus
from moto.s3.models import FakeBucket
from moto.sqs.models import Queue

REGION = "us-east-1"
PLACE = (DEFAULT_ACCOUNT_ID, REGION)
SERVICES = {"dynamodb", "dynamodbstreams", "events", "s3", "sqs"}
#: moto knows 180 services: it registers each at every start, and tries one after another at every request.
PATTERNS = [(name, pattern) for name, pattern in backend_index.backend_url_patterns if name in SERVICES]

_serialize_structure = BaseJSONSerializer._serialize_type_structure


def _serialize_by_its_type(
    self: BaseJSONSerializer, serialized: Any, value: Any, shape: StructureShape, key: str
) -> None:
    """Write a value of DynamoDB by the type that it names.

    moto looks for each of the ten types, and for each under several names, which
    takes longer than all the rest of a read.
    """
    if shape.name != "AttributeValue" or not isinstance(value, dict):
        _serialize_structure(self, serialized, value, shape, key)
        return
    typed: dict[str, Any] = {}
    for name, inner in value.items():
        self._serialize(typed, inner, shape.members[name], name)
    self._default_serialize(serialized, typed, shape, key)


def _copy_what_changes(table: Table, memo: dict[int, Any]) -> Table:
    """Copy a table for a transaction that may be taken back.

    moto copies it for each item of a transaction. That the indexes and the records of
    the stream, which no transaction changes, are copied too takes longer than all else.
    """
    twin = copy(table)
    twin.items = deepcopy(table.items, memo)
    if table.stream_shard is not None:
        twin.stream_shard = copy(table.stream_shard)
        twin.stream_shard.table = twin
        twin.stream_shard.items = list(table.stream_shard.items)
    return twin


@contextmanager
def mocked() -> Iterator[None]:
    """Let moto answer for the services that Wharf calls, from an empty memory."""
    with (
        patch.object(backend_index, "backend_url_patterns", PATTERNS),
        patch.object(BaseJSONSerializer, "_serialize_type_structure", _serialize_by_its_type),
        patch.object(Table, "__deepcopy__", _copy_what_changes, create=True),
        mock_aws(),
    ):
        yield


def make_table(name: str, properties: Mapping[str, Any]) -> None:
    # moto keeps, and may change, the lists that it is given.
    Table.create_from_cloudformation_json(name, {"Properties": deepcopy(dict(properties))}, *PLACE)


def make_bucket(name: str) -> None:
    FakeBucket.create_from_cloudformation_json(name, {}, *PLACE)


def make_bus(name: str) -> None:
    EventBus.create_from_cloudformation_json(name, {"Properties": {}}, *PLACE)


def make_queue(name: str) -> str:
    """Make a queue and return its URL."""
    Queue.create_from_cloudformation_json(name, {"Properties": {}}, *PLACE)
    return f"https://sqs.{REGION}.amazonaws.com/{DEFAULT_ACCOUNT_ID}/{name}"


def items_now() -> dict[str, Any]:
    """Return what the tables hold, for `restore_items`."""
    return {name: deepcopy(table.items) for name, table in _tables().items()}


def restore_items(kept: Mapping[str, Any]) -> None:
    """Let the tables hold what they held at `items_now`. To delete and write each item again takes longer."""
    for name, items in kept.items():
        _tables()[name].items = deepcopy(items)


def _tables() -> dict[str, Table]:
    return dynamodb_backends[DEFAULT_ACCOUNT_ID][REGION].tables

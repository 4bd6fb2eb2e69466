"""Answers as DynamoDB and EventBridge do, at once and from memory: `python -m benchmarks.aws_stub [seed]`.

Prints its port. It knows what the benchmark of the API asks for: an item is kept by its key, a
write with a condition is refused if the item exists, and an update sets attributes. `seed` is a file
with a list of items that are there from the start.
"""

import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

Json = dict[str, Any]


class Refused(Exception):
    """The condition of a write does not hold."""


class Table:
    """Items by their keys, for all tables together: the handlers' keys differ."""

    def __init__(self, items: list[Json]) -> None:
        self._items = {_key(item): item for item in items}

    def put(self, asked: Json) -> Json:
        key = _key(asked["Item"])
        if "ConditionExpression" in asked and key in self._items:
            raise Refused(self._items[key])
        self._items[key] = asked["Item"]
        return {}

    def get(self, asked: Json) -> Json:
        found = self._items.get(_key(asked["Key"]))
        return {"Item": found} if found else {}

    def update(self, asked: Json) -> Json:
        names, values = asked.get("ExpressionAttributeNames", {}), asked["ExpressionAttributeValues"]
        item = self._items.setdefault(_key(asked["Key"]), dict(asked["Key"]))
        for assignment in asked["UpdateExpression"].removeprefix("SET ").split(","):
            name, value = (part.strip() for part in assignment.split("="))
            item[names.get(name, name)] = values[value]
        return {}


def _key(item: Json) -> str:
    names = ("pk", "sk") if "pk" in item else ("id",)
    return json.dumps([item[name] for name in names])


def _published(asked: Json) -> Json:
    return {"FailedEntryCount": 0, "Entries": [{"EventId": "1"} for _ in asked["Entries"]]}


def operations(table: Table) -> dict[str, Callable[[Json], Json]]:
    return {
        "DynamoDB_20120810.PutItem": table.put,
        "DynamoDB_20120810.GetItem": table.get,
        "DynamoDB_20120810.UpdateItem": table.update,
        "DynamoDB_20120810.TransactWriteItems": lambda _: {},
        "AWSEvents.PutEvents": _published,
    }


class Connection(asyncio.Protocol):
    """Requests of one client, which sends the next after the answer to the last."""

    def __init__(self, operations: dict[str, Callable[[Json], Json]]) -> None:
        self._operations = operations
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, complete, body = self._received.partition(b"\r\n\r\n")
        lines = (line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
        headers = {name.lower(): value for name, value in lines}
        if complete and len(body) == int(headers["content-length"]):
            self._received = b""
            self._transport.write(self._answer(headers["x-amz-target"], json.loads(body)))

    def _answer(self, target: str, asked: Json) -> bytes:
        try:
            status, content = "200 OK", self._operations[target](asked)
        except Refused as refused:
            code = "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException"
            status, content = "400 Bad Request", {"__type": code, "Item": refused.args[0]}
        body = json.dumps(content).encode()
        kind = "application/x-amz-json-1.0"
        return (
            f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            + body
        )


async def main(seed: list[Json]) -> None:
    known = operations(Table(seed))
    server = await asyncio.get_running_loop().create_server(lambda: Connection(known), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(json.loads(Path(sys.argv[1]).read_text()) if len(sys.argv) > 1 else []))

"""Only the sender connects for a client: nothing else that is deployed can send a request but to AWS."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.edges.described import document_of

APP = Path(__file__).parents[2] / "app"
CLIENTS = {
    "aiohttp",
    "botocore.awsrequest",
    "botocore.httpsession",
    "ftplib",
    "http.client",
    "httpx",
    "httpx2",
    "requests",
    "smtplib",
    "socket",
    "urllib.request",
    "urllib3",
}
#: asyncio's own client, found under whatever name the module has.
CONNECTS = "open_connection"
#: Modules that speak over a pair of sockets, which lead nowhere else.
SPEAKS_TO_ITS_CHILD = {"sandbox/client.py", "sandbox/server.py", "sandbox/wire.py"}


#: Modules that connect to an address that was checked; test_no_way_inside.py tries the check.
CONNECTS_TO_ENDPOINTS = {
    "sender/connect.py": {"socket"},
    "sender/watchdog.py": {"socket"},
    "sender/send.py": {"socket", "http.client"},
}
#: Connects to AWS, at the address that the environment names; `aws/dynamodb.py` alone uses it.
CONNECTS_TO_AWS = {"aws/connections.py": {"socket", "http.client"}}


def deployed() -> list[Path]:
    """The local runtime looks for free ports, and is not deployed."""
    return [path for path in APP.rglob("*.py") if "local" not in path.relative_to(APP).parts]


def imported(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def clients_in(source: str) -> set[str]:
    clients = {
        client for client in CLIENTS for name in imported(source) if f"{name}.".startswith(f"{client}.")
    }
    return clients | ({CONNECTS} if CONNECTS in source else set())


@pytest.mark.parametrize("path", deployed(), ids=lambda path: str(path.relative_to(APP)))
def test_a_module_has_no_client(path: Path) -> None:
    name = str(path.relative_to(APP))
    connects = CONNECTS_TO_ENDPOINTS | CONNECTS_TO_AWS
    allowed = connects.get(name, {"socket"} if name in SPEAKS_TO_ITS_CHILD else set())

    assert clients_in(path.read_text("utf-8")) <= allowed


def test_dynamodb_alone_has_connections_of_its_own() -> None:
    users = {path for path in deployed() if "app.aws.connections" in path.read_text("utf-8")}

    assert {str(path.relative_to(APP)) for path in users} == {"aws/dynamodb.py"}


def test_no_socket_of_the_sandbox_is_other_than_a_pair() -> None:
    for name in SPEAKS_TO_ITS_CHILD:
        source = (APP / name).read_text("utf-8")
        assert "connect(" not in source
        assert ".bind(" not in source
        assert "AF_INET" not in source


def test_no_request_but_a_webhooks_has_a_field_for_a_url() -> None:
    document = document_of("api-key")
    bodies = {
        name: schema
        for name, schema in document["components"]["schemas"].items()
        if "Out" not in name and name not in {"CreateWebhook", "PatchWebhook"}
    }
    named = {field for schema in bodies.values() for field in schema.get("properties", {})}

    assert {"media_type", "size", "attributes"} <= named
    assert not {field for field in named if "url" in field or "uri" in field or "href" in field}


def test_a_client_would_be_found() -> None:
    for line in (
        "import urllib.request",
        "from urllib import request",
        "from urllib.request import urlopen",
        "import requests.sessions",
        "import urllib3",
        "from urllib3.util import connection",
        "from botocore.httpsession import URLLib3Session",
        "from botocore import awsrequest",
        "import asyncio\nasyncio.open_connection('example.com', 80)",
        "from asyncio import open_connection",
        "def f():\n    from socket import create_connection",
    ):
        assert clients_in(line), line
    for line in ("from urllib.parse import quote\nimport http", "from botocore.config import Config"):
        assert clients_in(line) == set(), line

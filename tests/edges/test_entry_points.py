"""Each function loads what it needs and nothing else, and starts only when it is told all it needs."""

import ast
import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import fastapi
import pytest

from app.api.without_telemetry import STAND_INS
from app.config import ApiSettings, ConfigurationError

ROOT = Path(__file__).parents[2]

UNKNOWN = "0b7e7d3a-9a0e-4e6f-8a51-2f1c7f1f6a10"
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
    "TABLE_NAME": "objects",
    "BUCKET_NAME": "payloads",
    "AUTH_MODE": "iam",
    "QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/1/work",
    "DEAD_LETTER_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/1/dead",
    "BUS_NAME": "domain",
    "WEBHOOKS_TABLE_NAME": "webhooks",
    "SENDER_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/1/sender",
}

#: A module that a function does not use costs time at each cold start. boto3 is for scripts and
#: the local runtime: the functions take botocore's clients.
BOTO3 = {"boto3", "s3transfer"}
MOST_MODULES_OF_A_CREATE = 640
MOST_MODULES = {"lambda_api": 790, "lambda_worker": 630, "lambda_relay": 510, "lambda_sender": 520}
READERS = {"charset_normalizer", "duckdb", "PIL", "pypdfium2"}
HTTP = {"fastapi", "starlette", "mangum"}
FOREIGN = {
    # The OpenAPI document is loaded when it is asked for.
    "lambda_api": {
        *READERS,
        "app.api.openapi",
        "app.processors",
        "app.sandbox",
        "app.worker",
        "app.local",
        "uvicorn",
    },
    "lambda_worker": {*READERS, *HTTP, "app.api", "app.local"},
    "lambda_relay": {*READERS, *HTTP, "app.api", "app.worker", "app.sender", "app.processors", "app.sandbox"},
    "lambda_sender": {*READERS, *HTTP, "app.api", "app.worker", "app.processors", "app.sandbox"},
}


def start(module: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    code = f"import json, sys, app.{module}; print(json.dumps(sorted(sys.modules)))"
    clean = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=ROOT,
        env=clean | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("module", FOREIGN)
def test_a_function_loads_nothing_that_is_not_its_own(module: str) -> None:
    started = start(module, ENVIRONMENT)

    assert started.returncode == 0, started.stderr
    loaded = set(json.loads(started.stdout.splitlines()[-1]))
    assert f"app.{module}" in loaded
    assert (FOREIGN[module] | BOTO3) & loaded == set()
    assert len(loaded) <= MOST_MODULES[module]


IN_LAMBDA = {"AWS_LAMBDA_FUNCTION_NAME": "wharf"}
SHOW_START = """
import gc, json, sys, app.{module}
models = sys.modules.get("fastapi.openapi.models")
print(json.dumps({{
    "frozen": gc.get_freeze_count() > 0,
    "collects": gc.isenabled(),
    "has_document_models": hasattr(models, "__file__"),
    "document": models and app.lambda_api.app.openapi(),
}}))
"""


@cache
def started(module: str, **environment: str) -> dict[str, Any]:
    """Start a function in this environment, once for all tests that look at it."""
    ran = run(SHOW_START.format(module=module), environment)
    assert ran.returncode == 0, ran.stderr
    shown: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return shown


@pytest.mark.parametrize("module", FOREIGN)
def test_in_lambda_what_was_loaded_is_left_out_of_garbage_collection(module: str) -> None:
    quick, usual = started(module, **IN_LAMBDA), started(module, **IN_LAMBDA, QUICK_START="off")

    assert (quick["frozen"], quick["collects"]) == (True, True)
    assert (usual["frozen"], usual["collects"]) == (False, True)


def test_in_lambda_the_models_of_the_document_are_loaded_when_it_is_asked_for() -> None:
    quick, usual = (started("lambda_api", **IN_LAMBDA, QUICK_START=switch) for switch in ("on", "off"))

    assert (quick["has_document_models"], usual["has_document_models"]) == (False, True)
    assert quick["document"] == usual["document"]
    assert "/v1/objects" in quick["document"]["paths"]


#: Counts how often the installed packages are looked through.
COUNT_LOOKS = """
import importlib.metadata
looks, look = [], importlib.metadata.distributions
importlib.metadata.distributions = lambda **options: looks.append(options) or look(**options)
import app.lambda_{function}
print(len(looks))
"""


@pytest.mark.parametrize("function", ["api", "worker", "relay", "sender"])
def test_in_lambda_pydantic_does_not_look_for_plugins(function: str) -> None:
    quick, usual = (
        run(COUNT_LOOKS.format(function=function), IN_LAMBDA | {"QUICK_START": switch})
        for switch in ("on", "off")
    )

    assert (quick.stdout.splitlines()[-1:], quick.returncode) == (["0"], 0), quick.stderr
    assert usual.stdout.splitlines()[-1:] == ["1"], usual.stderr


def test_elsewhere_than_in_lambda_nothing_is_quick() -> None:
    elsewhere, usual = started("lambda_api"), started("lambda_api", **IN_LAMBDA, QUICK_START="off")

    assert elsewhere | {"document": None} == usual | {"document": None}


#: Requests that ask no AWS: of routes that are made at once and later, of none, and of none for a method.
ASKED = (
    ("POST", "/v1/objects", '{"kind": "record", "name": 1, "attributes": {}}'),
    ("POST", "/v1/objects", '{"kind": "dataset", "name": "a", "payload": {"size": -1}}'),
    ("PATCH", f"/v1/objects/{UNKNOWN}", '{"labels": []}'),
    ("DELETE", "/v1/objects", None),
    ("GET", "/v1/objects/1", None),
    ("GET", "/v1/kinds", None),
    ("PUT", "/v1/webhooks", None),
    ("POST", "/v1/webhooks", '{"url": 1}'),
    ("POST", f"/v1/objects/{UNKNOWN}/links", '{"seconds": "x"}'),
    ("GET", "/healthz", None),
    ("HEAD", "/problems/not_found", None),
    ("GET", "/docs", None),
    ("GET", "/", None),
    ("GET", "/v1/nothing", None),
)
#: Asks a function, and shows what it has loaded then.
ASK = """
import json, os, sys, app.lambda_api
from app.api.schemas import objects, requests
from tests.edges.doors import proxy_event

def answered(method, path, body):
    headers = {{"Content-Type": "application/json"}}
    event = proxy_event(method, path, headers=headers, body=(body or "").encode())
    event["requestContext"] |= {{"requestId": "asked", "identity": {{"caller": "AIDA"}}}}
    return app.lambda_api.handler(event, None)

found = [answered(*asked) for asked in {asked!r}]
modules = (
    "botocore.session",
    "pydantic.v1.main",
    "opentelemetry",
    "app.api.schemas.webhooks",
    "app.api.routes.kinds",
    "app.services.webhooks.managing",
)
Path({output!r}).write_text(json.dumps({{
    "answers": found,
    "loaded": [name for name in modules if name in sys.modules],
    "built": [model.__name__ for model in (requests.PatchIn, objects.ObjectPage, objects.CreatedOut)
              if model.__pydantic_complete__],
    "made": [route.operation_id for route in app.lambda_api.app.routes if "response_model" in vars(route)],
    "routes": [route.path for route in app.lambda_api.app.routes if hasattr(route, "path")],
}}))
"""


def asked(output: Path, requests: Any, **environment: str) -> dict[str, Any]:
    ran = run(ASK.format(asked=requests, output=str(output)), IN_LAMBDA | environment)
    assert ran.returncode == 0, ran.stderr
    shown: dict[str, Any] = json.loads(output.read_text())
    return shown


def test_what_is_made_later_answers_as_what_is_made_at_once(tmp_path: Path) -> None:
    quick, usual = (asked(tmp_path / "shown", ASKED, QUICK_START=switch) for switch in ("on", "off"))

    assert [answer["statusCode"] for answer in quick["answers"]] == [
        *(422, 422, 422, 405, 404, 200, 405, 422, 422, 200, 200, 200, 200, 404)
    ]
    assert quick["answers"] == usual["answers"]
    assert quick["routes"] == usual["routes"]


@pytest.mark.parametrize(
    "method_and_path", [("GET", "/v1/kinds"), ("DELETE", "/v1/objects"), ("GET", "/none")]
)
def test_the_first_request_may_be_for_what_is_made_later(
    tmp_path: Path, method_and_path: tuple[str, str]
) -> None:
    requests = [(*method_and_path, None)]
    quick, usual = (asked(tmp_path / "shown", requests, QUICK_START=switch) for switch in ("on", "off"))

    assert quick["answers"] == usual["answers"]


def test_a_start_that_a_request_waits_for_makes_what_the_request_needs(tmp_path: Path) -> None:
    """Before a snapshot, all is made ahead."""
    quick = asked(tmp_path / "shown", ASKED[:1])
    snapshot = asked(tmp_path / "shown", ASKED[:1], AWS_LAMBDA_INITIALIZATION_TYPE="snap-start")
    usual = asked(tmp_path / "shown", ASKED[:1], QUICK_START="off")

    assert (quick["loaded"], quick["made"], quick["built"]) == ([], ["createObject"], [])
    assert snapshot["loaded"] == [
        "botocore.session",
        *("app.api.schemas.webhooks", "app.api.routes.kinds", "app.services.webhooks.managing"),
    ]
    assert snapshot["built"] == usual["built"] == ["PatchIn", "ObjectPage", "CreatedOut"]
    assert len(quick["routes"]) < len(usual["routes"]) == len(snapshot["routes"])
    assert len(usual["made"]) == len(snapshot["made"]) > len(quick["routes"])
    assert sorted(usual["loaded"]) == sorted(["pydantic.v1.main", "opentelemetry", *snapshot["loaded"]])


#: Creates a record, reads it, and shows what is loaded then.
CREATE_AND_READ = """
import json, app.lambda_api
from tests.edges.doors import proxy_event

def answered(method, path, body=b""):
    event = proxy_event(method, path, headers={{"Content-Type": "application/json"}}, body=body)
    event["requestContext"] |= {{"requestId": "asked", "identity": {{"caller": "AIDA"}}}}
    return app.lambda_api.handler(event, None)

created = answered("POST", "/v1/objects", b'{{"kind": "record", "name": "a"}}')
read = answered("GET", "/v1/objects/" + json.loads(created["body"])["id"])
modules = ("botocore.session", "botocore.client", "urllib3")
Path({output!r}).write_text(json.dumps({{
    "read": json.loads(read["body"]),
    "statuses": [created["statusCode"], read["statusCode"]],
    "loaded": [name for name in modules if name in sys.modules],
    "number": len(sys.modules),
}}))
"""


def test_a_record_is_created_and_read_without_botocore(tmp_path: Path) -> None:
    output = tmp_path / "shown"
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.aws_stub"], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as aws:
        assert aws.stdout is not None
        try:
            url = f"http://127.0.0.1:{aws.stdout.readline().strip()}"
            shown = {}
            for switch in ("on", "off"):
                code = CREATE_AND_READ.format(output=str(output))
                ran = run(code, IN_LAMBDA | {"AWS_ENDPOINT_URL": url, "SIGNED_CALLS": switch})
                assert ran.returncode == 0, ran.stderr
                shown[switch] = json.loads(output.read_text())
        finally:
            aws.kill()

    assert shown["on"]["statuses"] == shown["off"]["statuses"] == [201, 200]
    assert shown["on"]["read"]["name"] == "a"
    assert shown["on"]["loaded"] == []
    assert shown["off"]["loaded"] == ["botocore.session", "botocore.client", "urllib3"]
    assert shown["on"]["number"] <= MOST_MODULES_OF_A_CREATE < shown["off"]["number"]


#: Prints the command lines of the child processes.
SHOW_CHILDREN = """
for child in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
    print(Path(f"/proc/{child}/cmdline").read_text())
"""


def run(code: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return subprocess.run(
        [sys.executable, "-c", f"import os, sys\nfrom pathlib import Path\n{code}"],
        cwd=ROOT,
        # The sandbox leaves out the current folder, as Lambda's path does.
        env=clean | ENVIRONMENT | {"PYTHONPATH": str(ROOT)} | (environment or {}),
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_sandbox_starts_with_the_worker_not_with_the_first_payload() -> None:
    started = run(f"import app.lambda_worker\n{SHOW_CHILDREN}")

    assert started.returncode == 0, started.stderr
    assert "app.sandbox.server" in started.stdout


def test_a_worker_whose_sandbox_does_not_start_still_sweeps() -> None:
    started = run("sys.executable = '/nowhere'\nimport app.lambda_worker\nprint(app.lambda_worker.handler)")

    assert started.returncode == 0, started.stderr
    assert "sandbox.not_started" in started.stdout


@pytest.mark.parametrize(
    ("module", "missing"),
    [
        ("lambda_api", "AUTH_MODE"),
        ("lambda_worker", "QUEUE_URL"),
        ("lambda_relay", "BUS_NAME"),
        ("lambda_sender", "SENDER_QUEUE_URL"),
    ],
)
def test_a_function_that_lacks_a_setting_names_it(module: str, missing: str) -> None:
    started = start(module, {name: value for name, value in ENVIRONMENT.items() if name != missing})

    assert started.returncode != 0
    assert f"{missing}: Field required" in started.stderr


@pytest.mark.parametrize(
    ("given", "limit"), [("0", None), ("1", 1), ("1099511627776", 1_099_511_627_776)], ids=str
)
def test_a_limit_of_0_is_none(given: str, limit: int | None) -> None:
    settings = ApiSettings.from_environment({**ENVIRONMENT, "MAX_OBJECTS": given, "MAX_BYTES": given})

    assert (settings.max_objects, settings.max_bytes) == (limit, limit)


def test_without_a_setting_nothing_is_limited() -> None:
    settings = ApiSettings.from_environment(ENVIRONMENT)

    assert (settings.max_objects, settings.max_bytes) == (None, None)


@pytest.mark.parametrize("wrong", ["-1", "many", "1.5", ""])
def test_a_limit_that_is_no_number_stops_the_start(wrong: str) -> None:
    with pytest.raises(ConfigurationError, match="MAX_OBJECTS: Input should be"):
        ApiSettings.from_environment({**ENVIRONMENT, "MAX_OBJECTS": wrong})


def test_fastapi_imports_of_its_telemetry_what_stands_in_for_it() -> None:
    """A name that is new in FastAPI would stop the start; one that is gone would stand here for nothing."""
    folder = Path(fastapi.__file__).parent
    wanted: dict[str, set[str]] = {}
    for path in folder.rglob("*.py"):
        if "telemetry" not in path.relative_to(folder).parts:
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("fastapi.telemetry"):
                    wanted.setdefault(str(node.module), set()).update(alias.name for alias in node.names)

    # It surrounds the start and the end of a server. Lambda has none.
    assert wanted.pop("fastapi.telemetry._runtime") == {"lifespan"}
    assert wanted == {name: set(contents) - {"__path__"} for name, contents in STAND_INS.items()}


def test_a_layer_that_has_loaded_opentelemetry_keeps_it() -> None:
    shown = run(
        "import opentelemetry, app.lambda_api\nprint(sys.modules['fastapi.telemetry'].__file__)", IN_LAMBDA
    )

    assert shown.returncode == 0, shown.stderr

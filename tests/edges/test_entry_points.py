"""Each function loads what it needs and nothing else, and starts only when it is told all it needs."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from app.config import ApiSettings, ConfigurationError

ROOT = Path(__file__).parents[2]

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
    "built": [name for name in ("Operation", "Schema", "Components", "OpenAPI")
              if models and getattr(models, name).__pydantic_complete__],
    "document": models and app.lambda_api.app.openapi(),
}}))
"""


def started(module: str, environment: dict[str, str]) -> dict[str, Any]:
    ran = run(SHOW_START.format(module=module), environment)
    assert ran.returncode == 0, ran.stderr
    shown: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return shown


@pytest.mark.parametrize("module", FOREIGN)
def test_in_lambda_what_was_loaded_is_left_out_of_garbage_collection(module: str) -> None:
    quick, usual = started(module, IN_LAMBDA), started(module, IN_LAMBDA | {"QUICK_START": "off"})

    assert (quick["frozen"], quick["collects"]) == (True, True)
    assert (usual["frozen"], usual["collects"]) == (False, True)


def test_in_lambda_the_models_of_the_document_are_built_when_it_is_asked_for() -> None:
    quick, usual = (started("lambda_api", IN_LAMBDA | {"QUICK_START": switch}) for switch in ("on", "off"))

    assert quick["built"] == []
    assert usual["built"] == ["Operation", "Schema", "Components", "OpenAPI"]
    assert quick["document"] == usual["document"]
    assert "/v1/objects" in quick["document"]["paths"]


def test_elsewhere_than_in_lambda_nothing_is_quick() -> None:
    assert started("lambda_api", {}) | {"document": None} == started(
        "lambda_api", IN_LAMBDA | {"QUICK_START": "off"}
    ) | {"document": None}


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

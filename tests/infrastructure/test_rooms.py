"""The import rules hold the rooms apart, and each of them can fail."""

import shutil
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]

# A module and an import that breaks the contract, for each contract.
VIOLATIONS = {
    "Rooms: imports point one way": ("domain/times.py", "import app.services.cursors"),
    "Only the adapters know AWS": ("services/cursors.py", "import boto3"),
    "Only the HTTP edge knows FastAPI": ("worker/dispatch.py", "import fastapi"),
    "Only the processors know what they read with": ("services/cursors.py", "import duckdb"),
    "The processors know neither cloud nor framework": ("processors/file.py", "import botocore"),
}


def lint(folder: Path) -> str:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.stdout


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the linter's output for a copy that breaks every contract."""
    copy = tmp_path_factory.mktemp("rooms")
    shutil.copytree(ROOT / "app", copy / "app", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    for module, line in VIOLATIONS.values():
        path = copy / "app" / module
        path.write_text(f"{path.read_text()}\n{line}\n")
    (copy / "app" / "attic.py").touch()
    return lint(copy)


def test_the_rules_hold() -> None:
    assert f"{len(CONTRACTS)} kept, 0 broken" in lint(ROOT)


@pytest.mark.parametrize("contract", [contract["name"] for contract in CONTRACTS])
def test_each_rule_can_fail(broken: str, contract: str) -> None:
    assert contract in VIOLATIONS
    assert f"{contract} BROKEN" in broken


def test_a_new_room_fails_until_it_has_a_place(broken: str) -> None:
    assert "attic" in broken


def test_no_rule_forbids_a_package_that_does_not_exist() -> None:
    forbidden = {module for contract in CONTRACTS for module in contract.get("forbidden_modules", ())}

    assert forbidden
    assert all(find_spec(module) for module in forbidden)

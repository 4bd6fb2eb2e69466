"""The import rules hold the rooms apart, and the rooms stay small. Each rule can fail."""

import shutil
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest

from scripts.checks.structure import CLIENT, GENERATED, LARGE_FOLDERS, Tree, excesses, large_modules

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


def test_rooms_modules_and_functions_stay_small() -> None:
    assert [*excesses(Tree.read(ROOT / "app"))] == []
    assert large_modules(Tree.read(CLIENT).without([GENERATED])) == []


#: A tree that keeps every limit. Its large folders are as large as they say.
SMALL = {"few.py": "def few(): ...\nfew, few\n"} | {
    f"{folder}/{number}.py": "" for folder in LARGE_FOLDERS for number in range(13)
}


def short_functions(number: int) -> str:
    return "".join(f"def _f{each}(): ...\n_f{each}()\n" for each in range(number))


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({}, []),
        ({f"many/{number}.py": "" for number in range(13)}, ["more than 12 files: many"]),
        ({"large.py": "\n" * 301}, ["a long module: 301  large.py"]),
        (
            {"long.py": "def long():\n" + "    pass\n" * 40 + "long, long\n"},
            ["a function of 41 lines", "90th percentile of 41 lines"],
        ),
        (
            {"long.py": "def long():\n" + "    pass\n" * 18 + "long, long\n"},
            ["90th percentile of 19 lines"],
        ),
        ({"once.py": "def once(): ...\nonce\n"}, ["1 of 2 functions referenced once"]),
        (
            {"short.py": short_functions(31)},
            ["31 of 32 functions referenced once", "31 short private functions referenced once"],
        ),
        ({"sandbox/short.py": short_functions(31)}, ["31 of 32 functions referenced once"]),
    ],
)
def test_each_limit_can_be_passed(tmp_path: Path, files: dict[str, str], told: list[str]) -> None:
    for path, text in (SMALL | files).items():
        place = tmp_path / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)

    assert [one.partition(": short")[0] for one in excesses(Tree.read(tmp_path))] == told


def test_an_exception_that_no_folder_needs_is_told(tmp_path: Path) -> None:
    (tmp_path / "few.py").write_text(SMALL["few.py"])

    assert {*excesses(Tree.read(tmp_path))} == {f"not a large folder: {folder}" for folder in LARGE_FOLDERS}

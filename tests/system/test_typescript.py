"""The TypeScript client: its types are those of the API, it compiles, and it passes the scenarios.

The packages are fetched in the versions whose hashes are in its lock.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.system.conftest import ROOT, Runtime

CLIENT = ROOT / "clients" / "typescript"
MADE = shutil.ignore_patterns("node_modules", "dist")
PAGE = (ROOT / "docs" / "clients.md").read_text()

pytestmark = [
    pytest.mark.builds,
    pytest.mark.skipif(not (shutil.which("npm") and shutil.which("node")), reason="There is no npm."),
]


def do(command: list[str], folder: Path, environment: Mapping[str, str] | None = None) -> str:
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy with its packages, compiled, also with the example of the page."""
    folder = tmp_path_factory.mktemp("typescript")
    copy = folder / "clients" / "typescript"
    shutil.copytree(CLIENT, copy, ignore=MADE)
    (folder / "docs").mkdir()
    shutil.copy(ROOT / "docs" / "openapi.json", folder / "docs")
    do(["npm", "ci", "--ignore-scripts", "--silent"], copy)
    [example] = re.findall(r"```typescript\n(.*?)```", PAGE, re.DOTALL)
    (copy / "test" / "example.ts").write_text(example.replace('"wharf-client"', '"../src/index.js"'))
    do(["npm", "run", "--silent", "build"], copy)
    return copy


def test_the_types_are_those_of_the_api(built: Path) -> None:
    do(["npm", "run", "--silent", "generate"], built)

    assert (built / "src/generated.ts").read_text() == (CLIENT / "src/generated.ts").read_text()


def test_it_sends_what_it_should(built: Path) -> None:
    do(["node", "--test", "dist/test/requests.test.js"], built)


def test_it_passes_the_scenarios(built: Path, running: Runtime) -> None:
    file = ROOT / "clients" / "scenarios.json"
    told = do(
        ["node", "--test", "dist/test/scenarios.test.js"],
        built,
        {"WHARF_URL": running.url, "SCENARIOS": str(file)},
    )
    passed = int(re.findall(r"^[#ℹ] pass (\d+)", told, re.MULTILINE)[0])

    assert passed == len(json.loads(file.read_text())["scenarios"])


def test_the_example_of_the_page_runs(built: Path, running: Runtime) -> None:
    (built / "cities.csv").write_text("city,people\nPorto,231800\n")
    told = do(["node", "dist/test/example.js"], built, {"WHARF_URL": running.url})

    assert "25 of 25" in told
    assert "rows: 1" in told

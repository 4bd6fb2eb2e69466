"""Clients that generators make of the document have every operation, and the summary of each kind."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.builds

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "openapi.json"
OPERATIONS = {
    op["operationId"] for item in json.loads(DOCUMENT.read_text())["paths"].values() for op in item.values()
}
NPM = ROOT / "tests" / "npm" / "generators"
#: The sample object in the document, as Python reads it.
READS = """
import json, sys
from wharf_client.models import DatasetObject, ImageObject, RecordObject
from wharf_client.models.object_page import ObjectPage
paths = json.load(open(sys.argv[1]))["paths"]
answer = paths["/v1/objects/{object_id}"]["get"]["responses"]["200"]
examples = answer["content"]["application/json"]["examples"]
found = DatasetObject.from_dict(examples["dataset"]["value"])
print(type(found.result).__name__, type(found.result.summary).__name__, found.result.summary.rows)
print(RecordObject.from_dict(examples["record"]["value"]).kind)
page = paths["/v1/objects"]["get"]["responses"]["200"]["content"]["application/json"]["examples"]["page"]
print(type(ObjectPage.from_dict(page["value"]).items[0]).__name__)
"""
USES = """
import type { components } from "./wharf";
export function rows(found: components["schemas"]["ObjectOut"]): number | undefined {
  return found.kind === "dataset" ? found.result?.summary.rows : undefined;
}
export function width(found: components["schemas"]["ListedOut"]): number | undefined {
  return found.kind === "image" ? found.result?.summary.width : undefined;
}
export function nothing(found: components["schemas"]["RecordObject"]): null | object {
  return found.payload ?? found.incoming ?? found.problem;
}
"""


def run(*command: str, folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def test_a_client_in_python_has_every_operation(tmp_path: Path) -> None:
    python = str(tmp_path / "venv" / "bin" / "python")
    lock = str(ROOT / "requirements" / "generators.txt")
    run(sys.executable, "-m", "venv", "venv", folder=tmp_path)
    run(
        python,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--require-hashes",
        "-r",
        lock,
        folder=tmp_path,
    )
    (tmp_path / "config.yaml").write_text("post_hooks: []\n")
    generator = str(tmp_path / "venv" / "bin" / "openapi-python-client")
    where = ("--path", str(DOCUMENT), "--output-path", "client", "--config", "config.yaml")

    run(generator, "generate", *where, folder=tmp_path)

    made = {path.stem for path in (tmp_path / "client").glob("*/api/*/*.py")}
    assert {snake(name) for name in OPERATIONS} <= made
    assert run(python, "-c", READS, str(DOCUMENT), folder=tmp_path / "client").splitlines() == [
        "DatasetResult DatasetSummary 1",
        "record",
        "ListedDataset",
    ]


def test_a_client_in_typescript_has_every_operation(tmp_path: Path) -> None:
    if not (shutil.which("npm") and shutil.which("node")):
        pytest.skip("There is no npm.")
    for name in ("package.json", "package-lock.json"):
        shutil.copy(NPM / name, tmp_path)
    run("npm", "ci", "--ignore-scripts", "--silent", folder=tmp_path)

    run("npx", "openapi-typescript", str(DOCUMENT), "-o", "wharf.d.ts", folder=tmp_path)

    operations = (tmp_path / "wharf.d.ts").read_text().partition("export interface operations {")[2]
    assert set(re.findall(r"^    (\w+): \{$", operations, re.MULTILINE)) == OPERATIONS
    (tmp_path / "uses.ts").write_text(USES)
    run("npx", "tsc", "--noEmit", "--strict", "uses.ts", folder=tmp_path)

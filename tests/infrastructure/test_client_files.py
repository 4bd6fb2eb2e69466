"""The clients have the version of the API and its types, and the service has nothing of them."""

import json
import re
import tomllib
from pathlib import Path

import wharf_client
from scripts.build.bundle import __file__ as bundle
from scripts.build.client_types import write

ROOT = Path(__file__).parents[2]
PYTHON, TYPESCRIPT = ROOT / "clients/python", ROOT / "clients/typescript"


def test_the_types_in_python_are_those_of_the_api(tmp_path: Path) -> None:
    write(ROOT / "docs/openapi.json", tmp_path / "generated.py")

    made = (PYTHON / "wharf_client/generated.py").read_text()
    assert made == (tmp_path / "generated.py").read_text(), "Run `make client-types`."


def test_they_have_the_version_of_the_api() -> None:
    described = json.loads((ROOT / "docs/openapi.json").read_text())["info"]["version"]
    package = json.loads((TYPESCRIPT / "package.json").read_text())
    lock = json.loads((TYPESCRIPT / "package-lock.json").read_text())

    versions = {package["version"], lock["version"], wharf_client.__version__}
    versions |= {tomllib.loads((PYTHON / "pyproject.toml").read_text())["project"]["version"]}
    assert versions == {described}


def test_the_service_imports_no_client_and_bundles_none() -> None:
    sources = [*(ROOT / "app").rglob("*.py"), Path(bundle)]

    assert [path for path in sources if re.search(r"wharf_client|\bclients/", path.read_text())] == []


def test_what_the_package_needs_is_what_is_tested() -> None:
    """The lower bounds are those of the development environment."""
    project = tomllib.loads((PYTHON / "pyproject.toml").read_text())["project"]
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    needs = {*project["dependencies"], *project["optional-dependencies"]["cli"]}

    assert needs <= {one for group in ("local", "sender") for one in groups[group] if isinstance(one, str)}


def test_the_lock_of_npm_names_versions_and_hashes_and_no_place() -> None:
    packages = json.loads((TYPESCRIPT / "package-lock.json").read_text())["packages"]
    fetched = [package for name, package in packages.items() if name]

    assert fetched
    assert all(package["integrity"].startswith("sha512-") for package in fetched)
    assert not any("resolved" in package for package in fetched)


def test_the_picture_in_the_docs_is_small_and_fetches_nothing() -> None:
    picture = (ROOT / "docs/wharf-show.svg").read_text()

    assert len(picture) < 60_000
    assert not re.search(r"url\([^#]|href=|@import|@font-face", picture)

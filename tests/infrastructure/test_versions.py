"""One version number names a release: in the package, the changelog and the HTTP API."""

import json
import re
import tomllib
from datetime import date
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CHANGELOG = (ROOT / "CHANGELOG.md").read_text()
RELEASES = re.findall(r"^## \[(\d+\.\d+\.\d+)\] - (\S+)$", CHANGELOG, re.MULTILINE)
CHANGES = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_package_changelog_and_api_have_one_version() -> None:
    document = json.loads((ROOT / "docs" / "openapi.json").read_text())

    assert PROJECT["version"] == RELEASES[0][0] == document["info"]["version"]


def test_releases_are_dated_newest_first() -> None:
    versions = [tuple(map(int, version.split("."))) for version, _ in RELEASES]
    dates = [date.fromisoformat(day) for _, day in RELEASES]

    assert versions == sorted(versions, reverse=True)
    assert dates == sorted(dates, reverse=True)


def test_every_change_stands_below_a_heading_of_the_format() -> None:
    headings = re.findall(r"^(#{2,}) (.+)$", CHANGELOG, re.MULTILINE)
    releases = [title for level, title in headings if level == "##"]

    assert {title for level, title in headings if level == "###"} <= CHANGES
    assert [title for title in releases if title != "Unreleased"] == [
        f"[{version}] - {day}" for version, day in RELEASES
    ]


def test_the_license_is_the_one_that_the_package_names() -> None:
    (file,) = PROJECT["license-files"]

    assert (ROOT / file).read_text().startswith(f"{PROJECT['license']} License\n")

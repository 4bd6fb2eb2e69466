"""The findings in pip-audit's report that stop a build."""

from pathlib import Path
from typing import Any

import pytest

from scripts.checks.audit import main, objections

GOOD = {"name": "six", "version": "1.17.0", "vulns": []}
BAD = {
    "name": "lib",
    "version": "1.0",
    "vulns": [{"id": "PYSEC-1", "aliases": ["CVE-1"], "fix_versions": ["1.1", "2.0"], "description": "…"}],
}
UNKNOWN = {"name": "ours", "skip_reason": "Dependency not found on PyPI"}


def report(*packages: dict[str, Any]) -> dict[str, Any]:
    return {"dependencies": list(packages), "fixes": []}


def test_nothing_is_objected_to_where_nothing_is_known() -> None:
    assert list(objections({"a": report(GOOD)}, {})) == []


def test_a_vulnerability_is_told_once_with_its_locks() -> None:
    found = list(objections({"b": report(BAD, GOOD), "a": report(BAD)}, {}))

    assert found == ["lib 1.0: PYSEC-1, fixed in 1.1, 2.0 (a, b)"]


@pytest.mark.parametrize("name", ["PYSEC-1", "CVE-1"])
def test_one_is_accepted_by_any_of_its_names(name: str) -> None:
    assert list(objections({"a": report(BAD)}, {name: "not called here"})) == []


def test_an_acceptance_that_nothing_needs_is_an_objection() -> None:
    found = list(objections({"a": report(GOOD)}, {"CVE-9": "was never called"}))

    assert found == ["CVE-9 is accepted, but no lock has it any more"]


def test_what_could_not_be_asked_about_is_an_objection() -> None:
    """Check what pip-audit itself lets pass: a package that PyPI does not know or does not answer for."""
    assert list(objections({"a": report(GOOD, UNKNOWN)}, {})) == ["ours: Dependency not found on PyPI (a)"]


@pytest.fixture
def pip_audit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where to write a module that runs in place of pip-audit."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return tmp_path / "pip_audit.py"


def test_a_lock_is_audited_by_pip_audit(pip_audit: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pip_audit.write_text(
        "import json, sys\n"
        "print(json.dumps({'dependencies': [{'name': sys.argv[-1], 'version': '1', 'vulns': []}]}))\n"
    )

    assert main(["requirements/api.txt"]) == 0
    assert capsys.readouterr().out == "1 locks audited, 0 objections\n"


@pytest.mark.parametrize("script", ["raise OSError('no network')", "", "print('Oops')"])
def test_an_audit_that_fails_is_no_success(
    pip_audit: Path, script: str, capsys: pytest.CaptureFixture[str]
) -> None:
    pip_audit.write_text(script)

    assert main(["requirements/api.txt"]) == 1
    assert "requirements/api.txt: " in capsys.readouterr().out

"""SECURITY.md names a test for every threat, and every test that it names exists.

For each, at least one of them is known to fail when its control is taken away: `make mutants` tries it.
"""

import ast
import re
from collections.abc import Collection
from pathlib import Path

import pytest

from app.sandbox.locks.system_calls import ALLOWED, CHECKED
from scripts.checks.mutants.__main__ import ROWS
from tests.infrastructure.test_documents import ROOT, rows, section

PAGE = (ROOT / "SECURITY.md").read_text()
THREATS = section(PAGE, "Threats, controls, tests")
OWASP = section(PAGE, "OWASP API Security Top 10 (2023)")
TEST = re.compile(r"`(tests/[^`]+)`")
#: The tests that fail without a control, without their parameters.
TRIED = {re.sub(r"\[.*", "", test) for row in ROWS for test in row.tests}


def missing(named: str, root: Path = ROOT) -> bool:
    """True if there is no such `file.py`, `file.py::test` or `file.py::Class::test`."""
    path, *names = named.split("::")
    if not (root / path).is_file():
        return True
    body = ast.parse((root / path).read_text("utf-8")).body
    for name in names:
        found = [one for one in body if isinstance(one, ast.FunctionDef | ast.ClassDef) and one.name == name]
        if not found:
            return True
        body = found[0].body
    return False


def without_test(table: str) -> list[str]:
    return [row[1] for row in rows(table) if not TEST.search(row[-1])]


def unproved(table: str, tried: Collection[str]) -> list[str]:
    """Return the rows none of whose tests, or of the tests in their files and classes, is among `tried`."""
    return [
        row[1]
        for row in rows(table)
        if not any(
            each == named or each.startswith(f"{named}::")
            for named in TEST.findall(row[-1])
            for each in tried
        )
    ]


@pytest.mark.parametrize("table", [THREATS, OWASP], ids=["STRIDE", "OWASP"])
class TestTable:
    def test_every_row_names_a_test(self, table: str) -> None:
        assert rows(table)
        assert without_test(table) == []
        assert all(all(row[1:]) for row in rows(table))

    def test_every_test_that_it_names_exists(self, table: str) -> None:
        assert sorted({named for named in TEST.findall(table) if missing(named)}) == []

    def test_a_control_of_every_row_was_taken_away(self, table: str) -> None:
        assert unproved(table, TRIED) == []


def test_every_kind_of_threat_has_a_row() -> None:
    assert {row[0] for row in rows(THREATS)} == set("STRIDE")


def test_every_risk_has_one_row() -> None:
    assert [row[0] for row in rows(OWASP)] == [f"API{number}" for number in range(1, 11)]


def test_the_system_calls_of_a_child_are_counted() -> None:
    free = sum(x86_64 is not None for x86_64, _ in ALLOWED.values())
    # tgkill is checked too.
    checked = len(CHECKED) + 1

    assert checked == 8
    assert f"{free + checked} system calls are allowed on x86_64, eight of them" in THREATS


@pytest.mark.parametrize(
    ("named", "is_missing"),
    [
        ("tests/a.py", False),
        ("tests/a.py::test_one", False),
        ("tests/a.py::TestTwo::test_three", False),
        ("tests/b.py", True),
        ("tests/a.py::test_three", True),
        ("tests/a.py::TestTwo::test_one", True),
        ("tests/a.py::helper_of_none", True),
    ],
)
def test_a_test_that_does_not_exist_is_missed(tmp_path: Path, named: str, is_missing: bool) -> None:
    (tmp_path / "tests").mkdir()
    source = "def test_one(): ...\nclass TestTwo:\n    def test_three(self): ...\n"
    (tmp_path / "tests" / "a.py").write_text(source)

    assert missing(named, tmp_path) is is_missing


def test_a_row_without_a_test_is_noticed() -> None:
    table = """
| | threat | control | test |
|---|---|---|---|
| S | one | a | `tests/a.py` |
| T | two | b | |
"""

    assert without_test(table) == ["two"]


def test_a_row_whose_tests_nobody_saw_fail_is_noticed() -> None:
    table = """
| | threat | control | test |
|---|---|---|---|
| S | one | a | `tests/a.py`, `tests/d.py` |
| T | two | b | `tests/b.py::test_two` |
| R | three | c | `tests/c.py::TestThree` |
| I | four | d | `tests/d.py`, `tests/e.py::test_four` |
"""
    tried = {"tests/a.py::test_one", "tests/b.py", "tests/b.py::test_two_more", "tests/e.py::test_four"}

    assert unproved(table, tried) == ["two", "three"]

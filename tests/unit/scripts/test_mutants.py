"""The table of controls: each stands where its row says, and what is tried of it is told."""

import ast
import os
import re
import shutil
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from scripts.checks.mutants import __main__ as command
from scripts.checks.mutants.__main__ import ROOT, ROWS, chosen
from scripts.checks.mutants.row import Misplaced, Row
from scripts.checks.mutants.trial import Outcome, failing, try_row

CONTROL = """
def is_even(number):
    return number % 2 == 0
"""
TEST = """
from control import is_even

def test_one_is_odd():
    assert not is_even(1)

def test_two_is_even():
    assert is_even(2)
"""
#: Without its control, this test fails if it meets itself in another copy.
MEETING = """
import time
from pathlib import Path
from control import is_even

def test_they_meet():
    if is_even(1):
        copy = Path(__file__).parent
        (copy.parent / f"{copy.name}.here").touch()
        until = time.monotonic() + 20
        while time.monotonic() < until:
            assert len([*copy.parent.glob("*.here")]) < 2, "both are here"
            time.sleep(0.05)
"""
ROW = Row("evenness", "control.py", "number % 2 == 0", "True", ("test_control.py::test_one_is_odd",))


@pytest.mark.parametrize("row", ROWS, ids=[row.control for row in ROWS])
def test_a_control_stands_once_in_its_file_and_its_tests_are_there(row: Row) -> None:
    without = row.removed_from(ROOT)

    if row.file.endswith(".py"):
        ast.parse(without)
    for test in row.tests:
        file, _, name = test.partition("::")
        written = (ROOT / file).read_text(encoding="utf-8")
        for part in filter(None, re.sub(r"\[.*", "", name).split("::")):
            assert re.search(rf"(def|class) {part}\b", written), test


def test_the_table_is_long_and_names_each_control_once() -> None:
    assert len(ROWS) >= 40
    assert Counter(row.control for row in ROWS).most_common(1)[0][1] == 1


def test_what_is_drawn_is_quick_and_the_same_by_the_same_seed(capsys: pytest.CaptureFixture[str]) -> None:
    drawn = chosen(3, 1, "")

    assert len(drawn) == 3
    assert all(row.is_quick for row in drawn)
    assert chosen(3, 1, "") == drawn
    assert "--seed 1\n" in capsys.readouterr().out


def test_the_command_tells_each_row_and_fails_if_one_is_not_noticed(
    monkeypatch: pytest.MonkeyPatch, tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    unnoticed = replace(ROW, control="of two", tests=("test_control.py::test_two_is_even",))
    monkeypatch.setattr(command, "ROWS", (ROW, unnoticed, replace(ROW, control="other", needs_root=True)))
    monkeypatch.setattr(command, "copy_of", copies_of(tree))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    assert command.main(["--find", "evenness"]) == 0
    assert command.main([]) == 1
    assert command.main(["--find", "no such control"]) == 1

    told = capsys.readouterr()
    assert "noticed" in told.out
    assert "NOT NOTICED" in told.out
    assert "1 of 2 noticed, 1 need root and were not tried.\n" in told.out
    assert told.err == "No row is to be tried.\n"


def test_workers_try_rows_at_once_each_in_a_copy_of_its_own(
    monkeypatch: pytest.MonkeyPatch, tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tree / "test_meeting.py").write_text(MEETING)
    one = replace(ROW, tests=("test_meeting.py",))
    monkeypatch.setattr(command, "ROWS", (one, replace(one, control="the same again")))
    monkeypatch.setattr(command, "copy_of", copies_of(tree))

    assert command.main(["--workers", "2"]) == 0

    first, second, total = capsys.readouterr().out.splitlines()
    assert first.endswith("evenness")
    assert second.endswith("the same again")
    assert total.startswith("2 of 2 noticed")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "tree"
    folder.mkdir()
    (folder / "control.py").write_text(CONTROL)
    (folder / "test_control.py").write_text(TEST)
    (folder / "pytest.ini").write_text("[pytest]\npythonpath = .\n")
    return folder


def copies_of(tree: Path) -> Callable[[Path], AbstractContextManager[Path]]:
    """Return what makes a new copy of a tree beside it each time."""
    numbers = count()
    return lambda _root: nullcontext(shutil.copytree(tree, tree.parent / f"copy{next(numbers)}"))


@pytest.mark.parametrize(
    ("row", "outcome"),
    [
        (ROW, Outcome.KILLED),
        (replace(ROW, tests=("test_control.py",)), Outcome.KILLED),
        (replace(ROW, tests=("test_control.py::test_two_is_even",)), Outcome.SURVIVED),
        (replace(ROW, tests=(*ROW.tests, "test_control.py::test_two_is_even")), Outcome.SURVIVED),
        (replace(ROW, without="number %"), Outcome.UNTOLD),
        (replace(ROW, tests=("test_control.py::test_three",)), Outcome.UNTOLD),
    ],
    ids=[
        "a test fails",
        "a test of the file fails",
        "no test fails",
        "one does not fail",
        "nothing can be imported",
        "there is no such test",
    ],
)
def test_only_a_test_that_fails_counts(tree: Path, row: Row, outcome: Outcome) -> None:
    assert try_row(tree, row) is outcome
    assert (tree / "control.py").read_text() == CONTROL


def test_tests_that_fail_with_the_control_in_place_prove_nothing(tree: Path) -> None:
    assert failing(tree, [ROW]) == ""
    (tree / "control.py").write_text(CONTROL.replace("== 0", "== 1"))
    assert "test_one_is_odd" in failing(tree, [ROW])


@pytest.mark.parametrize("text", ["number", "no such text"])
def test_a_control_that_does_not_stand_once_is_told(tree: Path, text: str) -> None:
    with pytest.raises(Misplaced, match="evenness"):
        try_row(tree, replace(ROW, text=text))

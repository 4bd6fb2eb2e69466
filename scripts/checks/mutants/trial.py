"""Tries rows in a copy of the tree, so that the tree itself is never without a control."""

import compileall
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory

from scripts.checks.mutants.row import Row

#: Files that the tests read. The environments stay where they are.
COPIED = (
    *(".github", "app", "benchmarks", "clients", "docs", "requirements", "scripts", "tests"),
    *("CHANGELOG.md", "CONTRIBUTING.md", "Dockerfile", "Makefile", "README.md", "SECURITY.md"),
    *("pyproject.toml", "samconfig.toml", "template.yaml"),
)
#: The exit codes of pytest (pytest documentation, "Exit codes").
TESTS_PASSED, TESTS_FAILED = 0, 1
#: The time of one test of a row, and of the tests of all rows together.
SECONDS, SECONDS_OF_ALL = 600, 3600


class Outcome(StrEnum):
    KILLED = "noticed"
    SURVIVED = "NOT NOTICED"
    #: The tests could not tell, such as after an import that fails.
    UNTOLD = "NOT TOLD"


@contextmanager
def copy_of(root: Path) -> Iterator[Path]:
    with TemporaryDirectory(prefix="wharf-mutants-") as folder:
        ignored = shutil.ignore_patterns("__pycache__", "node_modules", "dist")
        for name in COPIED:
            if (root / name).is_dir():
                shutil.copytree(root / name, Path(folder, name), ignore=ignored)
            elif (root / name).exists():
                shutil.copy(root / name, folder)
        # A file that is changed later has another time than what was compiled here, which never replaces it.
        compileall.compile_dir(folder, quiet=2)
        yield Path(folder)


def failing(copy: Path, rows: Sequence[Row], *, workers: int = 1) -> str:
    """Return what pytest says of tests that fail with all controls in place; nothing if none does."""
    tests = list(dict.fromkeys(test for row in rows for test in row.tests))
    at_once = ["-p", "xdist", "--numprocesses", str(workers), "--dist", "loadfile"] if workers > 1 else []
    try:
        tried = _test(copy, [*at_once, *tests], SECONDS_OF_ALL)
    except subprocess.TimeoutExpired:
        return f"They were not done after {SECONDS_OF_ALL} seconds."
    return "" if tried.returncode == TESTS_PASSED else tried.stdout + tried.stderr


def try_row(copy: Path, row: Row) -> Outcome:
    """Run each test of a row without its control, until one tells nothing of it. Put the control back."""
    file = copy / row.file
    before = file.read_text(encoding="utf-8")
    file.write_text(row.removed_from(copy), encoding="utf-8")
    try:
        outcomes = (_outcome_of(copy, test) for test in row.tests)
        return next((one for one in outcomes if one is not Outcome.KILLED), Outcome.KILLED)
    finally:
        file.write_text(before, encoding="utf-8")


def _outcome_of(copy: Path, test: str) -> Outcome:
    try:
        tried = _test(copy, [test], SECONDS)
    except subprocess.TimeoutExpired:
        return Outcome.UNTOLD
    match tried.returncode:
        case 0:
            return Outcome.SURVIVED
        case 1:
            return Outcome.KILLED
    return Outcome.UNTOLD


def _test(copy: Path, arguments: Sequence[str], seconds: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-B", "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-m", ""]
    # Plugins that none of these tests needs take most of the time of a short one.
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return subprocess.run(
        [*command, *arguments],
        cwd=copy,
        env=environment,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )

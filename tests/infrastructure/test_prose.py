"""Docstrings and the comments of fields keep the house style that CONTRIBUTING.md states."""

import ast
import re
from collections.abc import Iterator
from itertools import pairwise

import pytest

from tests.infrastructure.test_documents import ROOT

#: Words that begin no sentence with a subject and a verb, as "Of the newest revision." does not.
BEGINNINGS = re.compile(r"(Of|That|Those|Until|Whether|So|As|By|Here)\b")


def texts(source: str) -> Iterator[str]:
    """Yield the docstrings of a source, and the comments of its fields."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield ast.get_docstring(node) or ""
    lines = [line.strip() for line in source.splitlines()]
    for above, line in pairwise(["", *lines]):
        if line.startswith("#: ") and not above.startswith("#: "):
            yield line.removeprefix("#: ")


def strings_below_fields(source: str) -> Iterator[int]:
    """Yield the lines of strings that explain the assignment above them."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef):
            for above, below in pairwise(node.body):
                match above, below:
                    case ast.Assign() | ast.AnnAssign(), ast.Expr(value=ast.Constant(value=str())):
                        yield below.lineno


def faults(source: str) -> list[str | int]:
    return [*(text for text in texts(source) if BEGINNINGS.match(text)), *strings_below_fields(source)]


@pytest.mark.parametrize("room", ["app", "benchmarks", "clients", "scripts", "tests"])
def test_sentences_have_a_subject_or_a_verb_and_fields_have_comments(room: str) -> None:
    found = {
        str(path.relative_to(ROOT)): faults(path.read_text("utf-8")) for path in (ROOT / room).rglob("*.py")
    }

    assert found
    assert {path: wrong for path, wrong in found.items() if wrong} == {}


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('"""Whether it is new."""', ["Whether it is new."]),
        ("def f():\n    '''Of the newest.'''", ["Of the newest."]),
        ("\n#: By owner.\nX = 1", ["By owner."]),
        ('X = 1\n"""One."""', [2]),
        ('"""Offers a door."""\n#: One.\nX = 1', []),
    ],
)
def test_what_breaks_the_style_is_found(source: str, found: list[str | int]) -> None:
    assert faults(source) == found

"""Docstrings, the comments of fields and the pages keep the house style that CONTRIBUTING.md states."""

import ast
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from tests.infrastructure.test_documents import PAGES, ROOT, rows

#: Words that begin no sentence with a subject and a verb, as "Of the newest revision." does not.
BEGINNINGS = re.compile(r"(Of|That|Those|Until|Whether|So|As|By|Here)\b")
#: Finds "is no" before a noun, for which English has "is not a". "There is no number" is English.
NEGATION = re.compile(r"(?<!here )\b(?:is|are|was|were) no (?!longer\b|more\b|such\b|faster\b)\w+")
#: A thought of more words is a paragraph.
CELL_WORDS = 30


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


def negations(text: str) -> list[str]:
    return NEGATION.findall(" ".join(text.split()))


def long_cells(page: str) -> list[str]:
    return [cell for row in rows(page) for cell in row if len(cell.split()) > CELL_WORDS]


def faults(source: str) -> list[str | int]:
    return [
        *(text for text in texts(source) if BEGINNINGS.match(text)),
        *(fault for text in texts(source) for fault in negations(text)),
        *strings_below_fields(source),
    ]


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
        ('"""A text, which\nis no number."""', ["is no number"]),
        ('"""There is no number any more, and it is no longer one."""', []),
        ('"""Offers a door."""\n#: One.\nX = 1', []),
    ],
)
def test_what_breaks_the_style_is_found(source: str, found: list[str | int]) -> None:
    assert faults(source) == found


@pytest.mark.parametrize("page", [*PAGES, ROOT / "SECURITY.md"], ids=lambda page: page.name)
def test_cells_hold_words_and_sentences_negate_as_english_does(page: Path) -> None:
    text = page.read_text("utf-8")

    assert long_cells(text) == []
    assert negations(text) == []


def test_a_paragraph_in_a_cell_is_found() -> None:
    sentence = "word " * (CELL_WORDS + 1)

    assert long_cells(f"| a | b |\n|---|---|\n| short | {sentence}|\n") == [sentence.strip()]

"""The pages name tests that exist, and docs/testing.md every test that draws a share of its cases."""

import re
from pathlib import Path

import pytest

from tests.infrastructure.test_documents import PAGES, ROOT, section
from tests.infrastructure.test_security_page import TEST, missing

PAGE = (ROOT / "docs" / "testing.md").read_text()
FILE_OR_TEST = re.compile(r"`(tests/[\w/]+\.py(?:::\w+)*)`")
DRAWS = re.compile(r"\bshare\.of\(")


@pytest.mark.parametrize("page", [*PAGES, ROOT / "SECURITY.md"], ids=lambda page: page.name)
def test_every_test_that_a_page_names_exists(page: Path) -> None:
    """Files that are gone stand without their folder, in the table of what holds what."""
    text, functions = page.read_text(), "".join(path.read_text() for path in ROOT.glob("tests/**/test_*.py"))

    assert sorted({named for named in FILE_OR_TEST.findall(text) if missing(named)}) == []
    assert [
        name for name in re.findall(r"`(?:\w+::)*(test_\w+)`", text) if f"def {name}(" not in functions
    ] == []


def test_every_test_that_draws_a_share_is_in_the_table_and_in_make_exhaustive() -> None:
    [listed] = re.findall(r"^EXHAUSTIVE := ((?:.*\\\n)*.*)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    table = section(PAGE, "Tests that draw a share").partition("\n\n`tests/")[0]
    drawing = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "tests").rglob("test_*.py")
        if DRAWS.search(path.read_text())
    }

    assert set(listed.replace("\\\n", " ").split()) == drawing
    assert set(TEST.findall(table)) == drawing

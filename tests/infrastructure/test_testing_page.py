"""docs/testing.md names tests that exist, and every test that draws a share of its cases."""

import re

from tests.infrastructure.test_documents import ROOT, section
from tests.infrastructure.test_security_page import TEST, missing

PAGE = (ROOT / "docs" / "testing.md").read_text()
DRAWS = re.compile(r"\bshare\.of\(")


def test_every_test_that_it_names_exists() -> None:
    assert sorted({named for named in TEST.findall(PAGE) if missing(named)}) == []


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

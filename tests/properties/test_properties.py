"""No cell of a generated table changes in silence; without the proof, some do."""

import os
from pathlib import Path

import pytest

from app.processors.dataset.forms.form import Form
from tests.properties.comparison import check, first_differences
from tests.properties.tables import written_table

TABLES = int(os.environ.get("TABLES", "2000"))
SEED = int(os.environ.get("SEED", "1"))
TABLES_IN_A_SHARE = 25
#: The number of one table, to look at it again: the other ones are left out.
TABLE = os.environ.get("TABLE")
SHARES = [
    range(first, min(first + TABLES_IN_A_SHARE, TABLES)) for first in range(0, TABLES, TABLES_IN_A_SHARE)
]
if TABLE:
    SHARES = [range(int(TABLE), int(TABLE) + 1)]

pytestmark = pytest.mark.properties


@pytest.mark.parametrize("numbers", SHARES, ids=lambda numbers: f"from {numbers[0]}")
def test_every_cell_can_be_written_again(numbers: range, tmp_path: Path) -> None:
    differences = []
    for number in numbers:
        folder = tmp_path / str(number)
        folder.mkdir()
        differences += check(written_table(SEED, number), folder)

    assert not differences, first_differences(differences)


def test_without_the_proof_cells_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Form, "proof_sql", lambda *_: "true")
    late = (number for number in range(TABLES_IN_A_SHARE * 4) if number % 5 in (0, 2))
    differences = []
    for number in late:
        folder = tmp_path / str(number)
        folder.mkdir()
        differences += check(written_table(1, number), folder)

    assert differences

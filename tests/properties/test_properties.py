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
SHARES = range(0, TABLES, TABLES_IN_A_SHARE)

pytestmark = pytest.mark.properties


@pytest.mark.parametrize("first", SHARES)
def test_every_cell_can_be_written_again(first: int, tmp_path: Path) -> None:
    differences = []
    for number in range(first, min(first + TABLES_IN_A_SHARE, TABLES)):
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

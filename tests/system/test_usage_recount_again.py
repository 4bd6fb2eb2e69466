"""The second 5,000 of 10,000 operations; in two files, so that they run side by side."""

from pathlib import Path

from tests.conftest import Measured
from tests.system.recount import check_the_counters


def test_the_counters_equal_a_recount_after_lost_replies_and_repeated_records(
    tmp_path: Path, measured: Measured
) -> None:
    check_the_counters(tmp_path, measured, operations=5_000, seed=2)

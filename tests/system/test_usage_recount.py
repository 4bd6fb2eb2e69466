"""The counters say what a recount of the table finds, whatever went wrong on the way."""

from pathlib import Path

import pytest

from tests.conftest import Measured
from tests.shares import Share
from tests.system.recount import EVERYTHING, LARGEST, LIST_SHARDS, OWNERS, TROUBLES, operate

LIVES = range(1, 9)
OPERATIONS = 1_200


@pytest.mark.long
def test_the_counters_equal_a_recount_after_lost_replies_and_repeated_records(
    tmp_path: Path, measured: Measured, share: Share
) -> None:
    for seed in share.of(LIVES, 1):
        outcome = operate(tmp_path / str(seed), operations=OPERATIONS, seed=seed)

        assert outcome.counted == outcome.recounted
        # There was something to count, in every way of going wrong.
        assert set(outcome.counted) == set(OWNERS)
        assert all(usage.objects > 10 and usage.bytes > LARGEST for usage in outcome.counted.values())
        assert outcome.counters == len(OWNERS) * LIST_SHARDS
        assert set(outcome.crowd.done) == EVERYTHING
        assert set(outcome.crowd.troubles) == set(TROUBLES)
        assert set(outcome.relay.troubles) == {*TROUBLES, "conflicts"}
        assert outcome.relay.repeated > OPERATIONS / 10
        measured(f"usage recounted, seed {seed}: {outcome}")

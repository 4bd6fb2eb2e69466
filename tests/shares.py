"""A share of the cases of a long test, drawn by a seed that the run prints at its end.

make test SEED=7    the share that seed 7 draws; without it, each run draws another one
make exhaustive     every case
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random, randrange
from typing import TypeVar

SEED, CASES = "SEED", "CASES"

T = TypeVar("T")


def choose_seed() -> str:
    """Return the seed of this run. The workers of the run inherit it by the environment."""
    return os.environ.setdefault(SEED, str(randrange(1_000_000)))


@dataclass(frozen=True, slots=True)
class Share:
    """Draws by the run's seed and the test's id, so the order of the tests does not matter."""

    test: str

    @property
    def seed(self) -> int:
        """The run's seed, for tests that draw their cases themselves."""
        return int(choose_seed())

    def of(self, cases: Sequence[T], number: int) -> Sequence[T]:
        """Return that number of the cases; with CASES=all, every case."""
        if os.environ.get(CASES) == "all":
            return cases
        return Random(f"{self.seed} {self.test}").sample(cases, number)

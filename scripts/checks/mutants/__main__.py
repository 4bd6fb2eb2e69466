"""Take away one control after the other, and demand that the tests named for it fail."""

import argparse
import os
import random
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from queue import SimpleQueue

from scripts.checks.mutants import (
    background,
    calls,
    clients,
    deployed,
    doors,
    links,
    locks,
    pages,
    parts,
    reports,
    sandbox,
    service,
    telling,
    webhooks,
)
from scripts.checks.mutants.row import Row
from scripts.checks.mutants.trial import Outcome, copy_of, failing, try_row

ROOT = Path(__file__).parents[3]
MOST_WORKERS = 4
ROWS = (
    *(*doors.ROWS, *service.ROWS, *links.ROWS, *parts.ROWS, *reports.ROWS, *pages.ROWS),
    *(*sandbox.ROWS, *locks.ROWS, *webhooks.ROWS, *clients.ROWS, *calls.ROWS),
    *(*telling.ROWS, *background.ROWS, *deployed.ROWS),
)


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    rows = chosen(options.draw, options.seed, options.find)
    tried = [row for row in rows if os.geteuid() == 0 or not row.needs_root]
    if not tried:
        print("No row is to be tried.", file=sys.stderr)
        return 1
    with ExitStack() as stack:
        copies = [stack.enter_context(copy_of(ROOT)) for _ in range(min(options.workers, len(tried)))]
        if told := failing(copies[0], tried, workers=len(copies)):
            print(f"Tests fail with all controls in place:\n{told}", file=sys.stderr)
            return 1
        outcomes = list(outcomes_of(copies, tried))
    noticed = outcomes.count(Outcome.KILLED)
    print(f"{noticed} of {len(tried)} noticed, {len(rows) - len(tried)} need root and were not tried.")
    return 0 if noticed == len(tried) else 1


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m scripts.checks.mutants", description=__doc__)
    parser.add_argument("--draw", type=int, default=0, help="try this many of the rows whose tests are quick")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="draws the rows")  # noqa: S311  # of tests
    parser.add_argument("--find", default="", help="try the rows whose control or file has this in it")
    parser.add_argument(
        "--workers",
        type=int,
        default=min(os.cpu_count() or 1, MOST_WORKERS),
        help="try this many rows at once, each in a copy of its own",
    )
    return parser.parse_args(arguments)


def chosen(draw: int, seed: int, find: str) -> list[Row]:
    """Return the rows to try; if some are drawn, say by which seed."""
    rows = [row for row in ROWS if find in row.control or find in row.file]
    if not draw:
        return rows
    print(f"{draw} of {len(rows)} controls, drawn by --seed {seed}")
    quick = [row for row in rows if row.is_quick]
    return random.Random(seed).sample(quick, min(draw, len(quick)))  # noqa: S311  # of tests


def outcomes_of(copies: Sequence[Path], rows: Sequence[Row]) -> Iterator[Outcome]:
    """Try as many rows at once as there are copies, and tell of each in the order of the rows."""
    free: SimpleQueue[Path] = SimpleQueue()
    for copy in copies:
        free.put(copy)

    def timed(row: Row) -> tuple[Outcome, float]:
        began = time.monotonic()
        copy = free.get()
        try:
            return try_row(copy, row), time.monotonic() - began
        finally:
            free.put(copy)

    with ThreadPoolExecutor(len(copies)) as pool:
        for row, (outcome, seconds) in zip(rows, pool.map(timed, rows), strict=True):
            print(f"{outcome:12}{seconds:6.1f} s  {row.file}: {row.control}", flush=True)
            yield outcome


if __name__ == "__main__":
    sys.exit(main())

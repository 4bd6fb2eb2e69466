"""Run every benchmark, one after another."""

import sys

from benchmarks import (
    documents,
    door,
    fairness,
    lists,
    memory,
    peers,
    pictures,
    pipeline,
    proof,
    relay,
    sandbox,
    tables,
    waiters,
    wide,
)

if __name__ == "__main__":
    for benchmark in (
        sandbox,
        pipeline,
        pictures,
        proof,
        peers,
        documents,
        tables,
        wide,
        memory,
        relay,
        lists,
        door,
        waiters,
        fairness,
    ):
        benchmark.main(sys.argv[1:])

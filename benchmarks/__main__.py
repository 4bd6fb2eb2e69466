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
    way,
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
        way,
        fairness,
    ):
        benchmark.main(sys.argv[1:])

"""Run every benchmark, one after another."""

import sys

from benchmarks import memory, pipeline, proof, relay, sandbox, tables

if __name__ == "__main__":
    for benchmark in (sandbox, pipeline, proof, tables, memory, relay):
        benchmark.main(sys.argv[1:])

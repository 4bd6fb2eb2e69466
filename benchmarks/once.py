"""Process one file in this process: `python -m benchmarks.once <module> <source> <output>`.

Prints `[CPU seconds, seconds, peak bytes]`; imports are not counted in the times. Programs that it
runs count as well; the peak is that of the largest process.
"""

import importlib
import json
import resource
import sys
import time
from pathlib import Path

from benchmarks.peak import peak_bytes

OWN, PROGRAMS = resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN


def cpu_seconds() -> float:
    return sum(used.ru_utime + used.ru_stime for used in map(resource.getrusage, (OWN, PROGRAMS)))


if __name__ == "__main__":
    library = importlib.import_module(sys.argv[1])
    source, output = map(Path, sys.argv[2:])
    used, began = cpu_seconds(), time.perf_counter()
    library.run(source, output)
    seconds = time.perf_counter() - began
    peak = max(peak_bytes(), resource.getrusage(PROGRAMS).ru_maxrss * 1024)
    print(json.dumps([cpu_seconds() - used, seconds, peak]))

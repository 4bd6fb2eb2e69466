"""Process one file in this process: `python -m benchmarks.once <module> <source> <output>`.

Prints `[CPU seconds, seconds, peak bytes]`; imports are not counted in the times.
"""

import importlib
import json
import os
import sys
import time
from pathlib import Path

from benchmarks.peak import peak_bytes

if __name__ == "__main__":
    library = importlib.import_module(sys.argv[1])
    source, output = map(Path, sys.argv[2:])
    used, began = sum(os.times()[:2]), time.perf_counter()
    library.run(source, output)
    seconds = time.perf_counter() - began
    print(json.dumps([sum(os.times()[:2]) - used, seconds, peak_bytes()]))

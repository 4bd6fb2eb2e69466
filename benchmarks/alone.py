"""Runs bare library calls in this process, for whoever asks over the standard input.

python -m benchmarks.alone <module>: a line `[source, output]` in, `[seconds, peak bytes]` out.
"""

import importlib
import json
import sys
import time
from pathlib import Path

from benchmarks.measuring import peak_bytes

if __name__ == "__main__":
    library = importlib.import_module(sys.argv[1])
    for line in sys.stdin:
        source, output = map(Path, json.loads(line))
        began = time.perf_counter()
        library.run(source, output)
        print(json.dumps([time.perf_counter() - began, peak_bytes()]), flush=True)

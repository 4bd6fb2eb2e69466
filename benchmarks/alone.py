"""Run bare library calls in this process, one for each line of standard input.

python -m benchmarks.alone <module>: reads lines `[source, output]`, writes lines `[seconds, peak bytes]`.
"""

import importlib
import json
import sys
import time
from pathlib import Path

from benchmarks.peak import peak_bytes

if __name__ == "__main__":
    library = importlib.import_module(sys.argv[1])
    for line in sys.stdin:
        source, output = map(Path, json.loads(line))
        began = time.perf_counter()
        library.run(source, output)
        print(json.dumps([time.perf_counter() - began, peak_bytes()]), flush=True)

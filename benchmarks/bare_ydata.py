"""Profile a table with ydata-profiling in its minimal mode, which is meant for large tables."""

import os
from pathlib import Path

from ydata_profiling import ProfileReport

from benchmarks.bare_pandas import read

# Each report would otherwise be told to the authors, over the network.
os.environ["YDATA_PROFILING_NO_ANALYTICS"] = "1"


def run(source: Path, output: Path) -> None:
    report = ProfileReport(read(source), minimal=True, progress_bar=False)
    report.to_file(output / "profile.json", silent=True)

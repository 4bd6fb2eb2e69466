"""Read and describe a CSV with pandas."""

from pathlib import Path

import pandas as pd


def run(source: Path, output: Path) -> None:
    described = pd.read_csv(source).describe(include="all")
    described.to_json(output / "profile.json")

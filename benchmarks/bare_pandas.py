"""Read and describe a table with pandas."""

from pathlib import Path

import pandas as pd


def run(source: Path, output: Path) -> None:
    match source.suffix:
        case ".csv":
            table = pd.read_csv(source)
        case ".json":
            table = pd.read_json(source, lines=True)
        case _:
            table = pd.read_parquet(source)
    table.describe(include="all").to_json(output / "profile.json")

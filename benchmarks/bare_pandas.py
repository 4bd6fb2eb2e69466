"""Read and describe a table with pandas."""

from pathlib import Path

import pandas as pd


def run(source: Path, output: Path) -> None:
    read(source).describe(include="all").to_json(output / "profile.json")


def read(source: Path) -> pd.DataFrame:
    match source.suffix:
        case ".csv":
            return pd.read_csv(source)
        case ".json":
            return pd.read_json(source, lines=True)
        case _:
            return pd.read_parquet(source)

"""Process a table with Polars, as one would by hand: to Parquet, a summary, the first rows.

It checks nothing, and makes neither top values nor histograms.
"""

from pathlib import Path

import polars as pl


def run(source: Path, output: Path) -> None:
    match source.suffix:
        case ".csv":
            table = pl.read_csv(source, try_parse_dates=True)
        case ".json":
            table = pl.read_ndjson(source)
        case _:
            table = pl.read_parquet(source)
    table.write_parquet(output / "data.parquet", compression="zstd")
    table.describe()
    table.head(100).write_json(output / "preview.json")

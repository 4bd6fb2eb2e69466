"""A table by DuckDB alone, as one would by hand: to Parquet, summarised, its first rows.

Nothing is checked (the row count, the encoding, what the sniffer made of the file),
and there are neither top values nor histograms.
"""

from pathlib import Path

import duckdb

READERS = {".csv": "read_csv", ".json": "read_json"}


def run(source: Path, output: Path) -> None:
    table = output / "data.parquet"
    with duckdb.connect(config={"threads": 2}) as connection:
        read = f"{READERS[source.suffix]}('{source}')"
        connection.execute(f"COPY (FROM {read}) TO '{table}' (FORMAT parquet, COMPRESSION zstd)")
        connection.execute(f"SUMMARIZE FROM '{table}'").fetchall()
        connection.execute(f"FROM '{table}' LIMIT 100").fetchall()

"""Process a table with DuckDB alone, as one would by hand: to Parquet, a summary, the first rows.

It checks nothing: not the row count, the encoding or the sniffer's guesses. It makes
neither top values nor histograms. `bare_duckdb_proved` does.
"""

from pathlib import Path

import duckdb

READERS = {".csv": "read_csv", ".json": "read_json", ".parquet": "read_parquet"}


def run(source: Path, output: Path) -> None:
    table = output / "data.parquet"
    with duckdb.connect(config={"threads": 2}) as connection:
        read = f"{READERS[source.suffix]}('{source}')"
        connection.execute(f"COPY (FROM {read}) TO '{table}' (FORMAT parquet, COMPRESSION zstd)")
        connection.execute(f"SUMMARIZE FROM '{table}'").fetchall()
        connection.execute(f"FROM '{table}' LIMIT 100").fetchall()

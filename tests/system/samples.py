"""A data set with known content, in every format that the dataset kind takes."""

import csv
import gzip
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

ROWS = 120_000
COLUMNS = ("trip", "city", "distance_km", "paid", "day")
CITIES = ("Tromsø", "Porto", "Gdańsk", 'St. "Andrews", Fife', "Łódź\nCentrum")


@dataclass(frozen=True, slots=True)
class Sample:
    name: str
    media_type: str
    make: Callable[[], bytes]


def rows() -> Iterator[tuple[int, str, float, bool, str]]:
    for number in range(ROWS):
        day = f"2026-{number % 12 + 1:02}-{number % 28 + 1:02}"
        yield number, CITIES[number % 5], number % 1000 / 8, number % 3 == 0, day


def as_csv() -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(rows())
    return text.getvalue().encode()


def as_tsv() -> bytes:
    """Write cells as they are: TSV has neither quotes nor line breaks within a cell."""
    lines = ("\t".join(map(str, row)).replace("\n", " ") for row in (COLUMNS, *rows()))
    return "\n".join(lines).encode()


def as_ndjson() -> bytes:
    lines = (json.dumps(dict(zip(COLUMNS, row, strict=True)), ensure_ascii=False) for row in rows())
    return "\n".join(lines).encode()


def as_parquet() -> bytes:
    with TemporaryDirectory() as folder:
        source, target = Path(folder, "trips.csv"), Path(folder, "trips.parquet")
        source.write_bytes(as_csv())
        with duckdb.connect() as connection:
            connection.execute(f"COPY (FROM read_csv('{source}')) TO '{target}' (FORMAT parquet)")
        return target.read_bytes()


def as_gzipped_csv() -> bytes:
    return gzip.compress(as_csv(), compresslevel=1)


SAMPLES = (
    Sample("trips.csv", "text/csv", as_csv),
    Sample("trips.tsv", "text/tab-separated-values", as_tsv),
    Sample("trips.ndjson", "application/x-ndjson", as_ndjson),
    Sample("trips.parquet", "application/vnd.apache.parquet", as_parquet),
    Sample("trips.csv.gz", "text/csv", as_gzipped_csv),
)

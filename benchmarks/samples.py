"""Make the files that are measured. Formulas make them, so they are the same on every machine."""

import random
import time
from dataclasses import dataclass
from pathlib import Path

import duckdb
from PIL import Image

KB, MB = 1000, 1000**2
#: Approximate size of a row of `csv_file`.
ROW_BYTES = 95
NUMBERS_ROW_BYTES = 69
CSV, NDJSON, PDF = "text/csv", "application/x-ndjson", "application/pdf"
PARQUET = "application/vnd.apache.parquet"
MANY_ROWS = 10_000_000

# The row number times a prime, modulo another number, gives values that look random and repeat on each run.
ORDERS = """
    SELECT i AS id,
        DATE '2020-01-01' + CAST(i * 7919 % 1500 AS INTEGER) AS day,
        TIMESTAMP '2021-01-01' + INTERVAL (i * 104729 % 31536000) SECOND AS paid_at,
        round((i * 48271 % 1000003) / 97.0, 2) AS price,
        CASE WHEN i % 17 > 0 THEN i * 31 % 500 END AS quantity,
        i % 3 = 0 AS express,
        ['Oslo', 'Rome', 'Paris, France', 'Lima', 'São Paulo', 'Quito'][1 + i * 13 % 6] AS city,
        'customer-' || (i * 69621 % 9973) AS customer,
        CASE WHEN i % 11 = 0 THEN 'said "no", then left' ELSE 'order ' || (i * 16807 % 2147483647) END AS note
    FROM range({rows}) AS t(i)
"""
NUMBERS = """
    SELECT i * 48271 % 1000000007 AS whole,
        (i * 16807 % 2147483647) / 2147483647 AS share,
        round((i * 69621 % 2000003) / 1e6 - 1, 6) AS change,
        i * 31 % 100 AS percent,
        round((i * 7919 % 100003) / 97, 2) AS price,
        (i * 104729 % 1000000007) / 997 - 500000 AS level
    FROM range({rows}) AS t(i)
"""
READINGS = """
    SELECT i AS id, i * 7919 % 1000 / 10 AS value, 'sensor-' || (i * 13 % 50) AS sensor
    FROM range({rows}) AS t(i)
"""


#: A column of each usual type, which wide tables repeat.
MIXED = (
    "(i * 48271 + {n} * 7919) % 1000003",
    "'item-' || ((i * 69621 + {n} * 31) % 997)",
    "round(((i * 48271 + {n} * 97) % 1000003) / 97.0, 2)",
    "DATE '2020-01-01' + CAST((i * 7919 + {n}) % 1500 AS INTEGER)",
    "(i + {n}) % 3 = 0",
)


@dataclass(frozen=True, slots=True)
class Sample:
    name: str
    path: Path
    media_type: str

    @property
    def size(self) -> int:
        return self.path.stat().st_size


def csv_file(folder: Path, size: int) -> Sample:
    """Make a CSV of about `size` bytes: nine columns of all usual types, with some quoted cells."""
    return _table(folder, f"CSV, {_size_text(size)}", CSV, ORDERS, size // ROW_BYTES, "csv")


def numbers_csv(folder: Path, size: int) -> Sample:
    """Make a CSV of about `size` bytes: six columns of numbers, two of them with 16 or 17 digits."""
    name = f"CSV, numbers, {_size_text(size)}"
    return _table(folder, name, CSV, NUMBERS, size // NUMBERS_ROW_BYTES, "csv")


def narrow_csv(folder: Path, rows: int) -> Sample:
    return _table(folder, f"CSV, {rows:,} rows", CSV, READINGS, rows, "csv")


def mixed_csv(folder: Path, rows: int, columns: int) -> Sample:
    """Make a CSV whose columns take turns in type."""
    selected = ", ".join(f"{MIXED[n % len(MIXED)].format(n=n)} AS column_{n}" for n in range(columns))
    name = f"CSV, {rows:,} × {columns:,}"
    return _table(folder, name, CSV, f"SELECT {selected} FROM range({{rows}}) AS t(i)", rows, "csv")


def parquet_file(folder: Path, rows: int) -> Sample:
    return _table(folder, f"Parquet, {rows:,} rows", PARQUET, ORDERS, rows, "parquet")


def ndjson_file(folder: Path, size: int) -> Sample:
    return _table(folder, f"NDJSON, {_size_text(size)}", NDJSON, ORDERS, size // (2 * ROW_BYTES), "json")


def _table(folder: Path, name: str, media_type: str, query: str, rows: int, form: str) -> Sample:
    path = folder / f"{rows}.{form}"
    duckdb.execute("SET enable_progress_bar = false")
    duckdb.execute(f"COPY ({query.format(rows=rows)}) TO '{path}' (FORMAT {form})")
    return Sample(name, path, media_type)


def picture(folder: Path, width: int, height: int, form: str) -> Sample:
    """Make a picture of soft spots in random colours, between a plain drawing and noise."""
    path = folder / f"{width}.{form}"
    _spots(width, height).save(path)
    return Sample(f"{form.upper()}, {width} × {height}", path, f"image/{form}")


def _spots(width: int, height: int) -> Image.Image:
    size = (width // 8, height // 8)
    colours = random.Random(1).randbytes(3 * size[0] * size[1])  # noqa: S311  # not a secret
    return Image.frombytes("RGB", size, colours).resize((width, height), Image.Resampling.BICUBIC)


def pdf_file(folder: Path, pages: int) -> Sample:
    """Make a PDF with forty lines of text on each page."""
    path = folder / f"{pages}.pdf"
    path.write_bytes(_pdf([_page(number) for number in range(pages)]))
    return Sample(f"PDF, {_pages_text(pages, 'page')}", path, PDF)


def scanned_pdf(folder: Path, pages: int) -> Sample:
    """Make a PDF whose pages are pictures of 150 dots per inch, as JPEG, without text."""
    path = folder / f"{pages}-scanned.pdf"
    page, day = _spots(1240, 1754), time.gmtime(0)
    others = [page] * (pages - 1)
    page.save(path, save_all=True, append_images=others, resolution=150, creationDate=day, modDate=day)
    return Sample(f"PDF, {_pages_text(pages, 'scanned page')}", path, PDF)


def _pages_text(pages: int, name: str) -> str:
    return f"{pages} {name}" if pages == 1 else f"{pages:,} {name}s"


def _page(number: int) -> bytes:
    lines = (
        f"(Page {number}, line {line}: the quick brown fox counts {number * line}) '" for line in range(40)
    )
    return f"BT /F1 11 Tf 14 TL 60 800 Td {' '.join(lines)} ET".encode()


def _pdf(pages: list[bytes]) -> bytes:
    """Return a PDF: objects 1 to 3 are the catalogue, the page tree and the font; each page is two more."""
    kids = " ".join(f"{4 + 2 * place} 0 R" for place in range(len(pages)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Count {len(pages)} /Kids [{kids}] >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for place, content in enumerate(pages):
        objects += [
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R"
            b" /Resources << /Font << /F1 3 0 R >> >> >>" % (5 + 2 * place),
            b"<< /Length %d >>\nstream\n%b\nendstream" % (len(content), content),
        ]
    body, offsets = b"%PDF-1.7\n", []
    for number, each in enumerate(objects, start=1):
        offsets.append(len(body))
        body += b"%d 0 obj\n%b\nendobj\n" % (number, each)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    size = len(objects) + 1
    start = b"xref\n0 %d\n0000000000 65535 f \n%btrailer\n<< /Size %d /Root 1 0 R >>" % (size, table, size)
    return body + start + b"\nstartxref\n%d\n%%%%EOF\n" % len(body)


def _size_text(size: int) -> str:
    return f"{size // MB} MB" if size >= MB else f"{size // KB} KB"

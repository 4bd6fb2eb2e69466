"""Payloads made to harm, through the running stack: each is rejected for what it is, and harms no other.

The lease is short, so that what would run for ever is ended soon.
"""

import gzip
import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pytest

from tests.system.client import Client
from tests.system.conftest import Runtime, started

pytestmark = pytest.mark.long

LEASE_SECONDS = 10
MEBIBYTE = 1024 * 1024
COLUMNS = 10_000_000
ROWS = 100_000


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runtime]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEASE_SECONDS", str(LEASE_SECONDS))
        with started(tmp_path_factory.mktemp("bombs")) as runtime:
            yield runtime


def decompression_bomb() -> bytes:
    """A sound PNG of 1,600,000,000 black pixels in 200 kB."""
    edge = 40_000
    packer = zlib.compressobj(9)
    row = bytes(1 + edge // 8)
    pixels = b"".join(packer.compress(row) for _ in range(edge)) + packer.flush()
    header = struct.pack(">LLBBBBB", edge, edge, 1, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", pixels), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*chunk) for chunk in chunks)


def png_chunk(name: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(name + content)
    return struct.pack(">L", len(content)) + name + content + struct.pack(">L", checksum)


def gzip_bomb() -> bytes:
    """16 GiB of CSV in 16 MB: gzip data may follow gzip data."""
    return gzip.compress(b"1,2\n" * (4 * MEBIBYTE), mtime=0) * 1024


def header_of_many_columns() -> bytes:
    return b"a," * COLUMNS + b"a\n1\n"


def row_of_many_columns() -> bytes:
    return b"a,b\n1,2\n" + b"," * COLUMNS + b"\n"


def zip_archive() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("trips.csv", "a,b\n1,2\n")
    return packed.getvalue()


def endless_pdf() -> bytes:
    """A page filled with a pattern that is repeated 10^12 times."""
    page = b"/Type /Page /Parent 2 0 R /MediaBox [0 0 999 999] /Resources << /Pattern << /P 5 0 R >> >>"
    pattern = b"/PatternType 1 /PaintType 1 /TilingType 1 /BBox [0 0 1 1] /XStep 0.001 /YStep 0.001"
    return pdf(
        b"<< %b /Contents 4 0 R >>" % page,
        stream(b"", b"/Pattern cs /P scn 0 0 999 999 re f"),
        stream(b"/Type /Pattern %b /Resources << >>" % pattern, b"1 0 0 rg 0 0 m 1 1 l 1 0 l f"),
    )


def pdf_for_all_memory() -> bytes:
    """Two kilobytes that unpack to a gibibyte, and again: PDFium aborts when memory runs out."""
    packer = zlib.compressobj(9)
    once = b"".join(packer.compress(bytes(MEBIBYTE)) for _ in range(1024)) + packer.flush()
    return pdf(
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 99 99] /Contents 4 0 R >>",
        stream(b"/Filter [/FlateDecode /FlateDecode]", zlib.compress(once, 9)),
    )


def pdf(*objects: bytes) -> bytes:
    """Return a PDF of these objects, from the third on; the third is the only page.

    Readers find objects without a table.
    """
    catalogue = b"<< /Type /Catalog /Pages 2 0 R >>"
    numbered = enumerate((catalogue, b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>", *objects), start=1)
    body = b"".join(b"%d 0 obj\n%b\nendobj\n" % (number, content) for number, content in numbered)
    return b"%PDF-1.7\n" + body + b"trailer\n<< /Root 1 0 R >>\n%%EOF\n"


def stream(entries: bytes, content: bytes) -> bytes:
    return b"<< %b /Length %d >>\nstream\n%b\nendstream" % (entries, len(content), content)


def parquet() -> tuple[bytes, bytes]:
    """The file up to its footer, and the footer."""
    with TemporaryDirectory() as folder, duckdb.connect() as connection:
        path = Path(folder, "trips.parquet")
        connection.execute(f"COPY (SELECT range AS a FROM range({ROWS})) TO '{path}' (FORMAT parquet)")
        content = path.read_bytes()
    (length,) = struct.unpack("<L", content[-8:-4])
    return content[: -8 - length], content[-8 - length : -8]


def footer_of_a_false_length() -> bytes:
    body, footer = parquet()
    return body + footer + struct.pack("<L", 2**32 - 1) + b"PAR1"


def footer_with_too_many_rows() -> bytes:
    body, footer = parquet()
    lying = footer.replace(varint(ROWS), varint(2 * ROWS))
    assert lying != footer
    return body + lying + struct.pack("<L", len(lying)) + b"PAR1"


def varint(number: int) -> bytes:
    """Write a number as Thrift's compact protocol does: zigzag, seven bits to a byte."""
    number, written = number << 1, b""
    while number >= 128:
        written += bytes([number & 127 | 128])
        number >>= 7
    return written + bytes([number])


CSV, PARQUET, PDF = "text/csv", "application/vnd.apache.parquet", "application/pdf"


@pytest.mark.parametrize(
    ("make", "kind", "media_type", "code"),
    [
        (decompression_bomb, "image", "image/png", "limit_exceeded"),
        (gzip_bomb, "dataset", CSV, "limit_exceeded"),
        (header_of_many_columns, "dataset", CSV, "limit_exceeded"),
        (row_of_many_columns, "dataset", CSV, "limit_exceeded"),
        (zip_archive, "dataset", CSV, "media_type_mismatch"),
        (endless_pdf, "document", PDF, "limit_exceeded"),
        (pdf_for_all_memory, "document", PDF, "limit_exceeded"),
        (footer_of_a_false_length, "dataset", PARQUET, "invalid_content"),
        (footer_with_too_many_rows, "dataset", PARQUET, "invalid_content"),
    ],
)
def test_a_bomb_is_rejected_and_the_next_object_is_ready(
    runtime: Runtime, make: Callable[[], bytes], kind: str, media_type: str, code: str
) -> None:
    client = Client(runtime.url, {"X-Owner": "bombs"})

    bomb = client.wait_until_settled(client.upload(kind, make.__name__, media_type, make()))
    harmless = client.wait_until_settled(client.upload("dataset", "n.csv", CSV, b"a,b\n1,2\n"))

    assert (bomb["status"], bomb["problem"]["code"]) == ("rejected", code), bomb
    assert client.history(bomb["id"])[:2] == ["object.created", "object.processing"]
    assert harmless["status"] == "ready"
    assert (bomb["version"], harmless["version"]) == (3, 3)
    assert "sandbox.server_lost" not in runtime.output()

"""Pages whose content cannot be unpacked are counted, and a PDF without pages is told so."""

import zlib
from base64 import a85encode

import pytest

from app.processors.document import pdf as document_pdf

from .test_document import ENCRYPTION, HELLO, ProcessDocument, lines, pdf_of, process, refusal, stream

__all__ = ["process"]

FONT = b"/Resources << /Font << /F1 2 0 R >> >>"


def packed(content: bytes, filters: bytes = b"/FlateDecode") -> bytes:
    return stream(content).replace(b"<< ", b"<< /Filter %b " % filters, 1)


def pdf_with(contents: bytes, *streams: bytes) -> bytes:
    """A page with these contents, given as a reference to streams from 5 0 R on, and one that says "two"."""
    return pdf_of(
        [
            b"<< /Type /Catalog /Pages 3 0 R >>",
            b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
            b"<< /Type /Pages /Kids [4 0 R %d 0 R] /Count 2 >>" % (5 + len(streams)),
            b"<< /Type /Page /Parent 3 0 R /MediaBox [0 0 200 100] %b /Contents %b >>" % (FONT, contents),
            *streams,
            b"<< /Type /Page /Parent 3 0 R /MediaBox [0 0 200 100] %b /Contents %d 0 R >>"
            % (FONT, 6 + len(streams)),
            stream(lines(b"two")),
        ]
    )


ONE = lines(b"one")
LONG = lines(*(b"line %d of many" % number for number in range(400)))
WHOLE = zlib.compress(ONE)
BROKEN = zlib.compress(LONG)[:300] + b"\xff" * 300


@pytest.mark.parametrize(
    ("contents", "streams"),
    [
        (b"5 0 R", [packed(b"garbage")]),
        (b"5 0 R", [packed(BROKEN)]),
        (b"5 0 R", [packed(zlib.compress(LONG)[:300])]),
        (b"[5 0 R 6 0 R]", [packed(WHOLE), packed(b"garbage")]),
        (b"7 0 R", [packed(WHOLE), packed(b"garbage"), b"[5 0 R 6 0 R]"]),
        (b"5 0 R", [packed(a85encode(b"garbage") + b"~>", b"[/ASCII85Decode /FlateDecode]")]),
        (b"5 0 R", [packed(b"\xfe\xff~>", b"/ASCII85Decode")]),
        (b"5 0 R", [packed(b"xyz>", b"/ASCIIHexDecode")]),
        (b"5 0 R", [packed(ONE, b"/Unheard_Of")]),
    ],
    ids=["nothing", "half", "cut off", "second", "list", "coded", "base 85", "hexadecimal", "unknown filter"],
)
def test_a_page_whose_content_cannot_be_unpacked_counts_as_unreadable(
    process: ProcessDocument, contents: bytes, streams: list[bytes]
) -> None:
    result = process(pdf_with(contents, *streams))

    assert result.summary["unreadable_pages"] == 1
    assert result.text.endswith("two\n\f\n")


@pytest.mark.parametrize(
    "content",
    [
        packed(WHOLE),
        packed(WHOLE[:-4]),
        packed(WHOLE[:-4] + b"abcd"),
        packed(WHOLE, b"[/FlateDecode]"),
        packed(WHOLE, b"/Fl"),
        packed(a85encode(WHOLE) + b"~>", b"[/ASCII85Decode /FlateDecode]"),
        packed(b"<~" + a85encode(ONE) + b"~>", b"/A85"),
        packed(ONE.hex().encode() + b">", b"/AHx"),
        packed(b"", b"/FlateDecode"),
        packed(zlib.compress(b"")),
        stream(ONE),
        stream(b""),
    ],
)
def test_a_page_that_can_be_unpacked_or_is_blank_is_readable(
    process: ProcessDocument, content: bytes
) -> None:
    assert "unreadable_pages" not in process(pdf_with(b"5 0 R", content)).summary


def test_of_a_large_file_only_pages_without_content_are_judged(
    process: ProcessDocument, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(document_pdf, "MOST_COPIED_BYTES", 0)

    assert process(pdf_with(b"5 0 R", packed(b"garbage"))).summary["unreadable_pages"] == 1
    assert "unreadable_pages" not in process(pdf_with(b"5 0 R", packed(BROKEN))).summary


def test_a_pdf_without_pages_is_told_so(process: ProcessDocument) -> None:
    empty = pdf_of([b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [] /Count 0 >>"])
    detail = "The PDF has no pages, or they cannot be found."

    assert refusal(process, empty).detail == detail
    refusal(process, HELLO.replace(b"/Root 1 0 R ", b"/Root 1 0 R " + ENCRYPTION))
    assert refusal(process, empty).detail == detail

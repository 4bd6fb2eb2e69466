"""Pages whose content cannot be unpacked are counted, and a PDF without pages is told so."""

import zlib
from base64 import a85encode
from io import BytesIO

import pytest
from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

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


def by_lzw(content: bytes) -> bytes:
    """Return the content as libtiff packs it, whose LZW is that of PDF."""
    file = BytesIO()
    Image.frombytes("L", (len(content), 1), content).save(file, "TIFF", compression="tiff_lzw")
    with Image.open(file) as picture:
        assert isinstance(picture, TiffImageFile)
        [start], [size] = picture.tag_v2[273], picture.tag_v2[279]
    return file.getvalue()[start : start + size]


ONE = lines(b"one")
LONG = lines(*(b"line %d of many" % number for number in range(400)))
WHOLE = zlib.compress(ONE)
LZW, RUNS = by_lzw(LONG), b"".join(b"\x01%b" % LONG[at : at + 2] for at in range(0, 5_000, 2)) + b"\x80"
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
        (b"5 0 R", [packed(b"garbage" * 9, b"/LZWDecode")]),
        (b"5 0 R", [packed(LZW[: len(LZW) // 2], b"/LZWDecode")]),
        (b"5 0 R", [packed(LZW[: len(LZW) // 2] + b"\xff" * 2000, b"/LZW")]),
        (b"5 0 R", [packed(RUNS[:1000], b"/RunLengthDecode")]),
        (b"5 0 R", [packed(RUNS[:1001], b"/RL")]),
        (b"5 0 R", [packed(zlib.compress(LZW[: len(LZW) // 2]), b"[/FlateDecode /LZWDecode]")]),
        (b"5 0 R", [packed(ONE, b"/Unheard_Of")]),
        (b"99 0 R", [stream(ONE)]),
        (b"[5 0 R 99 0 R]", [stream(ONE)]),
        (b"5 0 R", [b"<< /Length 5 >>"]),
        (b"<< /Length 5 >>", []),
        (b"42", []),
    ],
    ids=[
        "nothing",
        "half",
        "cut off",
        "second",
        "list",
        "coded",
        "base 85",
        "hexadecimal",
        "LZW",
        "LZW cut off",
        "LZW broken",
        "runs cut off",
        "a run cut off",
        "LZW within",
        "unknown filter",
        "missing",
        "one missing",
        "a dictionary",
        "a dictionary in its place",
        "a number",
    ],
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
        packed(LZW, b"/LZWDecode"),
        packed(LZW + b"\n", b"/LZW"),
        packed(RUNS, b"/RunLengthDecode"),
        packed(b"\xfea" + RUNS, b"/RL"),
        packed(zlib.compress(LZW), b"[/FlateDecode /LZWDecode]"),
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


@pytest.mark.parametrize("contents", [b"null", b"5 0 R", b"[]"])
def test_a_page_without_contents_is_readable(process: ProcessDocument, contents: bytes) -> None:
    assert "unreadable_pages" not in process(pdf_with(contents, b"null")).summary


MENTION = b"see /Contents 77 0 R"


@pytest.mark.parametrize(
    "content",
    [
        stream(lines(MENTION)),
        stream(ONE + b"% " + MENTION),
        b"% " + MENTION + b"\n" + stream(ONE),
        stream(ONE).replace(b"<< ", b"<< /Note (a \\) (b) " + MENTION + b") ", 1),
    ],
    ids=["shown", "comment of the content", "comment", "string"],
)
def test_contents_that_are_only_mentioned_are_not_lost(process: ProcessDocument, content: bytes) -> None:
    assert "unreadable_pages" not in process(pdf_with(b"5 0 R", content)).summary


def form(content: bytes, resources: bytes = FONT) -> bytes:
    described = b"<< /Type /XObject /Subtype /Form /BBox [0 0 200 100] " + resources + b" "
    return content.replace(b"<< ", described, 1)


def pdf_that_draws(use: bytes, *objects: bytes) -> bytes:
    """A page whose content is `use`, in which /X1 is the first of the objects, 6 0 R."""
    return pdf_of(
        [
            b"<< /Type /Catalog /Pages 3 0 R >>",
            b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
            b"<< /Type /Pages /Kids [4 0 R] /Count 1 >>",
            b"<< /Type /Page /Parent 3 0 R /MediaBox [0 0 200 100] /Contents 5 0 R "
            b"/Resources << /Font << /F1 2 0 R >> /XObject << /X1 6 0 R >> >> >>",
            stream(use),
            *objects,
        ]
    )


DRAW = b"q /X1 Do Q"
OUTER = form(stream(b"/X2 Do"), b"/Resources << /XObject << /X2 7 0 R >> >>")
PICTURE = stream(b"\0").replace(
    b"<< ", b"<< /Subtype /Image /Width 1 /Height 1 /BitsPerComponent 8 /ColorSpace /DeviceGray ", 1
)


@pytest.mark.parametrize(
    "objects",
    [
        [form(packed(b"garbage"))],
        [form(packed(BROKEN))],
        [],
        [b"<< /Subtype /Form >>"],
        [OUTER, form(packed(b"garbage"))],
        [OUTER],
    ],
    ids=["nothing", "half", "missing", "a dictionary", "within another", "missing within another"],
)
def test_a_page_that_draws_what_cannot_be_unpacked_counts_as_unreadable(
    process: ProcessDocument, objects: list[bytes]
) -> None:
    assert process(pdf_that_draws(DRAW, *objects)).summary["unreadable_pages"] == 1


@pytest.mark.parametrize(
    ("use", "objects"),
    [
        (DRAW, [form(stream(ONE))]),
        (DRAW, [form(packed(WHOLE))]),
        (DRAW, [OUTER, form(stream(ONE))]),
        (DRAW, [form(stream(b"/X1 Do"), b"/Resources << /XObject << /X1 6 0 R >> >>")]),
        (DRAW, [PICTURE]),
        (b"q Q", [form(packed(b"garbage"))]),
    ],
    ids=["plain", "packed", "within another", "within itself", "a picture", "not drawn"],
)
def test_a_page_that_draws_what_can_be_unpacked_is_readable(
    process: ProcessDocument, use: bytes, objects: list[bytes]
) -> None:
    assert "unreadable_pages" not in process(pdf_that_draws(use, *objects)).summary


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

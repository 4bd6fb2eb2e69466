"""Reads a PDF with PDFium: its text page by page, title and author, and a picture of its first page.

* annotations   what was filled into a form or noted on a page, as part of the text
* content       whether a page's content can be unpacked; objects reads it

Pages are closed one by one, so memory does not grow with their number. The
limits act between pages; only the sandbox stops a single page that is too slow.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from pypdfium2 import PdfDocument, PdfiumError, PdfPage, PdfTextPage, raw

from app.domain.errors import InvalidPayload, ProblemCode
from app.processors.document.annotations import draw_annotations, not_drawn
from app.processors.document.content import can_be_unpacked, count_lost_contents
from app.processors.document.text import TextFile
from app.processors.image.render import PREVIEW_EDGE, write_webp

#: The text of further pages is not read.
MOST_PAGES = 5_000
MOST_CHARACTERS = 50_000_000
#: Pixels per point (1/72 inch), so that a small page is not enlarged beyond 288 dots per inch.
LARGEST_SCALE = 4.0
ABOUT_CHARACTERS = 300
REFUSALS = {
    raw.FPDF_ERR_PASSWORD: "The PDF is protected by a password.",
    raw.FPDF_ERR_SECURITY: "The PDF is protected in a way that is not supported.",
}
WITHOUT_PAGES = "The PDF has no pages, or they cannot be found."
DAMAGED = "The PDF is damaged or cut off."
#: PDFium writes this for a hyphen at the end of a line, and joins the lines. A text may hold it as well.
HYPHEN = "\x02"
DROPPED = (0x0D, 0xFFFE, 0xFFFF)
#: To judge a page, PDFium copies it with its fonts and pictures. In a larger file only pages without text
#: or pictures are judged.
MOST_COPIED_BYTES = 1024**3
TRIMMED = dict.fromkeys([*range(32), 0x7F], " ") | {0x0A: "\n"} | dict.fromkeys(DROPPED)


def read_pdf(source: Path, text: TextFile, picture: Path) -> dict[str, Any]:
    """Write the text and the picture of the first page; return the rest of the summary.

    Raises InvalidPayload if the PDF, or its first page, cannot be read.
    """
    with _opened(source) as pdf:
        pages = len(pdf)
        with closing(_page(pdf, 0)) as page, closing(page.render(scale=_scale(page))) as bitmap:
            write_webp(bitmap.to_pil(), picture)
        judges_all = source.stat().st_size * pages <= MOST_COPIED_BYTES
        unreadable, is_whole = _write_text(pdf, text, judges_all)
        unreadable = min(pages, unreadable + count_lost_contents(source))
        about: dict[str, Any] = {
            "pages": pages,
            "title": _metadata(pdf, "Title"),
            "author": _metadata(pdf, "Author"),
        }
        about["xfa"] = pdf.get_formtype() == raw.FORMTYPE_XFA_FULL
    about |= {"truncated": not is_whole, "unreadable_pages": unreadable}
    return {name: value for name, value in about.items() if value}


@contextmanager
def _opened(source: Path) -> Iterator[PdfDocument]:
    try:
        with PdfDocument(source) as pdf:
            pdf.init_forms()  # Without this, the picture lacks what was filled into a form.
            yield pdf
    except PdfiumError:
        raise InvalidPayload(ProblemCode.INVALID_CONTENT, _refusal(source)) from None


def _refusal(source: Path) -> str:
    """Open the file once more: PDFium sets its last error only when it fails to open a file."""
    pdf = raw.FPDF_LoadDocument(bytes(source) + b"\0", None)
    if not pdf:
        return REFUSALS.get(raw.FPDF_GetLastError(), DAMAGED)
    has_pages = raw.FPDF_GetPageCount(pdf) > 0
    raw.FPDF_CloseDocument(pdf)
    return DAMAGED if has_pages else WITHOUT_PAGES


def _page(pdf: PdfDocument, number: int) -> PdfPage:
    """Open a page; one whose crop box shows no part of it is shown whole."""
    page = pdf[number]
    if all(page.get_size()):
        return page
    with closing(page):
        page.set_cropbox(*page.get_mediabox())
    return pdf[number]


def _scale(page: PdfPage) -> float:
    """Return how many pixels to draw per point."""
    # PDFium rounds the size of the picture up: half a pixel less keeps it within the edge.
    longest = max(page.get_size())
    return min(LARGEST_SCALE, (PREVIEW_EDGE - 0.5) / longest) if longest > 0 else 1.0


def _write_text(pdf: PdfDocument, text: TextFile, judges_all: bool) -> tuple[int, bool]:
    """Return the number of pages that could not be read, and if all other text was written."""
    unreadable = 0
    for number in range(min(len(pdf), MOST_PAGES)):
        try:
            found, is_readable = _page_text(pdf, number, judges_all)
        except PdfiumError:
            found, is_readable = "", False
        unreadable += not is_readable
        room = MOST_CHARACTERS - text.characters
        text.write(found[:room])
        text.end_page()
        if len(found) > room:
            return unreadable, False
    return unreadable, len(pdf) <= MOST_PAGES


def _page_text(pdf: PdfDocument, number: int, judges_all: bool) -> tuple[str, bool]:
    """Return the text of a page and what was filled in or noted there, and if the page could be read."""
    with closing(_page(pdf, number)) as page:
        is_blank = raw.FPDFPage_CountObjects(page) == 0
        is_readable = can_be_unpacked(pdf, number) if judges_all or is_blank else True
        found = _text_of(page)
        has_annotations = raw.FPDFPage_GetAnnotCount(page) > 0
        noted = draw_annotations(pdf, page)
    if has_annotations:
        before = found
        with closing(pdf[number]) as page:
            found = _text_of(page)
        missing = not_drawn(map(_printable, noted), before.split(), found.split())
        found = "\n".join(filter(None, (found, *missing)))
    return found, is_readable


def _text_of(page: PdfPage) -> str:
    with closing(page.get_textpage()) as content:
        return _printable(_with_hyphens(content, str(content.get_text_bounded())))


def _with_hyphens(content: PdfTextPage, text: str) -> str:
    """Put hyphens and line ends back where PDFium has joined two lines."""
    if HYPHEN not in text:
        return text
    first, *others = text.split(HYPHEN)
    hyphens = [
        raw.FPDFText_IsHyphen(content, at) == 1
        for at in range(raw.FPDFText_CountChars(content))
        if raw.FPDFText_GetUnicode(content, at) == ord(HYPHEN)
    ]
    if len(hyphens) != len(others):
        # Some hyphens are outside of the page.
        hyphens = [all(hyphens)] * len(others)
    return first + "".join(
        ("-\n" if is_hyphen else " ") + part for is_hyphen, part in zip(hyphens, others, strict=True)
    )


def _printable(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").translate(TRIMMED).strip()


def _metadata(pdf: PdfDocument, key: str) -> str:
    """Return the entry as one printable line; empty if it is absent or unreadable."""
    try:
        value = str(pdf.get_metadata_value(key))
    except UnicodeDecodeError:
        return ""
    printable = "".join(character if character.isprintable() else " " for character in value)
    return " ".join(printable.split())[:ABOUT_CHARACTERS]

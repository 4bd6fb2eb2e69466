"""Reads a PDF with PDFium: its text page by page, title and author, and a picture of its first page.

Pages are closed one by one, so memory does not grow with their number. The
limits act between pages; only the sandbox stops a single page that is too slow.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from pypdfium2 import PdfDocument, PdfiumError, PdfPage
from pypdfium2.raw import FPDF_ERR_PASSWORD, FPDF_ERR_SECURITY

from app.domain.errors import InvalidPayload, ProblemCode
from app.processors.document.text import TextFile
from app.processors.image.render import PREVIEW_EDGE, write_webp

#: The text of further pages is not read.
MOST_PAGES = 5_000
MOST_CHARACTERS = 50_000_000
#: Pixels per point (1/72 inch), so that a small page is not enlarged beyond 288 dots per inch.
LARGEST_SCALE = 4.0
ABOUT_CHARACTERS = 300
REFUSALS = {
    FPDF_ERR_PASSWORD: "The PDF is protected by a password.",
    FPDF_ERR_SECURITY: "The PDF is protected in a way that is not supported.",
}
DAMAGED = "The PDF is damaged or cut off."
#: PDFium replaces a hyphen at the end of a line by U+FFFE or U+0002, and joins the lines.
DROPPED = (0x02, 0x0D, 0xFFFE, 0xFFFF)
TRIMMED = dict.fromkeys([*range(32), 0x7F], " ") | {0x0A: "\n"} | dict.fromkeys(DROPPED)


def read_pdf(source: Path, text: TextFile, picture: Path) -> dict[str, Any]:
    """Write the text and the picture of the first page; return the rest of the summary.

    Raises InvalidPayload if the PDF, or its first page, cannot be read.
    """
    with _opened(source) as pdf:
        pages = len(pdf)
        with closing(pdf[0]) as page, closing(page.render(scale=_scale(page))) as bitmap:
            write_webp(bitmap.to_pil(), picture)
        unreadable, is_whole = _write_text(pdf, text)
        about = {"pages": pages, "title": _metadata(pdf, "Title"), "author": _metadata(pdf, "Author")}
    about |= {"truncated": not is_whole, "unreadable_pages": unreadable}
    return {name: value for name, value in about.items() if value}


@contextmanager
def _opened(source: Path) -> Iterator[PdfDocument]:
    try:
        with PdfDocument(source) as pdf:
            pdf.init_forms()  # Without this, the picture lacks what was filled into a form.
            yield pdf
    except PdfiumError as error:
        raise InvalidPayload(ProblemCode.INVALID_CONTENT, REFUSALS.get(error.err_code, DAMAGED)) from None


def _scale(page: PdfPage) -> float:
    """Return how many pixels to draw per point."""
    # PDFium rounds the size of the picture up: half a pixel less keeps it within the edge.
    longest = max(page.get_size())
    return min(LARGEST_SCALE, (PREVIEW_EDGE - 0.5) / longest) if longest > 0 else 1.0


def _write_text(pdf: PdfDocument, text: TextFile) -> tuple[int, bool]:
    """Return the number of pages that could not be read, and if all other text was written."""
    unreadable = 0
    for number in range(min(len(pdf), MOST_PAGES)):
        try:
            with closing(pdf[number]) as page, closing(page.get_textpage()) as content:
                found = str(content.get_text_bounded()).translate(TRIMMED).strip()
        except PdfiumError:
            unreadable += 1
            found = ""
        room = MOST_CHARACTERS - text.characters
        text.write(found[:room])
        text.end_page()
        if len(found) > room:
            return unreadable, False
    return unreadable, len(pdf) <= MOST_PAGES


def _metadata(pdf: PdfDocument, key: str) -> str:
    """Return the entry as one printable line; empty if it is absent or unreadable."""
    try:
        value = str(pdf.get_metadata_value(key))
    except UnicodeDecodeError:
        return ""
    printable = "".join(character if character.isprintable() else " " for character in value)
    return " ".join(printable.split())[:ABOUT_CHARACTERS]

"""A PDF, read by PDFium: its text page by page, what it says about itself, its first page as a picture.

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

MOST_PAGES = 5_000
"""Whose text is read."""
MOST_CHARACTERS = 50_000_000
LARGEST_SCALE = 4.0
"""Pixels for a point, 1/72 inch: a small page is not blown up beyond 288 dots per inch."""
ABOUT_CHARACTERS = 300
REFUSALS = {
    FPDF_ERR_PASSWORD: "The PDF is protected by a password.",
    FPDF_ERR_SECURITY: "The PDF is protected in a way that is not supported.",
}
DAMAGED = "The PDF is damaged or cut off."
# PDFium marks a hyphen at the end of a line by U+FFFE (once by U+0002) and joins the lines.
DROPPED = (0x02, 0x0D, 0xFFFE, 0xFFFF)
TRIMMED = dict.fromkeys([*range(32), 0x7F], " ") | {0x0A: "\n"} | dict.fromkeys(DROPPED)


def read_pdf(source: Path, text: TextFile, picture: Path) -> dict[str, Any]:
    """Write the text and the picture of the first page; returns the rest of the summary.

    Raises InvalidPayload when the PDF, or its first page, cannot be read.
    """
    with _opened(source) as pdf:
        pages = len(pdf)
        _write_picture(pdf, picture)
        unreadable, is_whole = _write_text(pdf, text)
        about = {"pages": pages, "title": _about(pdf, "Title"), "author": _about(pdf, "Author")}
    about |= {"truncated": not is_whole, "unreadable_pages": unreadable}
    return {name: value for name, value in about.items() if value}


@contextmanager
def _opened(source: Path) -> Iterator[PdfDocument]:
    try:
        with PdfDocument(source) as pdf:
            pdf.init_forms()  # else what was filled into a form is not shown
            yield pdf
    except PdfiumError as error:
        raise InvalidPayload(ProblemCode.INVALID_CONTENT, REFUSALS.get(error.err_code, DAMAGED)) from None


def _write_picture(pdf: PdfDocument, picture: Path) -> None:
    with closing(pdf[0]) as page, closing(page.render(scale=_scale(page))) as bitmap:
        write_webp(bitmap.to_pil(), picture)


def _scale(page: PdfPage) -> float:
    """PDFium rounds a page's pixels up: half a pixel less, and it stays within the edge."""
    longest = max(page.get_size())
    return min(LARGEST_SCALE, (PREVIEW_EDGE - 0.5) / longest) if longest > 0 else 1.0


def _write_text(pdf: PdfDocument, text: TextFile) -> tuple[int, bool]:
    """How many pages could not be read, and whether everything else was."""
    unreadable = 0
    for number in range(min(len(pdf), MOST_PAGES)):
        try:
            found = _page_text(pdf, number)
        except PdfiumError:
            unreadable += 1
            found = ""
        room = MOST_CHARACTERS - text.characters
        text.write(found[:room])
        text.end_page()
        if len(found) > room:
            return unreadable, False
    return unreadable, len(pdf) <= MOST_PAGES


def _page_text(pdf: PdfDocument, number: int) -> str:
    with closing(pdf[number]) as page, closing(page.get_textpage()) as found:
        return str(found.get_text_bounded()).translate(TRIMMED).strip()


def _about(pdf: PdfDocument, key: str) -> str:
    """One printable line."""
    try:
        value = str(pdf.get_metadata_value(key))
    except UnicodeDecodeError:
        return ""
    printable = "".join(character if character.isprintable() else " " for character in value)
    return " ".join(printable.split())[:ABOUT_CHARACTERS]

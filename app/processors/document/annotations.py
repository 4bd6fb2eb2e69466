"""The text of a PDF's form fields and of the notes on its pages, as part of the document's text.

PDFium draws fields and notes into the page, where their text then stands in its
place. What is drawn is not always what was written: a box may be too small for
it, the font may lack its characters, or the drawing is older than the value. What
the page's text lacks is therefore read from the field or note itself.
"""

import ctypes
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from html.parser import HTMLParser
from typing import Any

from pypdfium2 import PdfDocument, PdfPage, raw

#: A flag of text fields (ISO 32000-2, table 231).
PASSWORD = 1 << 13
MOST_FLAGS = 0xFFFFFFFF
#: PDFium draws a note that has no drawing, but on one line, where the last word of a line joins the next.
DRAWN_BY_PDFIUM = b"PDFIUM_HasGeneratedAP"
INVISIBLE = raw.FPDF_ANNOT_FLAG_HIDDEN
#: Tags that end a line, in the text of a note.
LINES = ("p", "div", "li", "br")
CHOICES = (raw.FPDF_FORMFIELD_COMBOBOX, raw.FPDF_FORMFIELD_LISTBOX)


def draw_annotations(pdf: PdfDocument, page: PdfPage) -> list[str]:
    """Make fields and notes part of the page's content, and return what they say.

    A page that has any must be opened anew to see them there.
    """
    count = raw.FPDFPage_GetAnnotCount(page)
    texts = [text for at in range(count) for text in _texts(pdf, page, at)]
    if count:
        raw.FPDFPage_Flatten(page, raw.FLAT_NORMALDISPLAY)
    return texts


def not_drawn(noted: Iterable[str], before: Sequence[str], after: Sequence[str]) -> list[str]:
    """Return what is not among the words that drawing the annotations has added to a page.

    A word on the page that happens to be the same does not count, nor does a part of a word.
    """
    known = Counter(before)
    added: list[str] = []
    for word in after:
        if known[word]:
            known[word] -= 1
        else:
            added.append(word)
    rest, missing = " ".join(added), []
    texts = list(noted)
    for text in sorted(texts, key=len, reverse=True):
        words = " ".join(text.split())
        found = re.search(rf"(?<!\w){re.escape(words)}(?!\w)", rest) if words else None
        if found:
            rest = rest[: found.start()] + " \0 " + rest[found.end() :]
        elif words:
            missing.append(text)
    return sorted(missing, key=texts.index)


def _texts(pdf: PdfDocument, page: PdfPage, at: int) -> list[str]:
    annotation = raw.FPDFPage_GetAnnot(page, at)
    try:
        if raw.FPDFAnnot_GetFlags(annotation) & INVISIBLE:
            return []
        match raw.FPDFAnnot_GetSubtype(annotation):
            case raw.FPDF_ANNOT_FREETEXT:
                note = _entry(annotation, b"Contents") or _plain(_entry(annotation, b"RC"))
                if len(note.splitlines()) > 1 and raw.FPDFAnnot_HasKey(annotation, DRAWN_BY_PDFIUM):
                    _leave_undrawn(annotation)
                return [note]
            case raw.FPDF_ANNOT_WIDGET if _is_password(pdf.formenv, annotation):
                _leave_undrawn(annotation)
                return []
            case raw.FPDF_ANNOT_WIDGET if pdf.formenv:
                return _field(pdf.formenv, annotation)
            case _:
                return []
    finally:
        raw.FPDFPage_CloseAnnot(annotation)


def _is_password(form: Any, annotation: Any) -> bool:
    """True for a field with the flag of passwords, also if the document's form does not list it."""
    own = ctypes.c_float()
    raw.FPDFAnnot_GetNumberValue(annotation, b"Ff", own)
    own_flags = int(own.value) if 0 <= own.value <= MOST_FLAGS else 0
    flags = raw.FPDFAnnot_GetFormFieldFlags(form, annotation) if form else 0
    return bool((own_flags | flags) & PASSWORD)


def _leave_undrawn(annotation: Any) -> None:
    """Take the drawing away, so that it does not become part of the page's text."""
    raw.FPDFAnnot_SetAP(annotation, raw.FPDF_ANNOT_APPEARANCEMODE_NORMAL, None)


def _field(form: Any, annotation: Any) -> list[str]:
    """Return the text of a field, or the chosen ones of several."""
    kind = raw.FPDFAnnot_GetFormFieldType(form, annotation)
    if kind == raw.FPDF_FORMFIELD_TEXTFIELD:
        value = _string(raw.FPDFAnnot_GetFormFieldValue, form, annotation)
        return [value or _plain(_entry(annotation, b"RV"))]
    if kind not in CHOICES:
        return []
    chosen = [
        _string(raw.FPDFAnnot_GetOptionLabel, form, annotation, option)
        for option in range(raw.FPDFAnnot_GetOptionCount(form, annotation))
        if raw.FPDFAnnot_IsOptionSelected(form, annotation, option)
    ]
    return chosen or [_string(raw.FPDFAnnot_GetFormFieldValue, form, annotation)]


def _entry(annotation: Any, key: bytes) -> str:
    return _string(raw.FPDFAnnot_GetStringValue, annotation, key)


def _plain(rich_text: str) -> str:
    """Return the words of XHTML, in which some programs write the text alone."""
    words = _Words()
    words.feed(rich_text)
    words.close()
    return "".join(words.pieces).strip()


class _Words(HTMLParser):
    """The text between tags; a paragraph or a break ends a line."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []

    def handle_data(self, data: str) -> None:
        self.pieces.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag in LINES:
            self.pieces.append("\n")


def _string(read: Callable[..., int], *of: Any) -> str:
    """Call a function of PDFium that fills a buffer with UTF-16."""
    length = read(*of, None, 0)
    buffer = ctypes.create_string_buffer(length)
    read(*of, ctypes.cast(buffer, ctypes.POINTER(raw.FPDF_WCHAR)), length)
    return buffer.raw.decode("utf-16-le", errors="replace").rstrip("\0")

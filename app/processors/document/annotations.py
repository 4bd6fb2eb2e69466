"""What was filled into a PDF's form, and what was noted on its pages, as part of the text.

PDFium draws fields and notes into the page, where their text then stands in its
place. What is drawn is not always what was written: a box may be too small for
it, the font may lack its characters, or the drawing is older than the value. What
the page's text lacks is therefore read from the field or note itself.
"""

import ctypes
from collections.abc import Callable
from typing import Any

from pypdfium2 import PdfDocument, PdfPage, raw

#: A flag of text fields (ISO 32000-2, table 231).
PASSWORD = 1 << 13
INVISIBLE = raw.FPDF_ANNOT_FLAG_HIDDEN
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


def _texts(pdf: PdfDocument, page: PdfPage, at: int) -> list[str]:
    annotation = raw.FPDFPage_GetAnnot(page, at)
    try:
        if raw.FPDFAnnot_GetFlags(annotation) & INVISIBLE:
            return []
        match raw.FPDFAnnot_GetSubtype(annotation):
            case raw.FPDF_ANNOT_FREETEXT:
                return [_string(raw.FPDFAnnot_GetStringValue, annotation, b"Contents")]
            case raw.FPDF_ANNOT_WIDGET if pdf.formenv:
                return _field(pdf.formenv, annotation)
            case _:
                return []
    finally:
        raw.FPDFPage_CloseAnnot(annotation)


def _field(form: Any, annotation: Any) -> list[str]:
    """Return the text of a field, or the chosen ones of several; never a password."""
    kind = raw.FPDFAnnot_GetFormFieldType(form, annotation)
    if kind == raw.FPDF_FORMFIELD_TEXTFIELD:
        is_password = raw.FPDFAnnot_GetFormFieldFlags(form, annotation) & PASSWORD
        return [] if is_password else [_string(raw.FPDFAnnot_GetFormFieldValue, form, annotation)]
    if kind not in CHOICES:
        return []
    chosen = [
        _string(raw.FPDFAnnot_GetOptionLabel, form, annotation, option)
        for option in range(raw.FPDFAnnot_GetOptionCount(form, annotation))
        if raw.FPDFAnnot_IsOptionSelected(form, annotation, option)
    ]
    return chosen or [_string(raw.FPDFAnnot_GetFormFieldValue, form, annotation)]


def _string(read: Callable[..., int], *of: Any) -> str:
    """Call a function of PDFium that fills a buffer with UTF-16."""
    length = read(*of, None, 0)
    buffer = ctypes.create_string_buffer(length)
    read(*of, ctypes.cast(buffer, ctypes.POINTER(raw.FPDF_WCHAR)), length)
    return buffer.raw.decode("utf-16-le", errors="replace").rstrip("\0")

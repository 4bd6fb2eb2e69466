"""What was filled into a form, or noted on a page, is part of the text; what is hidden is not."""

import pytest

from .test_document import ProcessDocument, lines, pdf_of, process, stream

__all__ = ["process"]

FIELD = b"/Type /Annot /Subtype /Widget /Rect [20 100 220 140] /F 4 /DA (/F1 12 Tf 0 g) /T (n) /P 3 0 R "
TEXT, CHOICE, BUTTON = FIELD + b"/FT /Tx ", FIELD + b"/FT /Ch ", FIELD + b"/FT /Btn "
NOTE = b"/Type /Annot /Subtype /FreeText /Rect [20 100 220 140] /F 4 /DA (/F1 12 Tf 0 g) "
OPTIONS = b"/Opt [[(1) (One)] [(2) (Two)] [(3) (Three)]] "
DRAWN = b"/AP << /N 7 0 R >> "


def drawing(text: bytes, font: bytes = b"Helvetica") -> bytes:
    """What stands in the place of an annotation."""
    content = stream(b"BT /F1 12 Tf 2 5 Td (%b) Tj ET" % text)
    resources = b"/Resources << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /%b >> >> >> " % font
    return content.replace(b"<< ", b"<< /Type /XObject /Subtype /Form /BBox [0 0 200 20] " + resources, 1)


def page_with(annotation: bytes, *more: bytes) -> bytes:
    """A page that says "Form:" and has one annotation; more objects follow as 7 0 R."""
    return pdf_of(
        [
            b"<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [6 0 R] /DA (/F1 12 Tf 0 g) "
            b"/DR << /Font << /F1 5 0 R >> >> >> >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 300] /Contents 4 0 R "
            b"/Resources << /Font << /F1 5 0 R >> >> /Annots [6 0 R] >>",
            stream(lines(b"Form:")),
            b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
            b"<< %b >>" % annotation,
            *more,
        ]
    )


@pytest.mark.parametrize(
    ("annotation", "drawn", "text"),
    [
        (TEXT + b"/V (Ada)", None, "Ada"),
        (TEXT + b"/V (Ada) " + DRAWN, b"Ada", "Ada"),
        (TEXT + b"/Ff 4096 /V (one\\ntwo)", None, "one\ntwo"),
        (CHOICE + b"/Ff 131072 /V (2) " + OPTIONS, None, "Two"),
        (CHOICE + b"/Ff 393216 /V (Other) " + OPTIONS, None, "Other"),
        (NOTE + b"/Contents (A note)", None, "A note"),
        (NOTE + b"/Contents (A note) " + DRAWN, b"A note", "A note"),
        (NOTE.replace(b"FreeText", b"Stamp") + DRAWN, b"APPROVED", "APPROVED"),
    ],
)
def test_fields_and_notes_stand_once_in_the_text(
    process: ProcessDocument, annotation: bytes, drawn: bytes | None, text: str
) -> None:
    payload = page_with(annotation, *([] if drawn is None else [drawing(drawn)]))

    assert sorted(process(payload).text.split("\n\f\n")[0].split()) == sorted(["Form:", *text.split()])


@pytest.mark.parametrize(
    ("annotation", "drawn", "text"),
    [
        (TEXT + b"/V <FEFF039165E5672C>", b"", "\u0391日本"),
        (TEXT + b"/V (new) " + DRAWN, b"old", "new"),
        (TEXT + b"/Ff 16777216 /MaxLen 9 /V (AB12)", b"", "AB12"),
        (TEXT + b"/V (%bend)" % (b"much to say " * 20), b"", "much to say " * 20 + "end"),
        (CHOICE + b"/Ff 131072 /V (3) " + OPTIONS + DRAWN, b"?", "Three"),
        (NOTE + b"/Contents (said) " + DRAWN, b"drawn", "said"),
    ],
    ids=["no such characters", "old drawing", "boxes", "too long", "option", "note"],
)
def test_what_is_not_drawn_as_it_was_written_follows_the_text(
    process: ProcessDocument, annotation: bytes, drawn: bytes, text: str
) -> None:
    assert process(page_with(annotation, drawing(drawn))).text.endswith(f"\n{text}\n\f\n")


def test_each_chosen_option_is_in_the_text(process: ProcessDocument) -> None:
    several = CHOICE + b"/Ff 2097152 /V [(1) (3)] /I [0 2] " + OPTIONS + DRAWN

    assert process(page_with(several, drawing(b""))).text == "Form:\nOne\nThree\n\f\n"


@pytest.mark.parametrize(("state", "text"), [(b"/Yes", "Form:\n✔\n\f\n"), (b"/Off", "Form:\n\f\n")])
def test_a_ticked_box_shows_its_tick(process: ProcessDocument, state: bytes, text: str) -> None:
    box = BUTTON + b"/V %b /AS %b /AP << /N << /Yes 7 0 R /Off 8 0 R >> >>" % (state, state)

    assert process(page_with(box, drawing(b"4", b"ZapfDingbats"), drawing(b""))).text == text


@pytest.mark.parametrize(
    "annotation",
    [
        TEXT.replace(b"/F 4", b"/F 2") + b"/V (secret)",
        TEXT + b"/Ff 8192 /V (secret)",
        NOTE.replace(b"/F 4", b"/F 2") + b"/Contents (secret)",
        NOTE.replace(b"FreeText", b"Text") + b"/Contents (secret)",
        NOTE.replace(b"FreeText", b"Highlight")
        + b"/QuadPoints [20 120 40 120 20 100 40 100] /Contents (secret)",
    ],
    ids=["hidden field", "password", "hidden note", "sticky note", "comment"],
)
def test_passwords_comments_and_what_is_hidden_are_no_part_of_the_text(
    process: ProcessDocument, annotation: bytes
) -> None:
    assert "secret" not in process(page_with(annotation)).text


def test_a_form_that_only_other_software_can_show_is_told(process: ProcessDocument) -> None:
    ordinary = page_with(TEXT + b"/V (Ada)")
    xfa = ordinary.replace(b"/DA (/F1 12 Tf 0 g) /DR", b"/XFA 4 0 R           /DR", 1)
    xfa = xfa.replace(b"/Type /Catalog /Pages 2 0 R", b"/Type/Catalog/Pages 2 0 R/NeedsRendering true")

    assert process(xfa).summary["xfa"] is True
    assert "xfa" not in process(ordinary).summary

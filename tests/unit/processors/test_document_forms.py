"""Text filled into a form, or noted on a page, is part of the document's text; hidden text is not."""

import pytest

from .test_document import ProcessDocument, lines, pdf_of, process, stream

__all__ = ["process"]

FIELD = b"/Type /Annot /Subtype /Widget /Rect [20 100 220 140] /F 4 /DA (/F1 12 Tf 0 g) /T (n) /P 3 0 R "
TEXT, CHOICE, BUTTON = FIELD + b"/FT /Tx ", FIELD + b"/FT /Ch ", FIELD + b"/FT /Btn "
NOTE = b"/Type /Annot /Subtype /FreeText /Rect [20 100 220 140] /F 4 /DA (/F1 12 Tf 0 g) "
OPTIONS = b"/Opt [[(1) (One)] [(2) (Two)] [(3) (Three)]] "
DRAWN = b"/AP << /N 7 0 R >> "


def drawing(text: bytes, font: bytes = b"Helvetica") -> bytes:
    """Return the drawing that is shown in the place of an annotation."""
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
        (
            NOTE + b"/RC (<?xml version='1.0'?><body><p>two<br/>&amp; <b>rich</b></p><p>lines</p></body>)",
            b"",
            "two\n& rich\nlines",
        ),
        (TEXT + b"/RV (<body><p>rich</p></body>)", b"", "rich"),
    ],
    ids=[
        "no such characters",
        "old drawing",
        "boxes",
        "too long",
        "option",
        "note",
        "rich note",
        "rich value",
    ],
)
def test_what_is_not_drawn_as_it_was_written_follows_the_text(
    process: ProcessDocument, annotation: bytes, drawn: bytes, text: str
) -> None:
    assert process(page_with(annotation, drawing(drawn))).text.endswith(f"\n{text}\n\f\n")


@pytest.mark.parametrize("value", [b"or", b"Form", b"orm", b"Form:", b"ld", b"o"])
def test_a_value_is_kept_though_a_word_on_the_page_has_it(process: ProcessDocument, value: bytes) -> None:
    text = process(page_with(TEXT + b"/V (%b) " % value + DRAWN, drawing(b"old"))).text

    assert text == f"Form:\nold\n{value.decode()}\n\f\n"


STAMP = NOTE.replace(b"FreeText", b"Stamp")


@pytest.mark.parametrize(
    ("annotation", "objects", "unreadable"),
    [
        (STAMP + DRAWN, [drawing(b"PAID").replace(b"<< ", b"<< /Filter /FlateDecode ", 1)], 1),
        (STAMP + DRAWN, [], 1),
        (STAMP + DRAWN, [b"<< /Subtype /Form >>"], 1),
        (STAMP + b"/AP << /N << /On 7 0 R >> >> /AS /On ", [drawing(b"PAID")], None),
        (STAMP + DRAWN, [drawing(b"PAID")], None),
        (STAMP, [], None),
        (STAMP.replace(b"/F 4", b"/F 2") + DRAWN, [], None),
    ],
)
def test_a_stamp_that_cannot_be_unpacked_makes_its_page_unreadable(
    process: ProcessDocument, annotation: bytes, objects: list[bytes], unreadable: int | None
) -> None:
    assert process(page_with(annotation, *objects)).summary.get("unreadable_pages") == unreadable


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


@pytest.mark.parametrize("intent", [b"", b"/IT /FreeTextTypeWriter "])
@pytest.mark.parametrize("line_end", [b"\\n", b"\\r", b"\\r\\n"])
def test_the_lines_of_a_note_that_nobody_has_drawn_stay_apart(
    process: ProcessDocument, line_end: bytes, intent: bytes
) -> None:
    note = NOTE + intent + b"/Contents (Typewriter%btwo lines)" % line_end

    assert process(page_with(note)).text == "Form:\nTypewriter\ntwo lines\n\f\n"


def test_the_lines_of_a_note_stay_where_they_are_drawn(process: ProcessDocument) -> None:
    note = NOTE + b"/Contents (one\\ntwo) " + DRAWN

    assert process(page_with(note, drawing(b"one two"))).text == "Form:\none two\n\f\n"


INHERITING = FIELD.replace(b"/T (n)", b"/Parent 8 0 R")
PARENT = b"<< /FT /Tx /T (n) /Ff 8192 /V (secret) /Kids [6 0 R] >>"


@pytest.mark.parametrize(
    ("annotation", "more", "replaced"),
    [
        (TEXT + b"/Ff 8192 /V (secret) ", [], b""),
        (TEXT + b"/Ff 12288 /V (secret) ", [], b""),
        (INHERITING, [PARENT], b""),
        (TEXT + b"/Ff 8192 /V (secret) ", [], b"/Fields [6 0 R]"),
        (TEXT + b"/Ff 8192 /V (secret) ", [], b"/AcroForm"),
    ],
    ids=["alone", "of several lines", "inherited", "in no list", "without a form"],
)
def test_a_password_is_no_part_of_the_text_though_it_is_drawn(
    process: ProcessDocument, annotation: bytes, more: list[bytes], replaced: bytes
) -> None:
    payload = page_with(annotation + DRAWN, drawing(b"secret"), *more)
    if replaced:
        payload = payload.replace(replaced, b"/X" + replaced[2:], 1)

    assert process(payload).text == "Form:\n\f\n"


@pytest.mark.parametrize("flags", [b"-1", b"9" * 50, b"(8192)", b"null"])
def test_flags_that_are_none_are_left_out_of_account(process: ProcessDocument, flags: bytes) -> None:
    assert "Form:" in process(page_with(TEXT + b"/Ff %b /V (Ada) " % flags)).text


def test_a_form_that_only_other_software_can_show_is_told(process: ProcessDocument) -> None:
    ordinary = page_with(TEXT + b"/V (Ada)")
    xfa = ordinary.replace(b"/DA (/F1 12 Tf 0 g) /DR", b"/XFA 4 0 R           /DR", 1)
    xfa = xfa.replace(b"/Type /Catalog /Pages 2 0 R", b"/Type/Catalog/Pages 2 0 R/NeedsRendering true")

    assert process(xfa).summary["xfa"] is True
    assert "xfa" not in process(ordinary).summary

"""PDF in; text, a picture of the first page and a few words about it out."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from app.domain.errors import InvalidPayload, ProblemCode
from app.processors import document
from app.processors.document import pdf as document_pdf
from app.processors.report import Report
from app.sandbox.client import Sandbox

from .conftest import MakeTask, new_task

PDF = "application/pdf"
LETTER = b"[0 0 612 792]"
SMALL = b"[0 0 200 100]"
TRUNCATIONS = 25
#: A place in a file, from its first byte to its last.
PLACE = st.floats(0, 1, exclude_max=True)


@dataclass(frozen=True)
class Result:
    report: Report
    output: Path

    @property
    def summary(self) -> dict[str, Any]:
        return self.report.summary

    @property
    def text(self) -> str:
        return (self.output / "text.txt").read_bytes().decode()

    def picture(self) -> Image.Image:
        with Image.open(self.output / "page-1.webp") as picture:
            picture.load()
            return picture


ProcessDocument = Callable[..., Result]


@pytest.fixture
def process(make_task: MakeTask) -> ProcessDocument:
    def process(payload: bytes | str, media_type: str = PDF) -> Result:
        task = make_task(payload, media_type)
        return Result(document.process(task), task.output)

    return process


def refusal(process: ProcessDocument, *payload: Any) -> InvalidPayload:
    with pytest.raises(InvalidPayload) as refused:
        process(*payload)
    return refused.value


def stream(content: bytes) -> bytes:
    return b"<< /Length %d >>\nstream\n%b\nendstream" % (len(content), content)


def pdf_of(objects: list[bytes], trailer: bytes = b"") -> bytes:
    """A file of these objects; the first is the catalogue."""
    file, places = bytearray(b"%PDF-1.7\n"), []
    for number, content in enumerate(objects, start=1):
        places.append(len(file))
        file += b"%d 0 obj\n%b\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    return bytes(file) + (
        b"xref\n0 %d\n0000000000 65535 f \n%btrailer\n<< /Size %d /Root 1 0 R %b>>\nstartxref\n%d\n%%%%EOF\n"
        % (size, table, size, trailer, len(file))
    )


def pdf(*pages: bytes, box: bytes = SMALL, page: bytes = b"", info: bytes | None = None) -> bytes:
    """Pages with these content streams."""
    kids = b" ".join(b"%d 0 R" % (4 + 2 * number) for number in range(len(pages)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [] /DA (/F1 12 Tf) >> >>",
        b"<< /Type /Pages /Kids [%b] /Count %d >>" % (kids, len(pages)),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for content in pages:
        objects += [
            b"<< /Type /Page /Parent 2 0 R /MediaBox %b /Resources << /Font << /F1 3 0 R >> >> "
            b"/Contents %d 0 R %b>>" % (box, len(objects) + 2, page),
            stream(content),
        ]
    if info is None:
        return pdf_of(objects)
    return pdf_of([*objects, info], b"/Info %d 0 R " % (len(objects) + 1))


def lines(*texts: bytes) -> bytes:
    return b"BT /F1 10 Tf 10 80 Td 12 TL %b ET" % b" ".join(b"(%b) Tj T*" % text for text in texts)


HELLO = pdf(lines(b"Hello world"))
EVERY_PART = pdf(lines(b"One", b"two-", b"fold"), lines(b"three"), info=b"<< /Title (A title) >>")
# RC4, 40 bits, with a user's password (PDF 1.7, 7.6.3).
ENCRYPTION = b"/Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <%b> /U <%b> >> /ID [<%b> <%b>] " % (
    b"28" * 32,
    b"29" * 32,
    b"00" * 16,
    b"00" * 16,
)


@pytest.mark.parametrize("pages", [1, 2])
def test_a_page_whose_crop_box_lies_beside_it_is_read_whole(process: ProcessDocument, pages: int) -> None:
    cropped = pdf(*[lines(b"Hello world")] * pages, page=b"/CropBox [900 900 999 999]")
    result = process(cropped)

    assert result.text == "Hello world\n\f\n" * pages
    assert result.picture().size == process(HELLO).picture().size


def test_the_text_of_every_page_is_kept(process: ProcessDocument) -> None:
    result = process(pdf(lines(b"Hello world", b"again"), lines(b"page two")))

    assert result.summary == {"pages": 2, "characters": 25, "words": 5}
    assert result.text == "Hello world\nagain\n\f\npage two\n\f\n"


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ([b"Karl Meyer-", b"Schmidt"], "Karl Meyer-\nSchmidt"),
        ([b"my-", b"page", b"e-", b"mail"], "my-\npage\ne-\nmail"),
        ([b"my-", b"pa\\002ge"], "my-\npa ge"),
        ([b"a\\002b"], "a b"),
        ([b"one-"], "one-"),
    ],
)
def test_a_hyphen_at_the_end_of_a_line_stays(
    process: ProcessDocument, written: list[bytes], text: str
) -> None:
    assert process(pdf(lines(*written))).text == f"{text}\n\f\n"


def test_there_are_two_artifacts(process: ProcessDocument) -> None:
    assert [(file.name, file.media_type) for file in process(HELLO).report.artifacts] == [
        ("text.txt", "text/plain; charset=utf-8"),
        ("page-1.webp", "image/webp"),
    ]


def test_a_document_without_text_is_ready(process: ProcessDocument) -> None:
    scan = BytesIO()
    Image.new("RGB", (300, 400), (200, 0, 0)).save(scan, "PDF")
    result = process(scan.getvalue())

    assert (result.summary["characters"], result.summary["words"]) == (0, 0)
    found = result.picture().getpixel((50, 50))
    assert isinstance(found, tuple)
    assert found[0] > 150 > found[1]


@pytest.mark.parametrize(
    ("info", "expected"),
    [
        (b"<< /Title (A  \\r\\n title) >>", {"title": "A title"}),
        (b"<< /Author <FEFF00470072FFFD> >>", {"author": "Gr\ufffd"}),
        (b"<< /Title <FEFF0391> /Author (Ann) >>", {"title": "\u0391", "author": "Ann"}),
        (b"<< /Title <FEFFD800> >>", {}),
        (b"<< /Title ( ) /Author () >>", {}),
        (b"<< /Title (%b) >>" % (b"t" * 5000), {"title": "t" * 300}),
    ],
)
def test_title_and_author_are_told_when_present(
    process: ProcessDocument, info: bytes, expected: dict[str, str]
) -> None:
    summary = process(pdf(lines(b"x"), info=info)).summary

    assert {name: value for name, value in summary.items() if name in ("title", "author")} == expected


@pytest.mark.parametrize(
    ("box", "size"),
    [
        (LETTER, (1236, 1600)),
        (b"[0 0 792 612]", (1600, 1236)),
        (b"[0 0 100 50]", (400, 200)),
        (b"[0 0 14400 14400]", (1600, 1600)),
        (b"[0 0 1000000000 10]", (1600, 1)),
        (b"[0 0 0.001 0.001]", (1, 1)),
        (b"[0 0 -100 -100]", (400, 400)),
        (b"[5 5 5 5]", (1236, 1600)),
        (b"[0 0 1e38 1e38]", (1236, 1600)),
    ],
)
def test_the_picture_of_the_first_page_fits(
    process: ProcessDocument, box: bytes, size: tuple[int, int]
) -> None:
    assert process(pdf(lines(b"x"), box=box)).picture().size == size


def test_a_turned_page_is_shown_turned(process: ProcessDocument) -> None:
    assert process(pdf(lines(b"x"), page=b"/Rotate 90 ")).picture().size == (400, 800)


def test_what_was_filled_into_a_form_is_shown(process: ProcessDocument) -> None:
    field = b"/Type /Annot /Subtype /Widget /FT /Tx /T (a) /V (%b) /Rect [10 10 190 90] /DA (/F1 40 Tf 0 g)"
    empty, filled = (
        process(pdf(b"", page=b"/Annots [<< %b >>] " % (field % value))).picture().convert("L")
        for value in (b"", b"MMMM")
    )

    assert filled.getextrema() != empty.getextrema()


def test_a_pdf_may_begin_a_little_late(process: ProcessDocument) -> None:
    assert process(b"\r\n" * 500 + HELLO).text.startswith("Hello world")


def test_a_password_is_named_as_the_reason(process: ProcessDocument) -> None:
    refused = refusal(process, HELLO.replace(b"/Root 1 0 R ", b"/Root 1 0 R " + ENCRYPTION))

    assert refused.code == ProblemCode.INVALID_CONTENT
    assert refused.detail == "The PDF is protected by a password."


def test_an_unknown_protection_is_named_as_the_reason(process: ProcessDocument) -> None:
    unknown = ENCRYPTION.replace(b"/Standard", b"/Unheard_Of")

    refused = refusal(process, HELLO.replace(b"/Root 1 0 R ", b"/Root 1 0 R " + unknown))
    assert refused.detail == "The PDF is protected in a way that is not supported."


@pytest.mark.parametrize(
    "broken",
    [
        b"%PDF-1.7\n",
        b"%PDF-1.4\n%%EOF\n",
        HELLO[: len(HELLO) // 3],
        HELLO.replace(b"/Kids [4 0 R]", b"/Kids []"),
        HELLO.replace(b"/Kids [4 0 R]", b"/Kids [2 0 R]"),
    ],
)
def test_a_broken_pdf_is_refused(process: ProcessDocument, broken: bytes) -> None:
    assert refusal(process, broken).code == ProblemCode.INVALID_CONTENT


def test_damaged_pages_are_passed_over_and_counted(process: ProcessDocument) -> None:
    three = pdf(lines(b"one"), lines(b"two"), lines(b"three"))

    result = process(three.replace(b"[4 0 R 6 0 R 8 0 R]", b"[4 0 R 3 0 R 8 0 R]"))
    assert result.summary["unreadable_pages"] == 1
    assert result.text == "one\n\f\n\n\f\nthree\n\f\n"


def test_only_so_many_pages_are_read(process: ProcessDocument, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document_pdf, "MOST_PAGES", 2)
    result = process(pdf(lines(b"one"), lines(b"two"), lines(b"three")))

    assert result.summary == {"pages": 3, "characters": 6, "words": 2, "truncated": True}
    assert result.text == "one\n\f\ntwo\n\f\n"


def test_of_thousands_of_pages_the_first_five_thousand_are_read(process: ProcessDocument) -> None:
    result = process(pdf(*(lines(b"Page %d" % number) for number in range(6_000))))

    assert (result.summary["pages"], result.summary["truncated"]) == (6_000, True)
    assert result.text.split("\n\f\n") == [*(f"Page {number}" for number in range(5_000)), ""]


def test_only_so_many_characters_are_read(process: ProcessDocument, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document_pdf, "MOST_CHARACTERS", 5)
    result = process(pdf(lines(b"one"), lines(b"two"), lines(b"three")))

    assert result.summary == {"pages": 3, "characters": 5, "words": 2, "truncated": True}
    assert result.text == "one\n\f\ntw\n\f\n"


def test_exactly_so_much_is_the_whole_document(
    process: ProcessDocument, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(document_pdf, "MOST_PAGES", 2)
    monkeypatch.setattr(document_pdf, "MOST_CHARACTERS", 6)

    assert "truncated" not in process(pdf(lines(b"one"), lines(b"two"))).summary


def test_the_same_bytes_give_the_same_result(process: ProcessDocument) -> None:
    first, second = process(EVERY_PART), process(EVERY_PART)

    assert first.report == second.report
    for file in first.report.artifacts:
        assert (first.output / file.name).read_bytes() == (second.output / file.name).read_bytes()


def test_what_is_no_pdf_is_refused(process: ProcessDocument) -> None:
    for payload in (b"\x89PNG\r\n\x1a\n", b"text", b"\n" * 2000 + HELLO):
        assert refusal(process, payload).code == ProblemCode.MEDIA_TYPE_MISMATCH
    assert refusal(process, b"").detail == "The file is empty."


def test_a_pdf_cut_off_anywhere_ends_with_a_verdict(process: ProcessDocument) -> None:
    for length in range(0, len(EVERY_PART), len(EVERY_PART) // TRUNCATIONS):
        with suppress(InvalidPayload):
            process(EVERY_PART[:length])


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(places=st.lists(st.tuples(PLACE, st.integers(0, 255)), min_size=1, max_size=8))
def test_damaged_bytes_end_with_a_verdict(places: list[tuple[float, int]]) -> None:
    payload = bytearray(EVERY_PART)
    for place, value in places:
        payload[int(place * len(payload))] = value

    with tempfile.TemporaryDirectory() as folder, suppress(InvalidPayload):
        document.process(new_task(Path(folder) / "task", bytes(payload), PDF))


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(["document"]) as sandbox:
        yield sandbox


@pytest.mark.parametrize(("payload", "media_type"), [(EVERY_PART, PDF), (b"# A\n\nb\n", "text/markdown")])
def test_documents_are_processed_in_the_sandbox(
    sandbox: Sandbox, make_task: MakeTask, payload: bytes, media_type: str
) -> None:
    here, there = (replace(make_task(payload, media_type), processor="document") for _ in range(2))

    assert sandbox.run(there, seconds=20) == document.process(here)
    for file in here.output.iterdir():
        assert (there.output / file.name).read_bytes() == file.read_bytes()


def laughs() -> bytes:
    """A page that draws a form ten times, which draws another ten times, and so on: 10^9 strokes."""
    levels = 9
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 99 99] /Resources << /XObject << /X 5 0 R >> >> "
        b"/Contents 4 0 R >>",
        stream(b"/X Do"),
    ]
    for level in range(levels):
        form = b"/Type /XObject /Subtype /Form /BBox [0 0 99 99] /Resources << /XObject << /X %d 0 R >> >>"
        is_last = level == levels - 1
        content = b"0 0 m 99 99 l S" if is_last else b"/X Do " * 10
        objects.append(stream(content).replace(b"<< ", b"<< " + form % (6 + level) + b" ", 1))
    return pdf_of(objects)


def test_after_an_endless_page_the_sandbox_takes_the_next_document(
    sandbox: Sandbox, make_task: MakeTask
) -> None:
    endless = replace(make_task(laughs(), PDF), processor="document")
    with pytest.raises(InvalidPayload) as refused:
        sandbox.run(endless, seconds=0.5)
    assert refused.value.code == ProblemCode.LIMIT_EXCEEDED

    harmless = replace(make_task(HELLO, PDF), processor="document")
    assert sandbox.run(harmless, seconds=20).summary["words"] == 2

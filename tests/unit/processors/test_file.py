import pytest

from app.domain.errors import InvalidPayload, ProblemCode
from app.processors import file
from app.processors.report import Report

from .conftest import MakeTask


def test_any_bytes_are_welcome(make_task: MakeTask) -> None:
    task = make_task(bytes(range(256)), "application/x-anything")

    assert file.process(task) == Report({"detected_media_type": None}, media_type="application/x-anything")


def test_the_summary_names_what_the_bytes_are(make_task: MakeTask) -> None:
    task = make_task(b"%PDF-1.7\n", "application/octet-stream")

    assert file.process(task).summary == {"detected_media_type": "application/pdf"}


def test_text_is_plain_text(make_task: MakeTask) -> None:
    assert file.process(make_task("hello")).summary == {"detected_media_type": "text/plain"}


def test_an_empty_file_is_fine(make_task: MakeTask) -> None:
    assert file.process(make_task(b"", "image/png")).summary == {"detected_media_type": None}


def test_an_image_that_is_a_pdf_is_refused(make_task: MakeTask) -> None:
    with pytest.raises(InvalidPayload, match="application/pdf") as refused:
        file.process(make_task(b"%PDF-1.7\n", "image/png"))

    assert refused.value.code == ProblemCode.MEDIA_TYPE_MISMATCH

"""Plain text and Markdown: whatever the encoding was, it is UTF-8 afterwards, and counted."""

import codecs
import tempfile
from contextlib import closing, suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.domain.errors import InvalidPayload, ProblemCode
from app.processors import document, texts
from app.processors.document.text import TextFile

from .conftest import new_task
from .test_document import HELLO, ProcessDocument, process, refusal

__all__ = ["process"]

TEXT = "text/plain"
SENTENCE = "Größe: 5 €\n"


def test_a_text_has_characters_and_words_but_no_pages(process: ProcessDocument) -> None:
    result = process("one two\nthree\n", TEXT)

    assert result.summary == {"pages": None, "characters": 14, "words": 3}
    assert [file.name for file in result.report.artifacts] == ["text.txt"]
    assert result.text == "one two\nthree\n"


def test_markdown_is_kept_as_it_was_written(process: ProcessDocument) -> None:
    written = "---\ntitle: x\n---\n# Title\r\n\r\n<b>bold</b> &amp; `code`\n"

    assert process(written, "text/markdown").text == written


@pytest.mark.parametrize(
    "payload",
    [
        SENTENCE.encode(),
        codecs.BOM_UTF8 + SENTENCE.encode(),
        codecs.BOM_UTF16_LE + SENTENCE.encode("utf-16-le"),
        codecs.BOM_UTF16_BE + SENTENCE.encode("utf-16-be"),
        SENTENCE.encode("utf-16-le"),
        SENTENCE.encode("utf-16-be"),
        SENTENCE.encode("cp1252"),
    ],
    ids=[
        "utf-8",
        "utf-8 with mark",
        "utf-16-le with mark",
        "utf-16-be with mark",
        "utf-16-le",
        "utf-16-be",
        "cp1252",
    ],
)
def test_every_usual_encoding_becomes_utf_8_without_a_mark(process: ProcessDocument, payload: bytes) -> None:
    result = process(payload, TEXT)

    assert result.text == SENTENCE
    assert (result.summary["characters"], result.summary["words"]) == (11, 3)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252"])
@pytest.mark.parametrize("chunk_bytes", [1, 2, 3, 7])
def test_counts_do_not_depend_on_how_a_file_is_read(
    process: ProcessDocument, monkeypatch: pytest.MonkeyPatch, encoding: str, chunk_bytes: int
) -> None:
    monkeypatch.setattr(texts, "CHUNK_BYTES", chunk_bytes)
    text = (
        "Übung macht  den\r\n\tMeister … 5 €" if encoding == "cp1252" else "Übung 𝄞 macht\n\nden Meister 5 €"
    )

    result = process(text.encode(encoding), TEXT)
    assert result.text == text
    assert (result.summary["characters"], result.summary["words"]) == (len(text), len(text.split()))


def test_a_text_that_is_not_utf_8_only_near_its_end_is_read_again(process: ProcessDocument) -> None:
    text = "a b\n" * 700_000 + "café"

    result = process(text.encode("cp1252"), TEXT)
    assert result.text == text
    assert result.summary["words"] == 1_400_001


@settings(max_examples=50, deadline=None)
@given(pieces=st.lists(st.text(alphabet=" \n\u2003ab\U0001d11e")))
def test_words_are_those_of_the_whole_text(pieces: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder, closing(TextFile(Path(folder) / "text.txt")) as text:
        for piece in pieces:
            text.write(piece)

    whole = "".join(pieces)
    assert text.counts() == {"characters": len(whole), "words": len(whole.split())}


@pytest.mark.parametrize("payload", [b"", codecs.BOM_UTF8, codecs.BOM_UTF16_LE])
def test_an_empty_text_is_refused(process: ProcessDocument, payload: bytes) -> None:
    refused = refusal(process, payload, TEXT)

    assert (refused.code, refused.detail) == (ProblemCode.INVALID_CONTENT, "The file is empty.")


@pytest.mark.parametrize(
    "payload",
    [HELLO, b"\x89PNG\r\n\x1a\n", bytes(64), bytes(range(256)), b"<!DOCTYPE html><p>x", b"PK\x03\x04\x14\0"],
)
@pytest.mark.parametrize("media_type", [TEXT, "text/markdown"])
def test_what_is_no_plain_text_is_refused(process: ProcessDocument, payload: bytes, media_type: str) -> None:
    assert refusal(process, payload, media_type).code == ProblemCode.MEDIA_TYPE_MISMATCH


@pytest.mark.parametrize("media_type", [TEXT, "text/markdown"])
def test_a_nul_character_is_refused_with_its_line(process: ProcessDocument, media_type: str) -> None:
    refused = refusal(process, "eins\nzwei\0drei\n", media_type)

    assert (refused.code, refused.detail) == (
        ProblemCode.INVALID_CONTENT,
        "Line 2 holds a NUL character.",
    )


@pytest.mark.parametrize(("charset", "text"), [("KOI8-R", "Привет"), ("UTF-16BE", "Русь日本")])
def test_a_declared_charset_is_obeyed(process: ProcessDocument, charset: str, text: str) -> None:
    result = process(text.encode(charset), f"text/markdown; charset={charset}")

    assert result.text == text
    assert result.summary == {"pages": None, "characters": 6, "words": 1}


@pytest.mark.parametrize(
    ("payload", "doubts"),
    [
        (SENTENCE.encode(), {}),
        (SENTENCE.encode("utf-16"), {}),
        (
            SENTENCE.encode("cp1252"),
            {"encoding": "cp1252", "encoding_guessed": True, "replaced_characters": 0},
        ),
        (
            SENTENCE.encode() * 9 + b"\xff",
            {"encoding": "utf-8", "encoding_guessed": True, "replaced_characters": 1},
        ),
        (
            codecs.BOM_UTF8 + SENTENCE.encode() * 9 + b"\xff",
            {"encoding": "utf-8", "encoding_guessed": False, "replaced_characters": 1},
        ),
    ],
    ids=["utf-8", "utf-16 with mark", "cp1252", "damaged", "damaged, with mark"],
)
def test_the_summary_names_the_encoding_only_if_it_is_in_doubt(
    process: ProcessDocument, payload: bytes, doubts: dict[str, object]
) -> None:
    summary = process(payload, TEXT).summary

    assert summary.keys() == {"pages", "characters", "words", *doubts}
    assert {name: summary[name] for name in doubts} == doubts


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(payload=st.binary(max_size=200))
def test_any_bytes_end_with_a_verdict(payload: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder, suppress(InvalidPayload):
        document.process(new_task(Path(folder) / "task", payload, TEXT))

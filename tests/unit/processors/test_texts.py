"""The encoding of a text, whichever kind reads it, and what no text may hold."""

import codecs
from pathlib import Path

import pytest

from app.domain.errors import InvalidPayload, ProblemCode
from app.processors.texts import SINGLE_BYTE_ENCODINGS, EncodedText, is_empty, recognise_text

SENTENCE = "Größe: 5 €\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "file"


def recognised(file: Path, payload: bytes, others: tuple[str, ...] = SINGLE_BYTE_ENCODINGS) -> EncodedText:
    file.write_bytes(payload)
    return recognise_text(file, others)


def refusal(file: Path, payload: bytes) -> str:
    with pytest.raises(InvalidPayload) as refused:
        recognised(file, payload)
    assert refused.value.code == ProblemCode.INVALID_CONTENT
    return refused.value.detail


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("is_marked", [True, False])
def test_unicode_is_recognised_with_and_without_a_mark(file: Path, encoding: str, is_marked: bool) -> None:
    mark = "\ufeff" if is_marked else ""

    text = recognised(file, (mark + SENTENCE).encode(encoding))

    assert (text.encoding, text.mark) == (encoding, mark.encode(encoding))
    assert "".join(text.pieces()) == SENTENCE


def test_other_encodings_are_tried_in_their_order(file: Path) -> None:
    assert recognised(file, SENTENCE.encode("cp1252")).encoding == "cp1252"


def test_bytes_that_windows_leaves_undefined_are_latin_1(file: Path) -> None:
    text = recognised(file, b"caf\xe9 \x81\n")

    assert text.encoding == "latin-1"
    assert "".join(text.pieces()) == "café \x81\n"


def test_without_other_encodings_a_text_must_be_unicode(file: Path) -> None:
    with pytest.raises(InvalidPayload, match=r"^The text is not valid UTF-8\.$"):
        recognised(file, SENTENCE.encode("cp1252"), others=())


@pytest.mark.parametrize(
    ("payload", "line"),
    [(b"a" * 70_000 + b"\0", 1), ("a\0b".encode("utf-16"), 1), (b"a\n" * 600_000 + b"\0\n\0", 600_001)],
)
def test_nul_characters_are_refused_wherever_they_are(file: Path, payload: bytes, line: int) -> None:
    assert refusal(file, payload) == f"Line {line} holds a NUL character."


@pytest.mark.parametrize(
    ("payload", "encoding"),
    [
        (codecs.BOM_UTF8 + b"a" * 70_000 + b"\xff", "UTF-8"),
        (codecs.BOM_UTF16_LE + b"a\0" * 40_000 + b"\x00\xd8a\0", "UTF-16-LE"),
        (codecs.BOM_UTF16_BE + b"\0a" * 40_000 + b"\0", "UTF-16-BE"),
    ],
)
def test_a_text_must_be_what_its_mark_says(file: Path, payload: bytes, encoding: str) -> None:
    detail = f"The byte order mark says {encoding}, but the text is not valid {encoding}."

    assert refusal(file, payload) == detail


def test_a_text_that_began_as_utf_16_must_go_on_so(file: Path) -> None:
    assert refusal(file, b"a\0" * 40_000 + b"\x00\xd8a\0") == "The text is not valid UTF-16-LE."


@pytest.mark.parametrize(
    ("payload", "expected"),
    [(b"", True), (codecs.BOM_UTF8, True), (codecs.BOM_UTF16_LE, True), (codecs.BOM_UTF8 + b"a", False)],
)
def test_a_mark_alone_is_no_content(file: Path, payload: bytes, expected: bool) -> None:
    file.write_bytes(payload)

    assert is_empty(file) is expected

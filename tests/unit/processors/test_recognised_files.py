"""Files of every format that `file` recognises, and what may be declared for each."""

import random
import time
import tracemalloc
import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from app.processors import file
from app.processors.recognition import check_text, contradicts, recognise
from app.processors.recognition.families import family_of, is_text

from .conftest import MakeTask
from .recognised_files import CASES, DRAWING, FILES, FRAME, claimed, database, ole, streamed, zipped

WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
MEBIBYTE = 1024 * 1024
MEMORY_BYTES = 16 * MEBIBYTE
#: How long a look at the first bytes may take; it takes milliseconds, a thousandth of what an attack would.
SECONDS = 2


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "file"


@pytest.mark.parametrize(("media_type", "number"), CASES)
def test_a_file_is_recognised(path: Path, media_type: str, number: int) -> None:
    path.write_bytes(FILES[media_type][number])

    assert recognise(path) == media_type


def test_a_database_is_recognised(path: Path) -> None:
    path.write_bytes(database(path.parent))

    assert recognise(path) == "application/vnd.sqlite3"


@pytest.mark.parametrize(("media_type", "number"), CASES)
def test_a_file_may_be_declared_as_what_it_is(path: Path, media_type: str, number: int) -> None:
    path.write_bytes(FILES[media_type][number])

    assert not contradicts(path, media_type)
    assert not contradicts(path, "application/octet-stream")
    assert not contradicts(path, "application/x-something-new")


@pytest.mark.parametrize(
    ("found", "declared"),
    [
        ("application/zip", WORD),
        (WORD, "application/zip"),
        (WORD, "application/x-zip-compressed"),
        (WORD, "application/vnd.ms-word.document.macroEnabled.12"),
        ("application/java-archive", "application/vnd.android.package-archive"),
        ("application/zip", "application/vnd.anything+zip"),
        ("application/x-ole-storage", WORD),
        ("text/rtf", "application/msword"),
        ("text/html", "application/vnd.ms-excel"),
        (WORD, "application/msword"),
        ("image/svg+xml", "application/xml"),
        ("image/svg+xml", "text/xml"),
        ("application/xml", "image/svg+xml"),
        ("application/xml", "application/atom+xml"),
        ("application/json", "text/plain"),
        ("application/json", "application/geo+json"),
        ("application/x-ndjson", "application/json"),
        ("text/html", "application/xhtml+xml"),
        ("application/gzip", "image/svg+xml"),
        ("application/gzip", "application/x-tar"),
        ("application/gzip", "application/x-gzip"),
        ("video/mp4", "video/quicktime"),
        ("video/quicktime", "video/mp4"),
        ("video/mp4", "audio/x-m4a"),
        ("video/webm", "audio/webm"),
        ("application/ogg", "audio/ogg"),
        ("audio/mpeg", "audio/mp3"),
        ("audio/mpeg", "audio/flac"),
        ("audio/wav", "audio/x-wav"),
        ("font/woff", "application/font-woff"),
        ("application/vnd.rar", "application/x-rar-compressed"),
    ],
)
def test_a_relative_of_what_it_is_may_be_declared_too(path: Path, found: str, declared: str) -> None:
    path.write_bytes(FILES[found][0])

    assert not contradicts(path, declared)


@pytest.mark.parametrize(
    ("found", "declared"),
    [
        ("application/pdf", WORD),
        ("application/pdf", "video/mp4"),
        ("application/zip", "image/png"),
        (WORD, "image/svg+xml"),
        ("application/json", "video/mp4"),
        ("text/html", "application/zip"),
        ("text/html", "image/jpeg"),
        ("video/mp4", "image/heic"),
        ("application/wasm", "application/json"),
        ("application/x-executable", "text/html"),
        ("application/vnd.microsoft.portable-executable", "application/gzip"),
        ("audio/mpeg", "font/woff2"),
    ],
)
def test_what_is_plainly_something_else_is_a_contradiction(path: Path, found: str, declared: str) -> None:
    path.write_bytes(FILES[found][0])

    assert contradicts(path, declared)


def test_a_text_is_believed_to_be_any_text(path: Path) -> None:
    path.write_bytes(b"GIF89a is a format of pictures.\n")

    assert not contradicts(path, "text/plain")


def test_an_undeclared_type_is_the_one_that_the_content_shows(make_task: MakeTask) -> None:
    report = file.process(make_task(FILES["video/mp4"][0], ""))

    assert (report.media_type, report.summary) == ("video/mp4", {"detected_media_type": "video/mp4"})
    assert file.process(make_task(bytes(range(256)), "")).media_type is None


def test_a_declared_type_is_kept_and_the_summary_says_more(make_task: MakeTask) -> None:
    report = file.process(make_task(FILES[WORD][0], "application/zip"))

    assert (report.media_type, report.summary) == ("application/zip", {"detected_media_type": WORD})


@pytest.mark.parametrize(
    "content", [b"a,b\n1,2\n", *FILES["application/json"], *FILES["application/xml"], DRAWING]
)
def test_what_has_a_format_of_its_own_is_a_text_all_the_same(path: Path, content: bytes) -> None:
    path.write_bytes(content)

    check_text(path, "text/plain", None)


@pytest.mark.parametrize(
    "text",
    [
        b"[1] A footnote.\n",
        b"[info] started\n" * 9_999,
        b"[1] The first of many footnotes.\n" * 9_999,
        b"{not json}",
        b"{" * 70_000,
        b"[" * 70_000,
        b"<b>bold</b> at the beginning",
        b"<!-- only a comment -->",
        b"<!doctype",
        b"ID3 tags are described here",
        b"true or false, OTTO asked\n",
        b"MThd and MSCF are magic",
        b"mimetypeapplication/epub+zip",
        b"wOFF is a font; wide\nmoov free skip",
        b"....free beer",
        b"x",
        b"\xff",
        b"import os\nFrom: nobody\n%PDF",
    ],
)
def test_a_text_is_a_text_whatever_it_begins_with(path: Path, text: bytes) -> None:
    path.write_bytes(text)

    assert recognise(path) == "text/plain"


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xfb\x90\0" + bytes(200),
        FRAME + b"\0not a frame",
        b"\xff\xfb\x00\0",
        b"OggS\1\0",
        b"\x1a\x45\xdf\xa3\1\0\0",
        b"\0\0\0\x1cftypnone\0\0\0\0" + bytes(12),
        b"ID3\3\0\0\xff\xff\xff\xff\0",
        b"\0\1\0\0\0\x0a\0\1" + bytes(40),
        b"MZ\0\0",
        b"\0asm\2\0\0\0",
        bytes(1024),
        b"\0",
        b"PK\x03\0",
    ],
)
def test_a_part_of_a_signature_shows_nothing(path: Path, content: bytes) -> None:
    path.write_bytes(content)

    assert recognise(path) is None


@pytest.mark.parametrize("media_type", FILES)
def test_no_cut_and_no_damage_makes_it_fail(path: Path, media_type: str) -> None:
    """A cut or damaged file is recognised as something, or not at all; nothing is raised."""
    chance = random.Random(media_type)
    for content in FILES[media_type]:
        whole = content[:2_000]
        for cut in {1, 2, 3, len(whole) - 1, chance.randrange(len(whole)), chance.randrange(len(whole))}:
            damaged = bytearray(whole[:cut] or whole)
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
            for candidate in (whole[:cut], bytes(damaged)):
                path.write_bytes(candidate)
                assert "/" in (recognise(path) or "/")


HUGE_COMMENT = b"<!--" + b"x" * 65_000
BOMB = b'<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY a "aaaa">' + b"".join(
    b'<!ENTITY %c "%b">' % (letter, b"&%c;" % (letter - 1) * 99) for letter in range(ord("b"), ord("z"))
)


def million_entries() -> bytes:
    """Return a ZIP with more headers than anybody looks at."""
    return b"PK\x03\x04\x14\0\0\0\0\0" + bytes(16) + b"\1\0\0\0a" + b"PK\x03\x04" * 16_000


def packed_bomb() -> bytes:
    """Return a document whose list of parts unpacks to many megabytes of blanks."""
    file = BytesIO()
    with (
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("[Content_Types].xml", "w") as part,
    ):
        for _ in range(50):
            part.write(b" " * MEBIBYTE)
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"<!---->" * 9_000, "text/plain"),
        (b"<!---->" * 9_000 + b"<html>", "text/plain"),
        (b"<!--" * 16_000, "text/plain"),
        (HUGE_COMMENT, "text/plain"),
        (b"<?a?>" * 13_000, "text/plain"),
        (b"<!doctype html [" * 4_000, "text/html"),
        (b" " * 65_000 + b"<html>", "text/html"),
        (BOMB + b"]><svg>&y;</svg>", "image/svg+xml"),
        (b'{"a":' * 13_000, "text/plain"),
        (b"[[" * 90 + b"1," * 40_000, "application/json"),
        (b'{"' + b"\\u0041" * 12_000, "application/json"),
        (million_entries(), "application/zip"),
        (packed_bomb(), "application/zip"),
    ],
    ids=lambda value: f"{value[:12]!r}",
)
def test_a_bomb_costs_nothing(path: Path, content: bytes, found: str) -> None:
    path.write_bytes(content)

    began = time.process_time()
    tracemalloc.start()
    assert recognise(path) == found
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert time.process_time() - began < SECONDS
    assert most < MEMORY_BYTES


def test_a_file_of_two_formats_is_the_one_that_it_begins_as(path: Path) -> None:
    picture = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(20)
    path.write_bytes(picture + zipped({"word/document.xml": "<a/>"}) + b"<html><script>")

    assert recognise(path) == "image/png"
    assert contradicts(path, "application/zip")
    assert contradicts(path, "text/html")


def test_an_archive_is_not_believed_to_be_any_type_that_it_names(path: Path) -> None:
    for claim in ("text/html", "application/vnd.oasis.opendocument.<script>", "application/epub+zip\r\nX: y"):
        path.write_bytes(claimed(claim))
        found = recognise(path)

        assert found in ("application/zip", "application/epub+zip")


def test_only_the_first_bytes_are_looked_at(path: Path) -> None:
    path.write_bytes(streamed({"a": random.Random(1).randbytes(70_000), "word/document.xml": "<a/>"}))

    assert recognise(path) == "application/zip"


def test_a_directory_that_is_far_away_is_not_looked_for(path: Path) -> None:
    content = bytearray(ole("WordDocument"))
    content[48:52] = b"\xf0\xff\xff\xff"
    path.write_bytes(content)

    assert recognise(path) == "application/x-ole-storage"


def test_texts_are_a_family() -> None:
    assert is_text("application/json")
    assert not is_text(None)
    assert family_of("application/x-something-new") is None

"""Payloads without a declared type, or of one that says too little: the content decides."""

import gzip
from functools import partial
from pathlib import Path

import pytest

from app.domain.errors import InvalidPayload, ProblemCode
from app.domain.kinds import KINDS
from app.domain.media_types import UNDECLARED
from app.domain.summaries import AnySummary

from .conftest import MakeTask, ProcessDataset
from .recognised_files import FILES, ole
from .test_declared_types import DECLARED, TEXTS, content_of, processed

#: Types that are shown as another one: nothing tells Markdown from other texts.
SHOWN_AS = {"text/markdown": "text/plain"}
#: Types of the kinds that find them out by the content, and of those whose summary has a model.
TOLD_BY_CONTENT = [(kind, name) for kind, name in DECLARED if UNDECLARED in KINDS[kind].open_types]
DESCRIBED = [(kind, name) for kind, name in DECLARED if KINDS[kind].summary is not AnySummary]
packed = partial(gzip.compress, mtime=0)
ROWS = b"a,b\n1,2\n"
LINES = b'{"a": 1}\n{"a": 2}\n'


@pytest.mark.parametrize(("kind", "media_type"), TOLD_BY_CONTENT)
def test_the_content_decides(make_task: MakeTask, tmp_path: Path, kind: str, media_type: str) -> None:
    report = processed(make_task(content_of(media_type, tmp_path), ""), kind)

    assert report.media_type == SHOWN_AS.get(media_type, media_type)


@pytest.mark.parametrize(("kind", "media_type"), DESCRIBED)
def test_a_summary_is_what_the_api_document_says(
    make_task: MakeTask, tmp_path: Path, kind: str, media_type: str
) -> None:
    report = processed(make_task(content_of(media_type, tmp_path), media_type), kind)

    described = KINDS[kind].summary.model_validate(report.summary, extra="forbid", strict=True)
    assert described.model_dump(exclude_unset=True) == report.summary


@pytest.mark.parametrize(
    ("payload", "media_type", "found"),
    [
        (ROWS, "application/vnd.ms-excel", "text/csv"),
        (ROWS, "application/vnd.ms-excel; charset=windows-1252", "text/csv"),
        (ROWS, "application/csv", "text/csv"),
        (ROWS, "text/x-csv", "text/csv"),
        (packed(ROWS), "application/gzip", "text/csv"),
        (packed(ROWS), "application/x-gzip", "text/csv"),
        (packed(b'[{"a": 1}]'), "application/x-gzip", "application/json"),
        (packed(LINES), "", "application/x-ndjson"),
        (b"a\tb\n1\t2\n", "application/octet-stream", "text/tab-separated-values"),
        (b'a\tb\n1\t"x\ty"\n', "application/octet-stream", "text/csv"),
        (b"a title\na\tb\n1\t2\n", "application/octet-stream", "text/csv"),
        (b"a;b\n1;2\n", "", "text/csv"),
        ("a,b\ngrößer,ü\n".encode("utf-16"), "", "text/csv"),
        (LINES.decode().encode("utf-16"), "", "application/x-ndjson"),
        (b'\xef\xbb\xbf{"a": 1}', "", "application/x-ndjson"),
        (LINES, "application/json", "application/x-ndjson"),
        (b'[{"a": 1},\n{"a": 2}]', "application/json", "application/json"),
        (b"[" + b'{"a": "' + b"x" * 90_000 + b'"}]', "", "application/json"),
    ],
)
def test_a_table_is_read_as_what_it_shows(
    process: ProcessDataset, payload: bytes, media_type: str, found: str
) -> None:
    result = process(payload, media_type)

    assert result.report.media_type == found
    assert (
        result.report.summary["format"]
        == {
            "text/csv": "csv",
            "text/tab-separated-values": "tsv",
            "application/json": "json",
            "application/x-ndjson": "ndjson",
        }[found]
    )


def test_an_object_alone_is_no_table_under_the_type_of_json(process: ProcessDataset) -> None:
    with pytest.raises(InvalidPayload, match="array"):
        process(b'{"error": "too late"}\n', "application/json")


@pytest.mark.parametrize(
    ("kind", "payload", "media_type", "named"),
    [
        ("image", b"%PDF-1.7\n", "", "application/pdf"),
        ("image", FILES["video/mp4"][0], "", "video/mp4"),
        ("image", bytes(range(256)), "", "of no known type"),
        ("document", FILES["video/mp4"][0], "", "video/mp4"),
        ("document", b"<!doctype html><p>", "", "text/html"),
        ("document", bytes(range(256)), "", "of no known type"),
        ("dataset", ole("Workbook"), "application/vnd.ms-excel", "application/vnd.ms-excel"),
        ("dataset", FILES["application/xml"][0], "", "application/xml"),
        ("dataset", b"<!doctype html><p>", "", "text/html"),
        ("dataset", bytes(range(256)), "", "of no known type"),
        ("dataset", packed(bytes(range(256))), "", "application/gzip"),
        ("dataset", b"%PDF-1.7\n\0\1", "", "application/pdf"),
    ],
)
def test_a_refusal_names_what_was_found_and_what_would_do(
    make_task: MakeTask, kind: str, payload: bytes, media_type: str, named: str
) -> None:
    with pytest.raises(InvalidPayload) as refused:
        processed(make_task(payload, media_type), kind)

    would_do = ", ".join(sorted(KINDS[kind].media_types or ()))
    assert refused.value.code == ProblemCode.MEDIA_TYPE_MISMATCH
    assert refused.value.detail == f"The content is {named}. It should be one of: {would_do}."


@pytest.mark.parametrize("kind", ["dataset", "image", "document"])
def test_an_empty_payload_is_refused_as_empty(make_task: MakeTask, kind: str) -> None:
    with pytest.raises(InvalidPayload, match="empty"):
        processed(make_task(b"", ""), kind)


@pytest.mark.parametrize("media_type", sorted(TEXTS))
def test_a_text_of_any_format_is_a_document(make_task: MakeTask, media_type: str) -> None:
    assert processed(make_task(TEXTS[media_type], ""), "document").media_type == "text/plain"

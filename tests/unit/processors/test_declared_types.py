"""Every media type of every kind, declared for content of every other type."""

import gzip
import importlib
import io
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from app.domain.errors import InvalidPayload, ProblemCode
from app.domain.kinds import KINDS
from app.processors.report import Report, Task
from app.sandbox.wire import module_name

from .conftest import MakeTask, parquet_bytes
from .heic_files import PLAIN

#: Types of text. Their bytes do not tell one from another, so the rules of plain text hold for all.
TEXTS = {
    "text/csv": b"a,b\n1,2\n",
    "text/tab-separated-values": b"a\tb\n1\t2\n",
    "application/json": b'[{"a": 1}]\n',
    "application/x-ndjson": b'{"a": 1}\n',
    "text/plain": b"Hello.\n",
    "text/markdown": b"# Hello\n",
}
IMAGES = {f"image/{name}": name for name in ("png", "jpeg", "gif", "webp", "tiff", "bmp", "avif")}
PHOTOS = {
    "image/heic": PLAIN,
    "image/heif": PLAIN.replace(b"ftypheic\0\0\0\0mif1heic", b"ftypmif1\0\0\0\0mif1mif1"),
}
PDF = (
    b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n"
    b"2 0 obj\n<< /Type /Pages /Kids [3 0 R] /Count 1 >>\nendobj\n"
    b"3 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] >>\nendobj\n"
    b"trailer\n<< /Root 1 0 R >>\n%%EOF\n"
)
PARQUET = "application/vnd.apache.parquet"
#: Contents that no kind but `file` takes; plain text is welcome gzipped once.
OTHERS = {
    "application/zip": b"PK\x03\x04\x14\0\0\0\x08\0",
    "text/html": b"<!DOCTYPE html>\n<title>a,b</title>\n",
    "application/octet-stream": bytes(range(256)),
    "application/gzip": gzip.compress(gzip.compress(b"a,b\n1,2\n", mtime=0), mtime=0),
}
DECLARED = [
    (kind.name, media_type) for kind in KINDS.values() for media_type in sorted(kind.media_types or ())
]
#: A file of the second type may be declared as the first, because every HEIC is a HEIF.
IS_BOTH = ("image/heif", "image/heic")
CONTENTS = [*TEXTS, *IMAGES, *PHOTOS, "application/pdf", PARQUET, *OTHERS]
MISMATCHES = [
    (kind, declared, actual)
    for kind, declared in DECLARED
    for actual in CONTENTS
    if declared != actual and not {declared, actual} <= TEXTS.keys() and (declared, actual) != IS_BOTH
]
#: Types that a file of any kind must really have once they are declared.
SIGNED = [*IMAGES, *PHOTOS, "application/pdf", PARQUET]


def content_of(media_type: str, folder: Path) -> bytes:
    if media_type in IMAGES:
        picture = io.BytesIO()
        Image.new("RGB", (8, 8), "red").save(picture, IMAGES[media_type])
        return picture.getvalue()
    if media_type == PARQUET:
        return parquet_bytes(folder, "SELECT 1 AS a")
    return (TEXTS | OTHERS | PHOTOS | {"application/pdf": PDF})[media_type]


def processed(task: Task, kind: str) -> Report:
    processor = str(KINDS[kind].processor)
    report: Report = importlib.import_module(f"app.processors.{processor}").process(
        replace(task, processor=processor)
    )
    return report


@pytest.mark.parametrize("kind", [kind.name for kind in KINDS.values() if kind.processor])
def test_every_kind_has_a_processor_to_load(kind: str) -> None:
    """The worker loads them all before its first payload, so one that is missing would stop every kind."""
    module = importlib.import_module(module_name(str(KINDS[kind].processor)))

    assert callable(module.process)


@pytest.mark.parametrize(("kind", "declared"), DECLARED)
def test_content_of_the_declared_type_is_ready(
    make_task: MakeTask, tmp_path: Path, kind: str, declared: str
) -> None:
    assert processed(make_task(content_of(declared, tmp_path), declared), kind).summary


@pytest.mark.parametrize(("kind", "declared", "actual"), MISMATCHES)
def test_content_of_another_type_is_a_mismatch(
    make_task: MakeTask, tmp_path: Path, kind: str, declared: str, actual: str
) -> None:
    task = make_task(content_of(actual, tmp_path), declared)

    with pytest.raises(InvalidPayload) as refused:
        processed(task, kind)

    assert refused.value.code == ProblemCode.MEDIA_TYPE_MISMATCH


@pytest.mark.parametrize("actual", CONTENTS)
def test_any_file_passes_as_what_it_is_and_as_nothing_else(
    make_task: MakeTask, tmp_path: Path, actual: str
) -> None:
    payload = content_of(actual, tmp_path)

    for declared in SIGNED:
        task = make_task(payload, declared)
        if declared == actual:
            assert processed(task, "file").summary == {"detected_media_type": actual}
        if declared == actual or (declared, actual) == IS_BOTH:
            continue
        with pytest.raises(InvalidPayload) as refused:
            processed(task, "file")
        assert refused.value.code == ProblemCode.MEDIA_TYPE_MISMATCH

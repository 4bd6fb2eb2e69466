"""The real processors in the sandbox: hostile neighbours, and a machine on which only /tmp can be written.

The latter is a mount namespace: the root file system read-only, /dev/shm too, as on Lambda.
"""

import gzip
import os
import subprocess
import sys
import tempfile
import zlib
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from app.domain.errors import InvalidPayload, ProblemCode
from app.processors.report import Task
from app.sandbox.client import Sandbox
from benchmarks.samples import csv_file, pdf_file, picture

ROOT = Path(__file__).parents[3]
MIB = 1024**2
PROCESSORS = {
    "text/csv": "dataset",
    "application/x-ndjson": "dataset",
    "application/json": "dataset",
    "application/vnd.apache.parquet": "dataset",
    "image/png": "image",
    "application/pdf": "document",
    "text/plain": "document",
}
#: A shell's: what its first argument names stays writable; the rest is what to run.
READ_ONLY = """
set -e
mount --bind "$1" "$1"
mount -o remount,bind,ro /
mount -t tmpfs -o ro none /dev/shm
shift
exec "$@"
"""


@pytest.fixture
def payloads(tmp_path: Path) -> dict[str, Path]:
    """One of each kind, by its media type."""
    samples = (
        csv_file(tmp_path, 100_000),
        picture(tmp_path, 64, 48, "png"),
        pdf_file(tmp_path, 2),
    )
    return {sample.media_type: sample.path for sample in samples}


def task_of(media_type: str, source: Path, output: Path) -> Task:
    output.mkdir()
    return Task(
        processor=PROCESSORS[media_type],
        source=source,
        output=output,
        media_type=media_type,
        unpacked_limit=64 * MIB,
        memory_limit=1024 * MIB,
        disk_limit=1024 * MIB,
    )


EAST_ASIAN = {
    "gb18030": "数据",
    "hz": "数据",
    "big5": "資料",
    "big5hkscs": "資料",
    "euc_jp": "データ",
    "shift_jis": "データ",
    "iso2022_jp": "データ",
    "euc_kr": "자료",
    "johab": "자료",
    "iso2022_kr": "자료",
}


def test_texts_in_charsets_that_python_has_a_library_for_are_read(tmp_path: Path) -> None:
    """A child can load no library: each is there before it is forked."""
    read: dict[str, str] = {}
    with Sandbox(["document"]) as sandbox:
        for charset, text in EAST_ASIAN.items():
            (tmp_path / charset).write_bytes(text.encode(charset))
            task = task_of("text/plain", tmp_path / charset, tmp_path / f"{charset}-output")
            sandbox.run(replace(task, parameters={"charset": charset}), seconds=60)
            read[charset] = (task.output / "text.txt").read_text("utf-8")

    assert read == EAST_ASIAN


def written_with_int96() -> bytes:
    sink = pa.BufferOutputStream()
    times = pa.table({"a": pa.array([1, 2], pa.timestamp("ns"))})
    pq.write_table(times, sink, use_deprecated_int96_timestamps=True)
    return bytes(sink.getvalue().to_pybytes())


#: The processor writes each of these anew before it reads it.
ODD_TABLES = {
    "end mark": ("text/csv", b"a,b\r\n1,2\r\n3,4\r\n\x1a"),
    "delimiter": ("text/csv", b"sep=;\na;b\n1;2\n3;4\n"),
    "title": ("text/csv", b"Report 2024\n\na,b\n1,2\n3,4\n"),
    "ragged": ("text/csv", b"a,b,c\n1,2\n3,4,5\n"),
    "late text": ("text/csv", b"a\n1\n" * 3_000 + b"x\n"),
    "UTF-16": ("text/csv", "a,b\n1,é\n3,4\n".encode("utf-16")),
    "keys": ("application/x-ndjson", b'{"a":1,"A":1e400}\n{"a":{"b":1}}\n'),
    "array": ("application/json", b'[{"a":1},{"a":1.10}]'),
    "INT96": ("application/vnd.apache.parquet", written_with_int96()),
}


def test_odd_tables_are_read_in_the_sandbox_as_well(tmp_path: Path) -> None:
    """Its list of system calls has what the processor needs for them."""
    rows = {}
    with Sandbox(["dataset"]) as sandbox:
        for name, (media_type, payload) in ODD_TABLES.items():
            (tmp_path / name).write_bytes(payload)
            task = task_of(media_type, tmp_path / name, tmp_path / f"{name} output")
            rows[name] = sandbox.run(task, seconds=60).summary["rows"]

    assert rows == dict.fromkeys(ODD_TABLES, 2) | {"late text": 6_000}


def png_of(width: int, height: int) -> bytes:
    """A picture that is large by its own account."""
    header = b"IHDR" + width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x02\0\0\0"
    chunks = (header, b"IDAT" + zlib.compress(b""), b"IEND")
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        (len(chunk) - 4).to_bytes(4, "big") + chunk + zlib.crc32(chunk).to_bytes(4, "big") for chunk in chunks
    )


@pytest.mark.parametrize(
    ("media_type", "bomb"),
    [
        ("text/csv", gzip.compress(b"1,2\n" * (20 * MIB), compresslevel=1)),
        ("image/png", png_of(100_000, 100_000)),
    ],
    ids=["gzip", "png"],
)
def test_a_bomb_rejects_itself_and_none_of_its_neighbours(
    payloads: dict[str, Path], tmp_path: Path, media_type: str, bomb: bytes
) -> None:
    (tmp_path / "bomb").write_bytes(bomb)
    with Sandbox(list(PROCESSORS.values())) as sandbox:
        with pytest.raises(InvalidPayload) as refused:
            sandbox.run(task_of(media_type, tmp_path / "bomb", tmp_path / "output"), seconds=60)
        made = {
            media_type: len(
                sandbox.run(task_of(media_type, source, tmp_path / str(place)), seconds=60).artifacts
            )
            for place, (media_type, source) in enumerate(payloads.items())
        }

    assert refused.value.code is ProblemCode.LIMIT_EXCEEDED
    assert made == {"text/csv": 3, "image/png": 2, "application/pdf": 2}


def pdf_of(content: bytes) -> bytes:
    """One page, which PDFium reads whole before it draws it."""
    packed = zlib.compress(content, 9)
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 600]/Contents 4 0 R>>",
        b"<</Filter/FlateDecode/Length %d>>stream\n%b\nendstream" % (len(packed), packed),
    ]
    numbered = [b"%d 0 obj%b endobj\n" % (number, body) for number, body in enumerate(objects, 1)]
    return b"%PDF-1.7\n" + b"".join(numbered) + b"trailer<</Size 5/Root 1 0 R>>\n%%EOF"


def test_a_pdf_that_needs_too_much_memory_is_over_a_limit_and_no_crash(tmp_path: Path) -> None:
    """PDFium does not answer that it got no memory: it aborts."""
    (tmp_path / "bomb").write_bytes(pdf_of(b"0 0 m 1 1 l " * 3_000_000 + b"S"))
    task = replace(task_of("application/pdf", tmp_path / "bomb", tmp_path / "output"), memory_limit=128 * MIB)

    with Sandbox(["document"]) as sandbox, pytest.raises(InvalidPayload) as refused:
        sandbox.run(task, seconds=60)

    assert refused.value.code is ProblemCode.LIMIT_EXCEEDED
    assert refused.value.detail == "Processing this payload needed more than 128 MiB of memory."


PROCESS_ALL = """
import logging, sys
from pathlib import Path
from app.processors.report import Task
from app.sandbox.client import Sandbox

for place in ("/var/tmp", "/dev/shm", str(Path.home())):
    try:
        Path(place, "written").touch()
    except OSError:
        continue
    print("writable:", place)

logging.basicConfig(stream=sys.stdout, format="%(message)s")
folder = Path(sys.argv[1])
with Sandbox(["dataset", "image", "document"]) as sandbox:
    for argument in sys.argv[2:]:
        processor, media_type, source = argument.split(",")
        output = folder / processor
        output.mkdir()
        task = Task(processor=processor, source=Path(source), output=output, media_type=media_type,
                    unpacked_limit=2**26, memory_limit=2**30, disk_limit=2**30)
        print(processor, len(sandbox.run(task, seconds=60).artifacts))
"""


@pytest.fixture
def read_only() -> list[str]:
    """The command, without what it is to run, that leaves only the temporary folder writable."""
    as_root = [] if os.getuid() == 0 else ["--map-root-user"]
    command = ["unshare", "--mount", *as_root, "sh", "-c", READ_ONLY, "sh", tempfile.gettempdir()]
    try:
        tried = subprocess.run([*command, "true"], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no unshare here to make a mount namespace with")
    if tried.returncode != 0:
        pytest.skip(f"this user may not make a mount namespace: {tried.stderr.strip()}")
    return command


def test_all_work_where_only_the_temporary_folder_is_writable(
    read_only: list[str], payloads: dict[str, Path], tmp_path: Path
) -> None:
    (tmp_path / "outputs").mkdir()
    tasks = [f"{PROCESSORS[media_type]},{media_type},{source}" for media_type, source in payloads.items()]

    shown = subprocess.run(
        [*read_only, sys.executable, "-c", PROCESS_ALL, str(tmp_path / "outputs"), *tasks],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert shown.stdout.splitlines() == ["dataset 3", "image 2", "document 2"], shown.stderr

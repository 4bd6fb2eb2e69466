"""The real processors in the sandbox: hostile neighbours, and a machine on which only /tmp can be written.

The latter is a mount namespace: the root file system read-only, /dev/shm too, as on Lambda.
"""

import gzip
import os
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

import pytest

from app.domain.errors import InvalidPayload, ProblemCode
from app.processors.report import Task
from app.sandbox.client import Sandbox
from benchmarks.samples import csv_file, pdf_file, picture

ROOT = Path(__file__).parents[3]
MIB = 1024**2
PROCESSORS = {"text/csv": "dataset", "image/png": "image", "application/pdf": "document"}
READ_ONLY = """
set -e
mount --bind "$1" "$1"
mount -o remount,bind,ro /
mount -t tmpfs -o ro none /dev/shm
shift
exec "$@"
"""
"""A shell's: what its first argument names stays writable; the rest is what to run."""


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
    )


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
                    unpacked_limit=2**26, memory_limit=2**30)
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

"""Every file of well-known packages' test suites through the real sandbox, many through the running stack.

`make real-files` runs these: they need the files that `make samples` fetches.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from app.config import WorkerSettings
from app.domain.errors import InvalidPayload
from app.domain.kinds import KINDS
from app.domain.media_types import UNDECLARED
from app.processors.image.exif import TAGS
from app.processors.report import Report, Task
from app.sandbox.client import Sandbox
from app.services.background.processing import PROCESSOR_MEMORY_BYTES
from tests.system.client import Client
from tests.system.conftest import Runtime
from tests.system.real_files import PACKAGES, SAMPLES, RealFile, files_of

pytestmark = pytest.mark.real_files

WORKER = WorkerSettings(table_name="t", bucket_name="b", queue_url="q", dead_letter_queue_url="d")
#: One file in this many goes through the running stack.
EVERY = 7
FAULTS = ("sandbox.", "worker.raised", "processing.failed", "Traceback")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox([kind.processor for kind in KINDS.values() if kind.processor]) as sandbox:
        sandbox.start()
        yield sandbox


def children() -> set[int]:
    """This process's: the fork server is one of them."""
    lists = Path("/proc/self/task").glob("*/children")
    return {int(pid) for listed in lists for pid in listed.read_text().split()}


def processed(sandbox: Sandbox, file: RealFile, folder: Path) -> Report:
    (folder / "scratch").mkdir(parents=True)
    kind = KINDS[file.kind]
    task = Task(
        processor=str(kind.processor),
        source=file.path,
        output=folder,
        media_type=file.media_type,
        unpacked_limit=kind.unpacked_limit,
        memory_limit=PROCESSOR_MEMORY_BYTES,
        disk_limit=16 * PROCESSOR_MEMORY_BYTES,
    )
    return sandbox.run(task, seconds=WORKER.lease_seconds)


def verdict(sandbox: Sandbox, file: RealFile, folder: Path) -> str:
    try:
        report = processed(sandbox, file, folder)
    except InvalidPayload as refused:
        return refused.code.value if refused.detail else "no reason"
    if file.kind == "image":
        assert report.summary["exif"].keys() <= TAGS.keys()
        for artifact in report.artifacts:
            assert_is_bare(folder / artifact.name)
    return "ready"


def assert_is_bare(picture: Path) -> None:
    """About a hundred and eighty of these pictures have EXIF data, two of them say where they were taken."""
    with Image.open(picture) as opened:
        assert opened.info.keys().isdisjoint({"exif", "xmp", "icc_profile"})


@pytest.mark.parametrize("package", PACKAGES)
def test_every_file_of_a_package_ends_as_it_should(
    sandbox: Sandbox, package: str, tmp_path: Path, measured: Callable[[str], None]
) -> None:
    files, before = files_of(package), children()
    found: dict[RealFile, str] = {}
    seconds: dict[RealFile, float] = {}
    for number, file in enumerate(files):
        began = time.monotonic()
        found[file] = verdict(sandbox, file, tmp_path / str(number))
        seconds[file] = time.monotonic() - began

    slowest = max(files, key=lambda file: seconds[file])
    measured(
        f"{package}: {len(files)} files, {told(found.values())}; "
        f"slowest {slowest.path.name}, {seconds[slowest]:.2f} s"
    )
    assert {file.path.name: verdict for file, verdict in found.items()} == {
        file.path.name: file.expected for file in files
    }
    assert len(before) == 1
    assert children() == before, "the fork server died"


def test_what_file_recognises_is_printed(
    sandbox: Sandbox, tmp_path: Path, measured: Callable[[str], None]
) -> None:
    """The list is by suffix, as a person goes by names. Nothing is declared, so no file is refused."""
    found: dict[str, Counter[str]] = {}
    for number, path in enumerate(sorted(SAMPLES.glob("*/*"))):
        report = processed(sandbox, RealFile(path, "file", UNDECLARED), tmp_path / str(number))
        types = found.setdefault(path.suffix.lower(), Counter())
        types[report.summary["detected_media_type"] or "unknown"] += 1

    for suffix, types in sorted(found.items()):
        measured(f"{suffix or 'no suffix'}: {told(types.elements())}")
    unknown = sum(types["unknown"] for types in found.values())
    measured(f"{unknown} of {sum(map(Counter.total, found.values()))} files are of no known type")
    assert found


def test_files_of_every_package_pass_the_running_stack(
    running: Runtime, measured: Callable[[str], None]
) -> None:
    client = Client(running.url, {"X-Owner": "real-files"})
    everything = [file for package in PACKAGES for file in files_of(package)]
    chosen = [file for file in everything[::EVERY] if file.path.stat().st_size]
    chosen += [file for file in everything if file.expected != "ready" and file.path.stat().st_size]

    began = time.monotonic()
    ids = {
        file: client.upload(file.kind, file.path.name, file.media_type, file.path.read_bytes())
        for file in chosen
    }
    found = {file: client.wait_until_settled(object_id) for file, object_id in ids.items()}
    took = time.monotonic() - began

    ends = {file: (one["problem"] or {"code": one["status"]})["code"] for file, one in found.items()}
    measured(f"through the running stack: {len(ids)} files in {took:.0f} s, {told(ends.values())}")
    assert ends == {file: file.expected for file in ids}
    assert all(one["problem"]["detail"] for one in found.values() if one["problem"])
    assert {word for word in FAULTS if word in running.output()} == set()


def told(verdicts: Iterable[str]) -> str:
    return ", ".join(f"{count} {verdict}" for verdict, count in Counter(verdicts).most_common())

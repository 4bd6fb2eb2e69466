"""The sandbox finds out at its start whether its locks let the processors work."""

import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import pytest

from app.domain.kinds import KINDS, Kind
from app.processors import image
from app.processors.report import Sample
from app.sandbox.locks.optional import Locks
from app.sandbox.locks.self_check import MOST_CALLS, Findings, Probe, check
from tests.unit.sandbox.calls import FREE, numbers_of
from tests.unit.sandbox.workers import LANDLOCK, picky, task, work

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="what only Linux can do")

UNAME, GETPPID, CAPGET = (numbers_of("aarch64")[name] for name in ("uname", "getppid", "capget"))
#: Media types that are read by the same code as another one.
READ_ALIKE = {"text/tab-separated-values", "text/markdown", "image/heif"}
#: The types that libvips or libwebp reads. Where it fails, Pillow reads them, and no sample would tell.
STREAMED = ("image/png", "image/webp", "image/tiff")
TABLE = Probe("app.processors.table", Sample("text/csv", b"1"))
PICTURE = Probe("app.processors.picture", Sample("image/png", b"2"))


class Machine:
    """Processors that need some calls beside those on the list, or files that Landlock closes."""

    def __init__(self, needs: dict[Probe, set[int]], *, files: tuple[Probe, ...] = ()) -> None:
        self.needs = needs
        self.files = files
        self.trials = 0

    def passes(self, probes: Sequence[Probe], locks: Locks) -> bool:
        self.trials += 1
        return all(
            (not locks.allow_list or self.needs[probe] <= locks.also)
            and not (locks.landlock and probe in self.files)
            for probe in probes
        )


def findings(machine: Machine) -> Findings:
    return check((TABLE, PICTURE), machine.passes, "aarch64")


def test_where_all_pass_there_is_one_trial() -> None:
    machine = Machine({TABLE: set(), PICTURE: set()})

    assert findings(machine) == Findings(Locks())
    assert machine.trials == 1


def test_the_calls_that_are_missed_are_named_and_refusals_are_listed() -> None:
    machine = Machine({TABLE: {UNAME, CAPGET}, PICTURE: set()})

    found = findings(machine)

    assert found.locks == Locks(allow_list=False)
    assert found.stopped == ("table text/csv",)
    assert set(found.calls) == {str(UNAME), str(CAPGET)}


def test_a_call_of_a_table_has_its_name() -> None:
    machine = Machine({TABLE: {numbers_of("aarch64")["memfd_create"]}, PICTURE: set()})

    assert findings(machine).calls == ("memfd_create",)


def test_the_search_for_calls_ends() -> None:
    machine = Machine({TABLE: set(range(100, 200)), PICTURE: set()})

    assert len(findings(machine).calls) == MOST_CALLS
    assert machine.trials < 70


def test_where_landlock_is_in_the_way_it_alone_is_left_out() -> None:
    machine = Machine({TABLE: set(), PICTURE: set()}, files=(PICTURE,))

    assert findings(machine) == Findings(Locks(landlock=False), stopped=("picture image/png",))


def test_both_are_left_out_if_both_are_in_the_way() -> None:
    machine = Machine({TABLE: {GETPPID}, PICTURE: set()}, files=(PICTURE,))

    found = findings(machine)

    assert found.locks == Locks(allow_list=False, landlock=False)
    assert found.calls == (str(GETPPID),)


def test_a_sample_that_fails_anyway_weakens_nothing() -> None:
    """A full disk, say."""
    assert check((TABLE, PICTURE), lambda probes, locks: TABLE not in probes, "aarch64") == Findings(
        Locks(), broken=("table text/csv",)
    )


def test_what_failed_once_and_passes_alone_weakens_nothing() -> None:
    assert check((TABLE, PICTURE), lambda probes, locks: len(probes) == 1, "aarch64") == Findings(Locks())


@on_linux
def test_a_processor_that_needs_other_calls_works_under_refusals_and_the_alarm_is_told(
    tmp_path: Path,
) -> None:
    assert "uname" not in FREE
    numbers = {str(number) for name, number in numbers_of("x86_64").items() if name in ("uname", "getppid")}

    seen = work(task(tmp_path / "task", "uname getppid"), modules=picky("calls"))

    [told] = seen.events("sandbox.lock_left_out")
    assert (told["weaker_sandboxes"], told["samples"]) == (1, ["picky_calls x/calls"])
    assert (told["allow_list"], told["landlock"], set(told["calls"])) == (False, True, numbers)
    assert seen.summaries == [{}], seen.errors


@on_linux
def test_a_processor_that_needs_other_files_works_without_landlock(tmp_path: Path) -> None:
    seen = work(task(tmp_path / "task", "/etc/passwd"), modules=picky("file"))

    if seen.events("sandbox.weakened"):
        pytest.skip("this kernel has no Landlock")
    [told] = seen.events("sandbox.lock_left_out")
    assert (told["allow_list"], told["landlock"], told["calls"]) == (True, False, [])
    assert seen.summaries == [{}], seen.errors


@on_linux
def test_a_broken_sample_is_told_and_the_locks_stay(tmp_path: Path) -> None:
    seen = work(task(tmp_path / "task", "getpid"), modules=picky("broken"))

    assert [line["samples"] for line in seen.events("sandbox.sample_failed")] == [["picky_broken x/broken"]]
    assert seen.events("sandbox.lock_left_out") == []
    assert seen.summaries == [{}], seen.errors


@on_linux
@pytest.mark.parametrize("refused", [(), (LANDLOCK,)], ids=["with Landlock", "without"])
def test_the_real_processors_need_nothing_else(refused: tuple[tuple[str, int | None], ...]) -> None:
    modules = tuple(f"app.processors.{kind.processor}" for kind in KINDS.values() if kind.processor)

    seen = work(modules=modules, refused=refused)

    assert seen.status == 0, seen.errors
    assert [line["event"] for line in seen.lines] == ["sandbox.weakened"] * bool(refused)


@pytest.mark.parametrize(
    "kind", [kind for kind in KINDS.values() if kind.media_types], ids=lambda kind: kind.name
)
def test_every_media_type_of_a_kind_has_a_sample(kind: Kind) -> None:
    samples = import_module(f"app.processors.{kind.processor}").SAMPLES

    assert kind.media_types is not None
    assert {sample.media_type for sample in samples} == kind.media_types - READ_ALIKE


@on_linux
def test_what_libvips_or_libwebp_reads_is_read_under_the_locks_too(tmp_path: Path) -> None:
    """The samples are wider than a preview, so that they are shrunk as well."""
    samples = [sample for sample in image.SAMPLES if sample.media_type in STREAMED]
    tasks = [task(tmp_path / str(place), "", sample.media_type) for place, sample in enumerate(samples)]
    for place, sample in enumerate(samples):
        (tmp_path / str(place) / "source").write_bytes(sample.content)

    seen = work(*tasks, modules=("tests.unit.sandbox.streaming",))

    assert [summary["size"] for summary in seen.summaries] == [[1600, 2]] * len(STREAMED), seen.errors

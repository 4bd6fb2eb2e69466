"""Files, TCP and signals that a child can reach, with Landlock and without it."""

import os
import sys
import tempfile
from pathlib import Path

import pytest

from app.sandbox.locks import kernel, landlock
from tests.unit.sandbox.workers import LANDLOCK, PRCTL, Seen, task, work

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="what only Linux can do")


def version() -> int:
    try:
        return kernel.system_call(444, None, 0, 1)
    except OSError:
        return 0


with_landlock = pytest.mark.skipif(version() < 6, reason="this kernel has no Landlock, or an old one")


@pytest.fixture
def payload(tmp_path: Path) -> Path:
    """Write another owner's payload in a data folder."""
    path = tmp_path / "data" / "payload"
    path.parent.mkdir()
    path.write_bytes(b"another's")
    return path


def reached(payload: Path, folder: Path, refused: tuple[tuple[str, int | None], ...] = ()) -> Seen:
    home = folder / "home"
    home.mkdir()
    places = {"folder": str(payload.parent), "home": str(home)}
    return work(task(folder / "task", "reach_other_payloads", **places), refused=refused)


@with_landlock
def test_no_other_payload_can_be_read_or_forged(payload: Path, tmp_path: Path) -> None:
    seen = reached(payload, tmp_path)

    [attempts] = seen.summaries
    assert len(attempts) == 17
    assert {name: outcome for name, outcome in attempts.items() if outcome == "done"} == {}
    assert payload.read_bytes() == b"another's"
    assert [path.name for path in payload.parent.iterdir()] == ["payload"]
    assert list((tmp_path / "home").iterdir()) == []


@with_landlock
def test_the_libraries_the_source_and_the_output_are_open(tmp_path: Path) -> None:
    seen = work(task(tmp_path / "task", "use_its_own_files"))

    assert seen.summaries == [{"seen": [True] * 5}], seen.errors


@with_landlock
def test_it_holds_where_the_kernel_has_no_filter(payload: Path, tmp_path: Path) -> None:
    seen = reached(payload, tmp_path, refused=(PRCTL,))

    [attempts] = seen.summaries
    assert {name for name, outcome in attempts.items() if outcome == "done"} == set()
    assert payload.read_bytes() == b"another's"


@with_landlock
def test_where_the_kernel_has_no_filter_parents_cannot_be_signalled(tmp_path: Path) -> None:
    seen = work(task(tmp_path / "task", "attack_its_parents", "x/pid"), refused=(PRCTL,))

    [attempts] = seen.summaries
    assert (attempts["kill of server"], attempts["kill of worker"]) == ("PermissionError",) * 2


def test_without_it_the_worker_says_so_once_and_works(payload: Path, tmp_path: Path) -> None:
    seen = work(
        task(tmp_path / "1", "nothing"), task(tmp_path / "2", "use_its_own_files"), refused=(LANDLOCK,)
    )

    assert seen.events("sandbox.weakened") == [
        {"event": "sandbox.weakened", "refused_by_kernel": ["landlock"]}
    ]
    assert seen.summaries == [{}, {"seen": [True] * 5}], seen.errors


def test_a_package_that_is_not_installed_opens_its_own_folder_only() -> None:
    """A checkout holds the data folder by default."""
    root = Path(__file__).parents[4]

    folders = landlock.libraries()

    assert root / "app" in folders
    assert not [folder for folder in folders if root.is_relative_to(folder)]
    assert {Path.home(), Path(tempfile.gettempdir())}.isdisjoint(folders)
    assert [folder for folder in folders if Path(os.__file__).resolve().is_relative_to(folder)]

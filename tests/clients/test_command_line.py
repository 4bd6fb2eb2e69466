"""The parts of the command `wharf` that need no service."""

import os
from pathlib import Path

import pytest
from rich.console import Console

from tests.clients.service import problem
from wharf_client import (
    Forbidden,
    NotFound,
    ObjectNotReady,
    Refused,
    StorageRefused,
    TimedOut,
    Unavailable,
    WharfError,
    __version__,
)
from wharf_client.cli import unfinished
from wharf_client.cli.__main__ import main
from wharf_client.cli.commands import _file_name, pairs
from wharf_client.cli.connection import message_of
from wharf_client.cli.exits import code_of
from wharf_client.cli.kinds import media_type_of
from wharf_client.cli.profiles import blocks, distribution, notes, profile_table, value
from wharf_client.cli.screen import bytes_text, described, listed, plain, summary_text

GIVEN = {"kind": "file", "labels": {}}
HOSTILE = "\x1b]0;owned\x07\u202egnp.exe[red]"
COLUMN = {
    "name": HOSTILE,
    "type": "text",
    "nulls": 1,
    "distinct": 2,
    "min": HOSTILE,
    "mean": None,
    "max": None,
}


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    made = tmp_path / "a.csv"
    made.write_text("a,b\n")
    return made


def interrupted(file: Path, error: BaseException, service: str = "http://a") -> str:
    """Return the key of an upload that ends with an error."""
    try:
        with unfinished.key_of(service, file, GIVEN) as key:
            raise error
    except type(error):
        return key


def test_a_key_is_kept_until_its_upload_has_ended(file: Path) -> None:
    first = interrupted(file, KeyboardInterrupt())
    assert interrupted(file, Unavailable("away")) == first

    with unfinished.key_of("http://a", file, GIVEN) as last:
        assert last == first
    with unfinished.key_of("http://a", file, GIVEN) as new:
        assert new != first


def test_a_refusal_ends_it_too(file: Path) -> None:
    first = interrupted(file, Refused(422, problem(422, "idempotency_key_reused").json()))

    assert interrupted(file, KeyboardInterrupt()) != first


def test_a_changed_file_and_another_service_have_other_keys(file: Path) -> None:
    keys = {interrupted(file, KeyboardInterrupt()), interrupted(file, KeyboardInterrupt(), "http://b")}
    os.utime(file, (1, 1))
    keys.add(interrupted(file, KeyboardInterrupt()))

    assert len(keys) == 3


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("a.csv", "text/csv"),
        ("A.CSV", "text/csv"),
        ("a.csv.gz", "text/csv"),
        ("a.b.ndjson", "application/x-ndjson"),
        ("a.png", "image/png"),
        ("a.pdf", "application/pdf"),
        ("a.heic", "image/heic"),
        ("a.tar.gz", "application/gzip"),
        ("a.gz", "application/gzip"),
        ("a", "application/octet-stream"),
    ],
)
def test_the_media_type_follows_from_the_name(name: str, media_type: str) -> None:
    assert media_type_of(Path(name)) == media_type


@pytest.mark.parametrize(
    ("name", "saved"),
    [
        ("trips.csv", "trips.csv"),
        ("../../.ssh/authorized_keys", "authorized_keys"),
        ("..\\..\\boot.ini", "boot.ini"),
        (".bashrc", "bashrc"),
        ("..", "o-1"),
        ("/", "o-1"),
    ],
)
def test_an_object_is_saved_in_this_folder_whatever_its_name(name: str, saved: str) -> None:
    assert _file_name(name, "o-1") == saved


def test_what_others_wrote_cannot_steer_a_terminal() -> None:
    column = {**COLUMN, "histogram": None, "top": [{"value": HOSTILE, "count": 3}], "original_name": HOSTILE}
    profile = {"rows": 4, "columns": [column], "lines_above": [HOSTILE]}
    console = Console(width=200, force_terminal=True)
    with console.capture() as capture:
        console.print(profile_table(profile), *notes(profile))

    assert "\x1b]" not in capture.get()
    assert "\u202e" not in capture.get()
    assert "[red]" in capture.get()
    assert plain(HOSTILE) == "\\u001b]0;owned\\u0007\\u202egnp.exe[red]"


def test_a_profile_tells_how_the_file_was_read_and_what_was_guessed() -> None:
    quiet: dict[str, object] = {"name": "quiet", "original_name": None, "flags": [], "formula_like": None}
    doubtful = {"name": "b", "original_name": "", "flags": ["ambiguous_date"], "formula_like": 2}
    profile = {
        "delimiter": ";",
        "encoding": "cp1252",
        "encoding_guessed": True,
        "header": True,
        "header_guessed": False,
        "ragged_rows": 1,
        "blank_lines": 0,
        "lines_above": ["Sales"],
        "total_rows": [9, 12],
        "columns": [quiet, doubtful],
    }

    assert [note.plain for note in notes(profile)] == [
        "delimiter: semicolon",
        "encoding: cp1252 (guessed)",
        "first row: names",
        "short rows, filled up: 1",
        "above the table: Sales",
        "rows of totals: 9, 12",
        "b: named '' in the file, ambiguous date, cells like a formula: 2",
    ]


def test_what_storage_says_is_told_as_a_sentence() -> None:
    xml = b"<Error><Code>Full</Code><Message>The disk has no room for &lt;9&gt;.</Message></Error>"

    assert str(StorageRefused(507, xml)) == "Storage answered 507: The disk has no room for <9>."
    assert str(StorageRefused(502, b"<html>")) == "Storage answered 502: <html>"


def test_a_histogram_shows_whatever_is_above_zero() -> None:
    assert blocks([0, 1, 500, 1000]) == " ▁▄█"
    assert blocks([]) == ""
    assert blocks([0, 0]) == "  "


def test_a_column_with_a_bin_for_each_value_shows_no_gaps() -> None:
    """Twelve months do not fill twenty bins. Where two values share a bin, the gaps tell how far they are."""
    counts = [5, 5, 0, 5, 0, 0, 10, 5]
    column = {"histogram": {"counts": counts}, "distinct": 5, "distinct_exact": True}

    assert distribution(column).plain == "▄▄▄█▄"
    assert distribution(column | {"distinct": 6}).plain == "▄▄ ▄  █▄"
    assert distribution(column | {"distinct_exact": False}).plain == "▄▄ ▄  █▄"


def test_a_summary_leaves_out_what_was_not_found() -> None:
    assert summary_text({"format": "png", "frames": 1, "title": None, "exif": {}}) == "format png, frames 1"
    assert summary_text({"width": 4, "exif": {"make": "Fram", "model": None}}) == "width 4, make Fram"


def test_a_rejected_object_shows_what_was_declared() -> None:
    declared = {"revision": 1, "media_type": "image/png", "size": 72, "sha256": None}
    stored = {
        "id": "o-1",
        "name": "broken.png",
        "kind": "image",
        "status": "rejected",
        "version": 3,
        "payload": None,
        "declared": declared,
        "result": None,
        "labels": {},
        "attributes": {},
        "problem": {"code": "invalid_content", "detail": "The image is damaged."},
        "updated_at": "2026-03-01T09:30:00.000Z",
    }
    console = Console(width=200)
    with console.capture() as capture:
        console.print(described(stored), listed([stored]))

    assert "declared  image/png, 72 B" in capture.get()
    assert "rejected  72 B" in capture.get()


def test_it_tells_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])

    assert (ended.value.code, capsys.readouterr().out) == (0, f"wharf {__version__}\n")


@pytest.mark.parametrize("port", ["80800", "-1"])
def test_a_port_that_no_machine_has_is_refused_in_words(
    port: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["listen", "--port", port, "--secret", "whsec_x"])

    assert (ended.value.code, "Invalid value for '--port'" in capsys.readouterr().err) == (2, True)


def test_values_are_short() -> None:
    shown = [value(one) for one in (None, True, 1234567, 0.1, 8.01492941666668, "Liberty Bell and more")]

    assert shown == ["", "true", "1,234,567", "0.1", "8.01493", "Liberty Bell …"]
    assert [bytes_text(size) for size in (0, 999, 1000, 4_180_000)] == ["0 B", "999 B", "1.0 kB", "4.2 MB"]


def test_labels_are_pairs() -> None:
    assert pairs(["team:growth", "url:http://a"]) == {"team": "growth", "url": "http://a"}
    assert pairs(None) == {}


def test_each_error_has_its_code() -> None:
    errors = [
        *(Refused(422, {}), NotFound(404, {}), Forbidden(403, {}), Unavailable("away"), TimedOut("late")),
        *(WharfError("other"), OSError("disk")),
    ]

    assert [code_of(error) for error in errors] == [1, 3, 4, 6, 7, 1, 1]
    assert code_of(ObjectNotReady.__new__(ObjectNotReady)) == 5


def test_an_address_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHARF_URL", "http://127.0.0.1:8080")

    assert message_of(Unavailable("away")) == "wharf: away (WHARF_URL: http://127.0.0.1:8080)"
    assert message_of(WharfError("no")) == "wharf: no"


def test_an_error_is_told_once_and_in_words() -> None:
    wrong = {"pointer": "/kind", "detail": "Input should be 'file'"}
    of_one = Refused(422, {"code": "invalid_input", "detail": wrong["detail"], "errors": [wrong]})
    of_two = Refused(
        422, {"code": "invalid_input", "detail": "Two fields are wrong", "errors": [wrong, wrong]}
    )
    unwritten = FileNotFoundError(2, "No such file or directory", "/nowhere/x.part")

    assert message_of(of_one) == "wharf: 422 invalid_input: /kind: Input should be 'file'"
    assert message_of(of_two).count("/kind: Input should be 'file'") == 2
    assert message_of(of_two).startswith("wharf: 422 invalid_input: Two fields are wrong; ")
    assert message_of(unwritten) == "wharf: No such file or directory: /nowhere/x.part"

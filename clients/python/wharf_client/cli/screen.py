"""Tables, progress bars and messages. Whatever others wrote is shown as plain text."""

import re
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table
from rich.text import Text

from wharf_client.flows.uploads import Progress as Report

COLOURS = {"ready": "green", "rejected": "red", "failed": "red", "expired": "yellow"}
LEAST_COLUMNS = 120
UNITS = ("B", "kB", "MB", "GB", "TB")
#: Control characters, and those that only turn the direction of text.
INVISIBLE = {"Cc", "Cf", "Zl", "Zp"}


def plain(value: object) -> str:
    """Return text without what could steer a terminal: an escape sequence is shown, never obeyed."""
    return "".join(
        f"\\u{ord(one):04x}" if unicodedata.category(one) in INVISIBLE else one for one in str(value)
    )


def text(value: object, style: str = "") -> Text:
    return Text(plain(value), style=style)


def say(message: object) -> None:
    """Tell a person something that is not a result."""
    print(plain(message), file=sys.stderr, flush=True)


def status(value: str) -> Text:
    return text(value, COLOURS.get(value, "cyan"))


def bytes_text(size: int) -> str:
    """Return a size in the unit that fits, as powers of 1,000."""
    amount, unit = float(size), UNITS[0]
    for unit in UNITS:
        if amount < 1000 or unit == UNITS[-1]:
            break
        amount /= 1000
    return f"{size} B" if unit == "B" else f"{amount:.1f} {unit}"


def summary_text(summary: Mapping[str, Any]) -> str:
    """Return what processing found, in one line. What is inside a map stands beside the rest."""
    found = [
        value.items() if isinstance(value, Mapping) else [(name, value)] for name, value in summary.items()
    ]
    return ", ".join(f"{name} {value}" for pairs in found for name, value in pairs if value is not None)


def listed(items: Iterable[Mapping[str, Any]]) -> Table:
    """Return a table of objects as a list has them."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("id", "kind", "status", "size", "updated", "name"):
        table.add_column(heading, no_wrap=heading != "name", justify="right" if heading == "size" else "left")
    for item in items:
        held = item["payload"] or item["declared"]
        table.add_row(
            text(item["id"]),
            text(item["kind"]),
            status(item["status"]),
            text(bytes_text(held["size"]) if held else ""),
            text(item["updated_at"][:19].replace("T", " ")),
            text(item["name"]),
        )
    return table


def described(stored: Mapping[str, Any]) -> Table:
    """Return what a person wants to know of one object."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    for name in ("name", "id", "kind"):
        table.add_row(name, text(stored[name]))
    table.add_row("status", Text.assemble(status(stored["status"]), f", version {stored['version']}"))
    if stored["problem"]:
        table.add_row("problem", text(f"{stored['problem']['code']}: {stored['problem']['detail']}", "red"))
    held = "payload" if stored["payload"] else "declared"
    if shown := stored[held]:
        table.add_row(held, text(f"{shown['media_type']}, {bytes_text(shown['size'])}"))
    if stored["result"]:
        table.add_row("summary", text(summary_text(stored["result"]["summary"])))
        names = ", ".join(one["name"] for one in stored["result"]["artifacts"])
        table.add_row("artifacts", text(names or "none"))
    if stored["labels"]:
        labels = ", ".join(f"{key}:{value}" for key, value in stored["labels"].items())
        table.add_row("labels", text(labels))
    for name, value in stored["attributes"].items():
        table.add_row(text(name), text(value))
    return table


def output() -> Console:
    """Return a console that is wide enough to show ids whole, also where a pipe has no width."""
    return Console(width=max(Console().width, LEAST_COLUMNS))


def as_svg(console: Console) -> str:
    """Return what a recording console has shown as a picture that fetches no fonts."""
    drawn = console.export_svg(title="wharf show", unique_id="wharf")
    return re.sub(r"@font-face \{.*?\}\s*", "", drawn, flags=re.DOTALL)


@contextmanager
def progress_of(what: str) -> Iterator[Report]:
    """Yield what reports progress; it draws a bar if a person is watching."""
    console = Console(stderr=True)
    with Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    ) as bars:
        bar = bars.add_task(plain(what), total=None)
        yield lambda done, total: bars.update(bar, completed=done, total=total)

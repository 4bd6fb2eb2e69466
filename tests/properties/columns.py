"""Columns of cells as text: plain ones, ones in a national style, and hostile ones.

A plain column must keep its type; of all others only the cells are compared.
"""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

from .forms import FORMS, Form

#: The text of a cell. None is an empty cell.
Cell = str | None
MakeCell = Callable[[Random], str]
#: The first row behind those that DuckDB's sniffer samples.
FIRST_LATE_ROW = 20_480
LATE_ROWS = 20_600
POOL = 60
FIRST_DAY = datetime(1990, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class TextColumn:
    """`label` says what the column is made of; `hostile` names the form by row, where there is one."""

    cells: list[Cell]
    label: str
    hostile: dict[int, Form] = field(default_factory=dict)
    #: The type that a plain column must have.
    type: str | None = None


def moment(random: Random) -> datetime:
    return FIRST_DAY + timedelta(seconds=random.randrange(40 * 365 * 86_400))


def _moment_as(form: str) -> MakeCell:
    return lambda random: moment(random).strftime(form)


def _fraction(digits: int) -> MakeCell:
    """Timestamps whose fraction ends in another digit than zero."""

    def make(random: Random) -> str:
        fraction = f"{random.randrange(10 ** (digits - 1)):0{digits - 1}d}" if digits > 1 else ""
        return f"{moment(random):%Y-%m-%dT%H:%M:%S}.{fraction}{random.randint(1, 9)}"

    return make


def _grouped(mark: str, comma: str) -> MakeCell:
    def make(random: Random) -> str:
        whole = f"{random.randrange(1, 3_000_000):,}".replace(",", mark)
        return f"{whole}{comma}{random.randrange(100):02d}" if comma else whole

    return make


def _day(form: str) -> MakeCell:
    """Days whose zeros are left out."""

    def make(random: Random) -> str:
        day = moment(random)
        return form.format(d=day.day, m=day.month, y=day.year)

    return make


def _offset(random: Random) -> str:
    return f"{moment(random):%Y-%m-%dT%H:%M:%S}{random.choice(('Z', '+02:00', '-05:30', '+00:00'))}"


def _digits(random: Random, count: int) -> str:
    return "".join(random.choices("123456789", k=count))


WORDS = ["apple", "Berlin", "cat", "Dora", "elm", "fig", "Greta", "hat", "ink", "jam", "Kiel", "lamp"]
#: The plain columns, by the type that they must keep.
PLAIN: Mapping[str, tuple[str, MakeCell]] = {
    "integer": ("integer", lambda random: str(random.randrange(-50, 10_000))),
    "decimal": ("number", lambda random: f"{random.randrange(-5_000, 100_000) / 100 + 0.005:.2f}"),
    "date": ("date", _moment_as("%Y-%m-%d")),
    "timestamp": ("timestamp", _moment_as("%Y-%m-%dT%H:%M:%S")),
    "zoned": ("timestamp", _moment_as("%Y-%m-%dT%H:%M:%SZ")),
    "time": ("time", _moment_as("%H:%M:%S")),
    "boolean": ("boolean", lambda random: random.choice(("true", "false"))),
    "word": ("text", lambda random: random.choice(WORDS)),
    "uuid": ("text", lambda random: str(uuid.UUID(int=random.getrandbits(128)))),
}
#: Whole columns as people and programs write them.
STYLES: Mapping[str, MakeCell] = {
    "decimal comma": lambda random: f"{random.randrange(1, 99_999) / 100:.2f}".replace(".", ","),
    "points between thousands, decimal comma": _grouped(".", ","),
    "points between thousands": _grouped(".", ""),
    "blanks between thousands, decimal comma": _grouped(" ", ","),
    "commas between thousands": _grouped(",", "."),
    "three digits behind a comma": lambda random: f"{random.randint(1, 99)},{random.randrange(1000):03d}",
    "three digits behind a point": lambda random: f"{random.randint(1, 99)}.{random.randrange(1000):03d}",
    "exponents with a point": lambda random: (
        f"{random.randint(1, 9)}.{random.randint(1, 99)}e{random.randint(-9, 20)}"
    ),
    "exponents without a point": lambda random: f"{random.randint(1, 9)}E{random.randint(1, 20)}",
    "plus before numbers": lambda random: (
        f"{random.choice('+-')}{random.randrange(100)}.{random.randrange(10)}"
    ),
    "plus before integers": lambda random: f"+{random.randrange(1_000_000)}",
    "mixed decimals": lambda random: random.choice(("{}", "{}.5", "{}.25", "{}.125")).format(
        random.randrange(500)
    ),
    "versions": lambda random: f"1.{random.randint(1, 12)}",
    "versions of three parts": lambda random: (
        f"{random.randint(0, 3)}.{random.randint(0, 12)}.{random.randint(0, 12)}"
    ),
    "codes with zeros": lambda random: f"{random.randrange(100_000):05d}",
    "full precision": lambda random: repr(random.random() * 1_000),
    "seventeen digits": lambda random: f"0.{_digits(random, 17)}",
    "twenty digits behind the point": lambda random: f"0.{_digits(random, 20)}",
    "integers of nineteen digits": lambda random: _digits(random, 19),
    "integers of 38 digits": lambda random: _digits(random, 38),
    "integers of 40 digits": lambda random: _digits(random, 40),
    "hexadecimal": lambda random: f"0x{random.randrange(4096):X}",
    "hashes of seven digits": lambda random: f"{random.getrandbits(28):07x}",
    "words in capitals": lambda random: random.choice(("TRUE", "FALSE")),
    "booleans in any case": lambda random: random.choice(("true", "True", "TRUE", "false", "False")),
    "yes and no": lambda random: random.choice(("yes", "no")),
    "t and f": lambda random: random.choice("tf"),
    "UUIDs in capitals": lambda random: str(uuid.UUID(int=random.getrandbits(128))).upper(),
    "dd.mm.yyyy": _moment_as("%d.%m.%Y"),
    "d.m.yyyy": _day("{d}.{m}.{y}"),
    "dd/mm/yyyy": _moment_as("%d/%m/%Y"),
    "mm/dd/yyyy": _moment_as("%m/%d/%Y"),
    "m/d/yyyy": _day("{m}/{d}/{y}"),
    "dd-mm-yyyy": _moment_as("%d-%m-%Y"),
    "yyyy/mm/dd": _moment_as("%Y/%m/%d"),
    "yyyymmdd": _moment_as("%Y%m%d"),
    "dd.mm.yy": _moment_as("%d.%m.%y"),
    "mm/dd/yy": _moment_as("%m/%d/%y"),
    "yy-mm-dd": _moment_as("%y-%m-%d"),
    "day and name of the month": _moment_as("%d-%b-%Y"),
    "days up to 12": lambda random: f"{random.randint(1, 12):02d}/{random.randint(1, 12):02d}/2023",
    "three small numbers": lambda random: "-".join(str(random.randint(1, 9)) for _ in range(3)),
    "three groups of two": lambda random: " ".join(f"{random.randint(1, 12):02d}" for _ in range(3)),
    "dates before 1900": lambda random: f"{random.randint(1, 1899):04d}-{random.randint(1, 12):02d}-11",
    "blank before the time": _moment_as("%Y-%m-%d %H:%M:%S"),
    "no seconds": _moment_as("%Y-%m-%d %H:%M"),
    "dd.mm.yyyy with time": _moment_as("%d.%m.%Y %H:%M"),
    "mm/dd/yyyy with time": _moment_as("%m/%d/%Y %H:%M:%S"),
    "twelve hours": _moment_as("%m/%d/%Y %I:%M:%S %p"),
    "tenths": _fraction(1),
    "milliseconds": _fraction(3),
    "microseconds": _fraction(6),
    "nanoseconds": _fraction(9),
    "mixed fractions": lambda random: _fraction(random.choice((1, 3, 6, 9)))(random),
    "midnights with milliseconds": _moment_as("%Y-%m-%d 00:00:00.000"),
    "one offset": _moment_as("%Y-%m-%dT%H:%M:%S+02:00"),
    "one offset without a colon": _moment_as("%Y-%m-%dT%H:%M:%S+0530"),
    "mixed offsets": _offset,
    "hours and minutes": _moment_as("%H:%M"),
    "times with milliseconds": _moment_as("%H:%M:%S.250"),
    "times with nanoseconds": lambda random: f"10:00:00.{_digits(random, 9)}",
    "times with an offset": _moment_as("%H:%M:%S+05:00"),
    "long hours": lambda random: f"{random.randint(20, 120)}:{random.randint(10, 59)}:00",
    "years": lambda random: str(random.randint(1950, 2030)),
    "seconds since 1970": lambda random: str(random.randint(10**9, 2 * 10**9)),
    "percents": lambda random: f"{random.randint(1, 99)}%",
    "euros": lambda random: f"{random.randint(1, 99)},{random.randint(10, 99)} €",
    "telephones": lambda random: f"+49{_digits(random, 9)}",
    "blanks around integers": lambda random: f" {random.randrange(1_000)} ",
    "right-aligned numbers": lambda random: f"{random.randrange(100_000) / 10:8.1f}",
    "blanks behind words": lambda random: random.choice(WORDS) + " ",
    "zeros and negative zeros": lambda random: random.choice(("0", "-0", "1")),
    "negative zero points": lambda random: random.choice(("0.5", "-0.0", "1.5")),
}
BY_FAMILY: dict[str, list[Form]] = {}
for _form in FORMS:
    BY_FAMILY.setdefault(_form.family, []).append(_form)


def plain_column(random: Random, rows: int, kind: str | None = None) -> TextColumn:
    name = kind or random.choice(list(PLAIN))
    of_type, make = PLAIN[name]
    return TextColumn(cells=_cells(random, rows, make), label=f"plain {name}", type=of_type)


def styled_column(random: Random, rows: int) -> TextColumn:
    name = random.choice(list(STYLES))
    return TextColumn(cells=_cells(random, rows, STYLES[name]), label=name)


def column_of_one_family(random: Random, rows: int, leading: Form) -> TextColumn:
    """Return cells of the leading form's family, or of the leading form alone."""
    several = random.random() < 0.6
    forms = [random.choice(BY_FAMILY[leading.family]) if several else leading for _ in range(rows)]
    return TextColumn(
        cells=[form.text for form in forms],
        label=f"{leading.family}, a whole column",
        hostile=dict(enumerate(forms)),
    )


def with_a_hostile_cell(random: Random, column: TextColumn, form: Form, *, first: int = 0) -> TextColumn:
    """Return the column with the form in one row, at `first` or below it."""
    row = random.randrange(first, len(column.cells))
    cells = [*column.cells]
    cells[row] = form.text
    return TextColumn(cells=cells, label=f"{form.family} in {column.label}", hostile={row: form})


def early_column(random: Random, rows: int, leading: Form) -> TextColumn:
    draw = random.random()
    if draw < 0.12:
        return plain_column(random, rows)
    if draw < 0.30:
        return styled_column(random, rows)
    if draw < 0.50:
        return column_of_one_family(random, rows, leading)
    return with_a_hostile_cell(random, _neighbours(random, rows, leading), leading)


def late_column(random: Random, leading: Form) -> TextColumn:
    column = _neighbours(random, LATE_ROWS, leading)
    return with_a_hostile_cell(random, column, leading, first=FIRST_LATE_ROW)


def _neighbours(random: Random, rows: int, form: Form) -> TextColumn:
    draw = random.random()
    if draw < 0.15:
        return styled_column(random, rows)
    return plain_column(random, rows, random.choice(form.near) if draw < 0.9 else None)


def _cells(random: Random, rows: int, make: MakeCell) -> list[Cell]:
    """Return this many cells; long columns repeat some of them, and some columns have empty ones."""
    made: Sequence[Cell] = [make(random) for _ in range(min(rows, POOL))]
    cells = [*made] if rows <= POOL else random.choices(made, k=rows)
    if random.random() < 0.3:
        cells = [None if random.random() < 0.1 else cell for cell in cells]
    return cells

"""Tables of typed columns, written by pyarrow: texts of every form, and values at the edge of their type."""

import io
import math
from collections.abc import Callable
from decimal import Decimal
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from .columns import LATE_ROWS
from .stored import columns_of
from .tables import Written, text_columns

MICROSECOND, SECOND, DAY = 10**3, 10**9, 86_400
NAN, INFINITY = math.nan, math.inf
#: The edges of each type; early tables hold all of them, late tables one, behind the rows of the first groups.
EDGES: tuple[tuple[Any, list[Any]], ...] = (
    (pa.int8(), [-128, 127, 0]),
    (pa.int32(), [-(2**31), 2**31 - 1]),
    (pa.int64(), [2**53 + 1, -(2**63), 2**63 - 1, -(2**53) - 1]),
    (pa.uint8(), [255, 0]),
    (pa.uint32(), [2**32 - 1]),
    (pa.uint64(), [2**63, 2**64 - 1, 2**53 + 1]),
    (pa.float64(), [NAN, INFINITY, -INFINITY, -0.0, 5e-324, 1.7976931348623157e308, 0.1, 1e22, 2.0**53]),
    (pa.float32(), [NAN, INFINITY, -0.0, 1.401298464324817e-45, 0.10000000149011612]),
    (pa.float16(), [1.0, -2.0, 0.0, NAN, INFINITY]),
    (pa.decimal128(38, 0), [Decimal(10**38 - 1), Decimal(-(10**38) + 1), Decimal(2**53 + 1)]),
    (
        pa.decimal128(38, 18),
        [Decimal("12345678901234567890.123456789012345678"), Decimal("-0.000000000000000001")],
    ),
    (pa.decimal128(9, 2), [Decimal("1.10"), Decimal("-9999999.99"), Decimal("0.00")]),
    (pa.bool_(), [True, False]),
    (pa.date32(), [0, -1, 2_932_896, -719_162, 19_000]),
    (pa.timestamp("s"), [0, -1, 1_706_695_200]),
    (pa.timestamp("ms"), [1, -1, 253_402_300_799_999]),
    (pa.timestamp("us"), [1, -1, 253_402_300_799_999_999, 1_706_695_200_123_456]),
    (pa.timestamp("ns"), [1, -1, 1_706_695_200_123_456_789, 2**63 - 1]),
    (pa.timestamp("us", tz="UTC"), [1, 1_706_695_200_123_456]),
    (pa.timestamp("us", tz="Europe/Berlin"), [1_706_695_200_123_456]),
    (pa.timestamp("ns", tz="UTC"), [1, 1_706_695_200_123_456_789]),
    (pa.timestamp("ns", tz="America/New_York"), [1_706_695_200_123_456_789]),
    (pa.time32("ms"), [0, 86_399_999]),
    (pa.time64("us"), [1, 86_399_999_999]),
    (pa.time64("ns"), [1, 86_399_999_999_999, 123_456_789]),
    (pa.binary(), [b"", b"\x00\xff", b"abc", b"\\x41"]),
    (pa.list_(pa.int64()), [[], [2**53 + 1, None], [1]]),
    (pa.list_(pa.float64()), [[NAN, INFINITY], [0.1, -0.0]]),
    (
        pa.struct([("t", pa.float64()), ("id", pa.uint64())]),
        [{"t": NAN, "id": 2**64 - 1}, {"t": 1.0, "id": None}],
    ),
    (pa.struct([("a", pa.string()), ("A", pa.string())]), [{"a": "01", "A": "1-2-3"}]),
    (pa.map_(pa.string(), pa.int64()), [[("a", 1), ("b", 2**53 + 1)], []]),
)
PLAIN: dict[str, Callable[[Random], Any]] = {
    "int": lambda random: random.randrange(100),
    "float": lambda random: random.randrange(1_000) / 8,
    "decimal": lambda random: Decimal(random.randrange(1_000)),
    "bool": lambda random: random.random() < 0.5,
}
TEXTS = (pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string()))


def parquet_table(random: Random, number: int, late: bool) -> tuple[list[Written], bytes]:
    arrays, labels = [], []
    for column in text_columns(random, number, late):
        kind = random.choice(TEXTS)
        arrays.append(pa.array(column.cells, pa.string()).cast(kind))
        labels.append((f"{kind}: {column.label}", column.hostile))
    rows = len(arrays[0])
    for _ in range(random.randint(0, 2 if late else 4)):
        kind, edges = random.choice(EDGES)
        arrays.append(_array(random, kind, edges, rows))
        labels.append((str(kind), {}))
    names = [f"column {place}" for place in range(len(arrays))]
    table = pa.table(arrays, names=names)
    columns = [
        Written(name=name, cells=read.values, label=label, hostile=hostile, type=read.type)
        for name, read, (label, hostile) in zip(names, columns_of(table), labels, strict=True)
    ]
    return columns, _written(random, table)


def _array(random: Random, kind: Any, edges: list[Any], rows: int) -> Any:
    late = rows == LATE_ROWS
    values = [random.choice(edges) for _ in range(min(rows, 40))]
    if late:
        make = next(
            (make for word, make in PLAIN.items() if str(kind).removeprefix("u").startswith(word)), None
        )
        values = [make(random) if make else random.choice(edges) for _ in range(rows)]
        values[-random.randint(1, 100)] = random.choice(edges)
    if random.random() < 0.3:
        values = [None if random.random() < 0.1 else value for value in values]
    return (
        pa.array(values, kind) if not pa.types.is_float16(kind) else pa.array(values, pa.float32()).cast(kind)
    )


def _written(random: Random, table: Any) -> bytes:
    old = random.random() < 0.2
    target = io.BytesIO()
    pq.write_table(
        table,
        target,
        row_group_size=random.choice((7, 1_000, 20_480, 1_000_000)) if table.num_rows < LATE_ROWS else 8_192,
        compression=random.choice(("none", "snappy", "zstd", "gzip")),
        use_dictionary=random.random() < 0.5,
        use_deprecated_int96_timestamps=old,
        data_page_version=random.choice(("1.0", "2.0")),
        store_schema=random.random() < 0.5,
    )
    return target.getvalue()

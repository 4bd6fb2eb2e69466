"""TIFF files written by hand, in variants that Pillow does not write."""

import struct
import zlib
from collections.abc import Mapping, Sequence

ASCII, SHORT, LONG = 2, 3, 4
FIELDS = {ASCII: "B", SHORT: "H", LONG: "L"}
DEFLATE = 8
UNSIGNED, SIGNED, FLOATING = 1, 2, 3
CODES = {
    (UNSIGNED, 8): "B",
    (UNSIGNED, 16): "H",
    (UNSIGNED, 32): "L",
    (UNSIGNED, 64): "Q",
    (SIGNED, 8): "b",
    (SIGNED, 16): "h",
    (SIGNED, 32): "l",
    (FLOATING, 16): "e",
    (FLOATING, 32): "f",
    (FLOATING, 64): "d",
}


def packed(samples: Sequence[float], order: str, bits: int, sample_format: int = UNSIGNED) -> bytes:
    """One row of samples; those of 12 bits come two in three bytes, the most significant bit first."""
    if bits == 12:
        digits = "".join(f"{int(sample):03x}" for sample in samples)
        return bytes.fromhex(digits + "0" * (len(digits) % 2))
    return struct.pack(f"{order}{len(samples)}{CODES[sample_format, bits]}", *samples)


def tiff(
    strips: Sequence[bytes],
    size: tuple[int, int],
    *,
    order: str = "<",
    bits: Sequence[int] = (8,),
    photometric: int = 1,
    sample_format: int = UNSIGNED,
    planar: int = 1,
    compression: int = 1,
    tags: Mapping[int, Sequence[int]] | None = None,
    texts: Mapping[int, str] | None = None,
    at: int = 8,
    following: bool = False,
) -> bytes:
    """A page; `at` is where it will lie in its file, the header is there only if that is 8."""
    if compression == DEFLATE:
        strips = [zlib.compress(strip) for strip in strips]
    lengths = [len(strip) for strip in strips]
    values: dict[int, tuple[int, Sequence[int]]] = {
        256: (LONG, size[:1]),
        257: (LONG, size[1:]),
        258: (SHORT, bits),
        259: (SHORT, (compression,)),
        262: (SHORT, (photometric,)),
        273: (LONG, [0] * len(strips)),
        277: (SHORT, (len(bits),)),
        278: (LONG, size[1:]),
        279: (LONG, lengths),
        284: (SHORT, (planar,)),
        339: (SHORT, [sample_format] * len(bits)),
    }
    values |= {tag: (LONG, value) for tag, value in (tags or {}).items()}
    values |= {tag: (ASCII, f"{text}\0".encode()) for tag, text in (texts or {}).items()}
    data_at = at + len(_directory(values, order, at, 0))
    values[273] = (LONG, [data_at + sum(lengths[:number]) for number in range(len(strips))])
    data = b"".join(strips)
    data += bytes(len(data) % 2)
    page = _directory(values, order, at, data_at + len(data) if following else 0) + data
    header = (b"II" if order == "<" else b"MM") + struct.pack(order + "HL", 42, at)
    return header + page if at == 8 else page


def _directory(values: Mapping[int, tuple[int, Sequence[int]]], order: str, at: int, next_at: int) -> bytes:
    """The entries, and behind them the values that are too long for an entry."""
    entries, outside = b"", b""
    outside_at = at + 2 + 12 * len(values) + 4
    for tag, (kind, numbers) in sorted(values.items()):
        value = struct.pack(f"{order}{len(numbers)}{FIELDS[kind]}", *numbers)
        if len(value) > 4:
            place = outside_at + len(outside)
            outside += value + bytes(len(value) % 2)
            value = struct.pack(order + "L", place)
        entries += struct.pack(order + "HHL", tag, kind, len(numbers)) + value.ljust(4, b"\0")
    return struct.pack(order + "H", len(values)) + entries + struct.pack(order + "L", next_at) + outside

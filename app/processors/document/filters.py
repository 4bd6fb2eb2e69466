"""Unpacks a PDF's stream by the filters that packed it (ISO 32000-2, 7.4)."""

import zlib
from base64 import a85decode
from collections.abc import Sequence

PIECE_BYTES = 64 * 1024
#: The size of a content stream in pieces. A stream that unpacks to more is not judged.
MOST_PIECES = 1024
#: The same for LZW, which is read code by code.
MOST_CODES = 1_000_000
CLEAR, END, FIRST_CODE, MOST_BITS = 256, 257, 258, 12
RUN_END = 128


def unpacked(filters: Sequence[bytes], packed: bytes, *, early_change: bool = True) -> bytes | None:
    """Return the content, empty where it is not known; None if it cannot be unpacked to its end.

    `early_change` is the parameter of LZW that most writers leave as it is.
    """
    for name in filters:
        if name == b"Crypt":
            return b""
        found = _by_filter(name, packed, early_change)
        if found is None:
            return None
        packed = found
    return packed


def _by_filter(name: bytes, packed: bytes, early_change: bool) -> bytes | None:
    match name:
        case b"FlateDecode" | b"Fl":
            return _inflated(packed)
        case b"LZWDecode" | b"LZW":
            return _by_lzw(packed, early_change)
        case b"RunLengthDecode" | b"RL":
            return _by_runs(packed)
        case b"ASCII85Decode" | b"A85":
            return _ascii_85(packed)
        case b"ASCIIHexDecode" | b"AHx":
            return _hexadecimal(packed)
        case _:
            return None


def _inflated(packed: bytes) -> bytes | None:
    """Return the data if it is whole; its checksum does not count, as readers do not look at it."""
    if not packed.strip():
        return b""
    if int.from_bytes(packed[:2], "big") % 31 or packed[0] & 15 != zlib.DEFLATED:
        return None
    inflating = zlib.decompressobj(-zlib.MAX_WBITS)
    rest, pieces = packed[2:], bytearray()
    for _ in range(MOST_PIECES):
        try:
            piece = inflating.decompress(rest, PIECE_BYTES)
        except zlib.error:
            return None
        pieces += piece
        rest = inflating.unconsumed_tail
        if inflating.eof or not (rest or piece):
            return bytes(pieces) if inflating.eof else None
    return bytes(pieces)


def _by_lzw(packed: bytes, early_change: bool) -> bytes | None:
    """Return the data if all of its codes are known and the last one ends it."""
    table = [bytes([value]) for value in range(256)] + [b"", b""]
    data, last, bits, value, held = bytearray(), b"", 9, 0, 0
    codes = 0
    for byte in packed:
        value, held = value << 8 | byte, held + 8
        if held < bits:
            continue
        held -= bits
        code, value = value >> held, value & (1 << held) - 1
        codes += 1
        if code == END or codes > MOST_CODES or len(data) > MOST_PIECES * PIECE_BYTES:
            return bytes(data)
        if code == CLEAR:
            del table[FIRST_CODE:]
            last, bits = b"", 9
            continue
        if code > len(table) or (code == len(table) and not last):
            return None
        found = table[code] if code < len(table) else last + last[:1]
        if last and len(table) < 1 << MOST_BITS:
            table.append(last + found[:1])
        data += found
        last = found
        bits = min(MOST_BITS, (len(table) + early_change).bit_length())
    return None if packed.strip() else b""


def _by_runs(packed: bytes) -> bytes | None:
    """Return the data if no run is cut off and the mark of its end is there."""
    data, at = bytearray(), 0
    while at < len(packed):
        length = packed[at]
        if length == RUN_END:
            return bytes(data)
        size = length + 1 if length < RUN_END else 1
        run = packed[at + 1 : at + 1 + size]
        if len(run) < size:
            return None
        data += run if length < RUN_END else run * (257 - length)
        at += 1 + size
    return None if packed.strip() else b""


def _ascii_85(packed: bytes) -> bytes | None:
    try:
        return a85decode(packed.strip().removeprefix(b"<~").partition(b"~")[0])
    except ValueError:
        return None


def _hexadecimal(packed: bytes) -> bytes | None:
    digits = b"".join(packed.partition(b">")[0].split())
    try:
        return bytes.fromhex((digits + b"0" * (len(digits) % 2)).decode("latin-1"))
    except ValueError:
        return None

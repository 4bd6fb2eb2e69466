"""Run lengths in BMP: a picture may leave out pixels, rows and its end, but may not be cut off."""

import struct

import pytest

from app.processors.image.decode import opened

from .conftest import MakeTask
from .test_image import BLUE, GREEN, RED, ProcessImage, pixel, process, refusal

__all__ = ["process"]

COLOURS = {"b": BLUE, "r": RED, "g": GREEN}


def bmp(runs: bytes, *, bits: int = 8, colours: tuple[tuple[int, ...], ...] = (BLUE, RED, GREEN)) -> bytes:
    """A picture of 4 by 4 pixels, whose rows are stored from the lowest to the highest."""
    palette = b"".join(bytes((*reversed(colour), 0)) for colour in colours)
    head = struct.pack(
        "<LllHHLLllLL", 40, 4, 4, 1, bits, 1 if bits == 8 else 2, len(runs), 2835, 2835, len(colours), 0
    )
    start = 14 + len(head) + len(palette)
    return b"BM" + struct.pack("<LHHL", start + len(runs), 0, 0, start) + head + palette + runs


PICTURES = {
    "moved, and ended early": ("02 01 00 02 01 01 02 02 00 01", 8, "bbbb bbbb bbbg rrbb"),
    "ended at once": ("00 01", 8, "bbbb bbbb bbbb bbbb"),
    "rows left out": ("04 01 00 00 00 00 04 02 00 01", 8, "bbbb gggg bbbb rrrr"),
    "whole without an end": ("04 01 00 00 04 02 00 00 04 01 00 00 04 02", 8, "gggg rrrr gggg rrrr"),
    "written out": ("00 03 01 02 01 00 00 00 04 02 00 01", 8, "bbbb bbbb gggg rgrb"),
    "four bits": ("04 12 00 00 00 04 11 22 00 01", 4, "bbbb bbbb rrgg rgrg"),
    "three of four bits": ("00 03 12 10 00 00 03 21 00 01", 4, "bbbb bbbb grgb rgrb"),
    "longer than its row": ("09 01 00 00 04 02 00 01", 8, "bbbb bbbb gggg rrrr"),
}


@pytest.mark.parametrize("name", PICTURES)
def test_run_lengths_may_leave_out_pixels(make_task: MakeTask, name: str) -> None:
    runs, bits, expected = PICTURES[name]
    with opened(make_task(bmp(bytes.fromhex(runs), bits=bits), "image/bmp")) as image:
        found = image.convert("RGB")

    rows = (expected.split()[y][x] for y in range(4) for x in range(4))
    assert [pixel(found, (x, y)) for y in range(4) for x in range(4)] == [COLOURS[name] for name in rows]


@pytest.mark.parametrize("colours", [((0, 0, 0), (255, 255, 255)), ((0, 0, 0), (1, 1, 1), (2, 2, 2))])
def test_a_palette_of_greys_is_no_other_case(
    make_task: MakeTask, colours: tuple[tuple[int, ...], ...]
) -> None:
    with opened(make_task(bmp(bytes.fromhex("04 01 00 01"), colours=colours), "image/bmp")) as image:
        found = image.convert("RGB")

    assert (pixel(found, (0, 0)), pixel(found, (0, 3))) == (colours[0], colours[1])


@pytest.mark.parametrize("name", [name for name in PICTURES if "end" not in name])
def test_run_lengths_that_are_cut_off_are_damaged(process: ProcessImage, name: str) -> None:
    runs, bits, _ = PICTURES[name]
    payload = bmp(bytes.fromhex(runs), bits=bits)

    assert process(payload, "image/bmp").summary["height"] == 4
    for fewer in (1, 2, 3, 5):
        assert refusal(process, payload[:-fewer], "image/bmp").detail == "The image is damaged or cut off."

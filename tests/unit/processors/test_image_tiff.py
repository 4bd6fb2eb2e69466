"""TIFF has many variants: each looks as its tags say, or is refused by name; none is called damaged."""

from typing import Any

import pytest

from app.domain.errors import InvalidPayload, ProblemCode

from .test_image import ProcessImage, Result, pixel, process, refusal
from .tiff_files import DEFLATE, FLOATING, SIGNED, UNSIGNED, packed, tiff

__all__ = ["process"]

SIZE = (64, 16)
RAMP = [x / (SIZE[0] - 1) for x in range(SIZE[0])]
#: A smooth ramp suffers little from lossy compression.
TOLERANCE = 6
ORDERS = ("<", ">")
VARIANTS = [(order, compression) for order in ORDERS for compression in (1, DEFLATE)]
TIFF = "image/tiff"


def shown(result: Result) -> list[tuple[int, ...]]:
    """Return four pixels of the middle row."""
    picture = result.artifact()
    return [pixel(picture, (x, 8)) for x in (8, 24, 40, 56)]


def close(result: Result, wanted: list[tuple[float, ...]]) -> bool:
    return all(
        abs(one - 255 * other) <= TOLERANCE
        for found, expected in zip(shown(result), wanted, strict=True)
        for one, other in zip(found, expected, strict=False)
    )


def grey(*, rising: bool = True) -> list[tuple[float, ...]]:
    return [(RAMP[x] if rising else 1 - RAMP[x],) * 3 for x in (8, 24, 40, 56)]


def samples(bits: int, sample_format: int) -> list[float]:
    """The ramp over the whole range of such samples."""
    if sample_format == FLOATING:
        return RAMP
    lowest = -(2 ** (bits - 1)) if sample_format == SIGNED else 0
    return [lowest + round(value * (2**bits - 1)) for value in RAMP]


GREYS = [
    (UNSIGNED, 8),
    (UNSIGNED, 12),
    (UNSIGNED, 16),
    (UNSIGNED, 32),
    (SIGNED, 8),
    (SIGNED, 16),
    (SIGNED, 32),
    (FLOATING, 32),
    (FLOATING, 64),
]


@pytest.mark.parametrize(("sample_format", "bits"), GREYS)
@pytest.mark.parametrize(("order", "compression"), VARIANTS)
@pytest.mark.parametrize("photometric", [0, 1])
def test_grey_of_every_depth_has_its_brightness(
    process: ProcessImage, sample_format: int, bits: int, order: str, compression: int, photometric: int
) -> None:
    row = packed(samples(bits, sample_format), order, bits, sample_format)
    payload = tiff(
        [row * SIZE[1]],
        SIZE,
        order=order,
        bits=(bits,),
        sample_format=sample_format,
        photometric=photometric,
        compression=compression,
    )

    result = process(payload, TIFF)
    assert (result.summary["width"], result.summary["height"]) == SIZE
    assert close(result, grey(rising=photometric == 1))


@pytest.mark.parametrize("bits", [12, 16, 32])
def test_a_dark_picture_of_many_bits_stays_dark(process: ProcessImage, bits: int) -> None:
    row = packed([2**bits // 8] * SIZE[0], "<", bits)

    result = process(tiff([row * SIZE[1]], SIZE, bits=(bits,)), TIFF)
    assert close(result, [(1 / 8,) * 3] * 4)


def test_twelve_bits_may_end_within_a_byte(process: ProcessImage) -> None:
    width = 63
    row = packed([round(4095 * value) for value in RAMP[:width]], "<", 12)

    assert close(process(tiff([row * SIZE[1]], (width, SIZE[1]), bits=(12,)), TIFF), grey())


def test_fractions_are_shown_as_they_are_and_other_numbers_stretched(process: ProcessImage) -> None:
    fractions = packed([0.25 + value / 4 for value in RAMP], "<", 32, FLOATING)
    heights = packed([100 + 900 * value for value in RAMP], "<", 32, FLOATING)
    one, other = (
        process(tiff([row * SIZE[1]], SIZE, bits=(32,), sample_format=FLOATING), TIFF)
        for row in (fractions, heights)
    )

    assert close(one, [(0.25 + RAMP[x] / 4,) * 3 for x in (8, 24, 40, 56)])
    assert close(other, grey())


NAN, INFINITY = float("nan"), float("inf")
LOWEST = -3.4028234663852886e38
GAPS = [
    (NAN, None, 0),
    (NAN, None, 1),
    (-INFINITY, None, 1),
    (INFINITY, None, 0),
    (-9999.0, "-9999", 0),
    (-9999.0, "-9999", 1),
    (LOWEST, "-3.4028234663852886e+38", 1),
]


def heights(
    gap: float, *, at: int, bits: int = 32, photometric: int = 1, no_data: str | None = None
) -> bytes:
    """A ramp from 100 to 1000 with a column of pixels that were not measured."""
    row = [gap if x == at else 100 + 900 * value for x, value in enumerate(RAMP)]
    strips = [packed(row, "<", bits, FLOATING) * SIZE[1]]
    return tiff(
        strips,
        SIZE,
        bits=(bits,),
        sample_format=FLOATING,
        photometric=photometric,
        texts=None if no_data is None else {42113: no_data},
    )


@pytest.mark.parametrize("at", [0, 31, 63])
@pytest.mark.parametrize(("gap", "no_data", "photometric"), GAPS)
@pytest.mark.parametrize("bits", [32, 64])
def test_samples_that_are_missing_are_black_and_spoil_no_others(
    process: ProcessImage, at: int, gap: float, no_data: str | None, photometric: int, bits: int
) -> None:
    payload = heights(gap, at=at, bits=bits, photometric=photometric, no_data=no_data)

    result = process(payload, TIFF)

    assert close(result, grey(rising=photometric == 1))
    assert pixel(result.artifact(), (at, 8))[0] <= 8 * TOLERANCE


@pytest.mark.parametrize("photometric", [0, 1])
def test_infinity_is_the_end_of_the_range(process: ProcessImage, photometric: int) -> None:
    shown = process(heights(INFINITY, at=31, photometric=photometric), TIFF).artifact()

    darker = pixel(shown, (31, 8))[0] < pixel(shown, (36, 8))[0]
    assert darker == (photometric == 0)


@pytest.mark.parametrize("gap", [NAN, INFINITY])
def test_a_picture_without_any_number_is_black(process: ProcessImage, gap: float) -> None:
    row = packed([gap] * SIZE[0], "<", 32, FLOATING)

    assert close(
        process(tiff([row * SIZE[1]], SIZE, bits=(32,), sample_format=FLOATING), TIFF), [(0,) * 3] * 4
    )


def test_signed_numbers_without_data_spoil_no_others(process: ProcessImage) -> None:
    row = packed([-32768 if x == 31 else round(900 * value) for x, value in enumerate(RAMP)], "<", 16, SIGNED)
    payload = tiff([row * SIZE[1]], SIZE, bits=(16,), sample_format=SIGNED, texts={42113: "-32768"})

    assert close(process(payload, TIFF), grey())


@pytest.mark.parametrize("photometric", [0, 1])
@pytest.mark.parametrize("at", [0, 31, 63])
@pytest.mark.parametrize("gap", [NAN, -9999.0, 1.0])
def test_a_gap_among_fractions_is_black(process: ProcessImage, gap: float, at: int, photometric: int) -> None:
    values = [0.25 + value / 2 for value in RAMP]
    row = packed([gap if x == at else value for x, value in enumerate(values)], "<", 32, FLOATING)
    result = process(
        tiff(
            [row * SIZE[1]],
            SIZE,
            bits=(32,),
            sample_format=FLOATING,
            photometric=photometric,
            texts={42113: str(gap)},
        ),
        TIFF,
    )

    wanted = [values[x] if photometric else 1 - values[x] for x in (8, 24, 40, 56)]
    assert close(result, [(value,) * 3 for value in wanted])
    assert pixel(result.artifact(), (at, 8))[0] <= 8 * TOLERANCE


@pytest.mark.parametrize("photometric", [0, 1])
@pytest.mark.parametrize("bits", [8, 12, 16, 32])
@pytest.mark.parametrize("is_highest", [False, True])
def test_a_gap_in_a_picture_of_whole_numbers_is_black(
    process: ProcessImage, bits: int, photometric: int, is_highest: bool
) -> None:
    highest = 2**bits - 1
    gap = highest if is_highest else 0
    row = packed(
        [gap if x >= 48 else round(highest * (0.25 + value / 2)) for x, value in enumerate(RAMP)], "<", bits
    )
    result = process(
        tiff([row * SIZE[1]], SIZE, bits=(bits,), photometric=photometric, texts={42113: str(gap)}), TIFF
    )

    wanted = [0.25 + RAMP[x] / 2 for x in (8, 24, 40)]
    wanted = wanted if photometric else [1 - value for value in wanted]
    assert close(result, [(value,) * 3 for value in (*wanted, 0)])


@pytest.mark.parametrize("photometric", [0, 1])
@pytest.mark.parametrize("lowest", [2**30, 2**31 - 300, -(2**31)])
@pytest.mark.parametrize("no_data", [None, 1])
def test_large_numbers_that_differ_little_are_told_apart(
    process: ProcessImage, lowest: int, photometric: int, no_data: int | None
) -> None:
    row = packed([lowest + 2 + round(255 * value) for value in RAMP[:-1]] + [lowest + 1], "<", 32, SIGNED)
    texts = None if no_data is None else {42113: str(lowest + no_data)}
    payload = tiff(
        [row * SIZE[1]], SIZE, bits=(32,), sample_format=SIGNED, photometric=photometric, texts=texts
    )

    assert close(process(payload, TIFF), grey(rising=photometric == 1))


@pytest.mark.parametrize("scale", [1, 257])
@pytest.mark.parametrize("bits", [4, 8])
def test_a_palette_may_have_colours_of_eight_bits(process: ProcessImage, scale: int, bits: int) -> None:
    row = bytes(round(255 * value) for value in RAMP)
    if bits == 4:
        row = bytes((round(15 * RAMP[x]) << 4) + round(15 * RAMP[x + 1]) for x in range(0, SIZE[0], 2))
    steps = [255 * step // (2**bits - 1) for step in range(2**bits)]
    colours = [*steps, *[64] * 2**bits, *reversed(steps)]
    payload = tiff(
        [row * SIZE[1]], SIZE, bits=(bits,), photometric=3, tags={320: [scale * colour for colour in colours]}
    )

    found = shown(process(payload, TIFF))
    wanted = [(RAMP[x], 0.25, 1 - RAMP[x]) for x in (8, 24, 40, 56)]
    assert all(
        abs(one - 255 * other) <= 4 * TOLERANCE
        for colour, expected in zip(found, wanted, strict=True)
        for one, other in zip(colour, expected, strict=True)
    )


COLOURS = [(RAMP[x], 0.25, 1 - RAMP[x]) for x in (8, 24, 40, 56)]


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize(("order", "compression"), VARIANTS)
@pytest.mark.parametrize("extra", [None, 0, 2])
@pytest.mark.parametrize("planar", [1, 2])
def test_colours_are_right_pixel_by_pixel_or_plane_by_plane(
    process: ProcessImage, bits: int, order: str, compression: int, extra: int | None, planar: int
) -> None:
    highest = 2**bits - 1
    bands = [RAMP, [0.25] * SIZE[0], RAMP[::-1], [0.5] * SIZE[0]][: 3 if extra is None else 4]
    rows = [[round(highest * value) for value in band] for band in bands]
    if planar == 2:
        strips = [packed(row, order, bits) * SIZE[1] for row in rows]
    else:
        strips = [
            packed([one for values in zip(*rows, strict=True) for one in values], order, bits) * SIZE[1]
        ]
    payload = tiff(
        strips,
        SIZE,
        order=order,
        bits=(bits,) * len(bands),
        photometric=2,
        planar=planar,
        compression=compression,
        tags=None if extra is None else {338: (extra,)},
    )

    alpha = 0.5 if extra == 2 else 1.0
    found = process(payload, TIFF)
    assert close(found, [(*colour, alpha) for colour in COLOURS])


UNREAD: dict[str, dict[str, Any]] = {
    "RGB, 3 × 32 bits floating-point per pixel": {
        "bits": (32,) * 3,
        "photometric": 2,
        "sample_format": FLOATING,
    },
    "RGB, 3 × 32 bits per pixel": {"bits": (32,) * 3, "photometric": 2},
    "RGB, 3 × 16 bits signed per pixel": {"bits": (16,) * 3, "photometric": 2, "sample_format": SIGNED},
    "grey, 2 × 16 bits per pixel": {"bits": (16, 16), "tags": {338: (2,)}},
    "grey, 1 × 16 bits floating-point per pixel": {"bits": (16,), "sample_format": FLOATING},
    "grey, 1 × 64 bits per pixel": {"bits": (64,)},
    "grey, 1 × 24 bits per pixel": {"bits": (24,)},
    "grey, 1 × 16 bits complex per pixel": {"bits": (16,), "sample_format": 5},
    "camera raw, 1 × 16 bits per pixel": {"bits": (16,), "photometric": 32803},
    "grey, 2 × 8 bits per pixel, in planes": {"bits": (8, 8), "planar": 2, "tags": {338: (2,)}},
    "inks other than CMYK, 4 × 8 bits per pixel": {
        "bits": (8,) * 4,
        "photometric": 5,
        "tags": {332: (2,)},
    },
    "RGB, 8 + 8 + 16 bits per pixel": {"bits": (8, 8, 16), "photometric": 2},
    "RGB, 5 + 6 + 5 bits per pixel": {"bits": (5, 6, 5), "photometric": 2},
    "RGB, 8 + 8 + 8 + 8 + 8 + 8 + 8 + 8 + … bits per pixel": {"bits": (8,) * 8 + (16,), "photometric": 2},
    "compression 34712": {"bits": (8,) * 3, "photometric": 2, "compression": 34712},
    "compression 50001": {"bits": (8,) * 3, "photometric": 2, "compression": 50001},
}


@pytest.mark.parametrize("variant", UNREAD)
@pytest.mark.parametrize("order", ORDERS)
def test_a_sound_file_of_a_variant_that_is_not_read_is_not_called_damaged(
    process: ProcessImage, variant: str, order: str
) -> None:
    options = UNREAD[variant]
    planes = len(options["bits"]) if options.get("planar") == 2 else 1
    strip = bytes(SIZE[0] * SIZE[1] * sum(options["bits"]) // 8 // planes)
    refused = refusal(process, tiff([strip] * planes, SIZE, order=order, **options), TIFF)

    assert refused.code == ProblemCode.INVALID_CONTENT
    assert refused.detail == f"The image is a TIFF of a variant that is not supported: {variant}."


@pytest.mark.parametrize(("bits", "photometric"), [((32,) * 3, 2), ((8,), 1)])
def test_a_file_that_is_cut_off_is_damaged_whatever_its_variant(
    process: ProcessImage, bits: tuple[int, ...], photometric: int
) -> None:
    payload = tiff([bytes(SIZE[0] * SIZE[1] * sum(bits) // 8)], SIZE, bits=bits, photometric=photometric)

    assert refusal(process, payload[:-20], TIFF).detail == "The image is damaged or cut off."


WORDS = "Jane Doe, born 1 May"
TELLING_TAGS = (256, 257, 258, 259, 262, 277, 339)
NO_NUMBER: list[dict[str, Any]] = [
    *({"texts": {tag: WORDS}} for tag in TELLING_TAGS),
    *({"tags": {tag: (1, 2)}} for tag in (256, 257, 262)),
    *({"tags": {tag: (70_000,)}} for tag in (259, 262, 277)),
    {"tags": {258: (70_000,) * 3}},
]


@pytest.mark.parametrize("damage", NO_NUMBER)
@pytest.mark.parametrize("order", ORDERS)
def test_a_tag_that_should_hold_a_number_is_damaged_and_never_quoted(
    process: ProcessImage, damage: dict[str, Any], order: str
) -> None:
    strip = bytes(SIZE[0] * SIZE[1] * 3)
    payload = tiff([strip], SIZE, order=order, bits=(8,) * 3, photometric=2, **damage)

    assert refusal(process, payload, TIFF).detail == "The image is damaged or cut off."


def two_pages(first: dict[int, tuple[int, ...]], second: dict[int, tuple[int, ...]] | None) -> bytes:
    """A small white page and, if there is a second one, a ramp."""
    page = tiff([bytes([255] * 64)], (8, 8), tags=first, following=second is not None)
    if second is None:
        return page
    row = packed(samples(8, UNSIGNED), "<", 8)
    return page + tiff([row * SIZE[1]], SIZE, tags=second, at=len(page))


@pytest.mark.parametrize("first", [{254: (1,)}, {254: (4,)}, {254: (5,)}, {255: (2,)}])
def test_a_page_that_is_the_small_version_or_the_mask_of_another_is_not_the_picture(
    process: ProcessImage, first: dict[int, tuple[int, ...]]
) -> None:
    result = process(two_pages(first, {254: (0,)}), TIFF)

    assert (result.summary["width"], result.summary["height"], result.summary["frames"]) == (*SIZE, 2)
    assert close(result, grey())


@pytest.mark.parametrize("head", [b"II*\0", b"MM\0*", b"II+\0\x08\0\0\0", b"MM\0*\0\0"])
def test_a_file_that_ends_in_its_header_is_damaged(process: ProcessImage, head: bytes) -> None:
    refused = refusal(process, head, TIFF)

    assert (refused.code, refused.detail) == (
        ProblemCode.INVALID_CONTENT,
        "The image is damaged or cut off.",
    )


def test_a_large_file_of_the_other_byte_order_is_named(process: ProcessImage) -> None:
    refused = refusal(process, b"MM\0+\0\x08\0\0" + (16).to_bytes(8) + bytes(64), TIFF)

    assert refused.detail.endswith("not supported: BigTIFF with the most significant byte first.")


@pytest.mark.parametrize("first", [{}, {254: (0,)}, {254: (2,)}])
def test_else_the_first_page_is_the_picture(process: ProcessImage, first: dict[int, tuple[int, ...]]) -> None:
    assert process(two_pages(first, {}), TIFF).summary["width"] == 8


def test_a_small_version_alone_is_the_picture_unless_another_is_hidden(process: ProcessImage) -> None:
    assert process(two_pages({254: (1,)}, None), TIFF).summary["width"] == 8

    refused = refusal(process, two_pages({254: (1,), 330: (8,)}, None), TIFF)
    assert refused.detail == (
        "The image is a TIFF of a variant that is not supported: its picture is not among its pages."
    )


def test_the_limit_of_pixels_holds_for_the_page_that_is_shown(process: ProcessImage) -> None:
    refused = refusal(process, two_pages({254: (1,)}, {}), TIFF, memory_limit=8 * (SIZE[0] * SIZE[1] - 1))

    assert isinstance(refused, InvalidPayload)
    assert refused.code == ProblemCode.LIMIT_EXCEEDED

"""Damaged, lying and swollen files: each ends with a report or a reason, and harms nobody."""

import struct
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from app.domain.errors import InvalidPayload, ProblemCode
from app.processors import image
from app.processors.image.decode import MOST_SCANNED_PIXELS
from app.processors.image.formats import png as png_module
from app.processors.image.formats.jpeg import count_scans
from app.processors.image.frames import MOST_FRAMES
from app.sandbox.client import Sandbox

from .conftest import MEBIBYTE, MakeTask, new_task
from .test_image import ProcessImage, encoded, four_corners, process, refusal

__all__ = ["process"]

GIF_FRAME = bytes.fromhex("2c 00000000 0100 0100 00 02 02 4401 00")
TRUNCATIONS = 25
#: A place in a file, from its first byte to its last.
PLACE = st.floats(0, 1, exclude_max=True)


def noise(mode: str = "RGB") -> Image.Image:
    return Image.effect_noise((40, 24), 90).convert(mode)


#: The media type and the bytes, by a name.
SAMPLES = {
    "png": ("image/png", encoded(noise(), "PNG")),
    "palette": ("image/png", encoded(noise("P"), "PNG", transparency=3)),
    "jpeg": ("image/jpeg", encoded(noise(), "JPEG", comment=b"c")),
    "progressive": ("image/jpeg", encoded(noise("CMYK"), "JPEG", progressive=True)),
    "gif": ("image/gif", encoded(noise("P"), "GIF", save_all=True, append_images=[noise("P").rotate(90)])),
    "webp": ("image/webp", encoded(noise("RGBA"), "WEBP")),
    "lossless": ("image/webp", encoded(noise(), "WEBP", lossless=True)),
    "tiff": ("image/tiff", encoded(noise(), "TIFF")),
    "deflated": ("image/tiff", encoded(noise("CMYK"), "TIFF", compression="tiff_adobe_deflate")),
    "bmp": ("image/bmp", encoded(noise("P"), "BMP")),
    "avif": ("image/avif", encoded(noise(), "AVIF")),
}


def chunk(name: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(name + content)
    return struct.pack(">L", len(content)) + name + content + struct.pack(">L", checksum)


def png(*chunks: bytes, width: int = 1, height: int = 1) -> bytes:
    """Return a picture of single bits, all black, with more chunks before the pixels."""
    header = chunk(b"IHDR", struct.pack(">LLBBBBB", width, height, 1, 0, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(bytes(min(1 + (width + 7) // 8, MEBIBYTE)) * min(height, 64)))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + pixels + chunk(b"IEND", b"")


#: The depth, the colour type, and what stands before the pixels.
PNG_TYPES = {
    "grey": (8, 0, b""),
    "bits": (1, 0, b""),
    "16 bits": (16, 0, b""),
    "colours": (8, 2, b""),
    "palette": (2, 3, chunk(b"PLTE", bytes(12))),
    "transparent": (8, 2, chunk(b"tRNS", bytes(6))),
    "alpha": (8, 6, b""),
    "deep": (16, 6, b""),
}
INTERLACED_ROWS = (1, 1, 1, 2, 2, 4, 3)


def png_of_rows(name: str, rows: int, *, interlaced: bool = False) -> bytes:
    """A picture of 5 by 7 pixels, and as many of its rows; those of an interlaced picture come in passes."""
    depth, colour_type, before = PNG_TYPES[name]
    bits = depth * png_module.SAMPLES[colour_type]
    columns = [5] * 7
    if interlaced:
        passes = zip((1, 1, 2, 1, 3, 2, 5), INTERLACED_ROWS, strict=True)
        columns = [columns for columns, times in passes for _ in range(times)]
    data = b"".join(b"\0" + bytes((columns[row] * bits + 7) // 8) for row in range(rows))
    head = struct.pack(">LLBBBBB", 5, 7, depth, colour_type, 0, 0, interlaced)
    pixels = chunk(b"IDAT", zlib.compress(data))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + before + pixels + chunk(b"IEND", b"")


def patched(payload: bytes, at: int, content: bytes) -> bytes:
    return payload[:at] + content + payload[at + len(content) :]


def tiff_claiming(width: int, height: int) -> bytes:
    payload = encoded(Image.new("1", (8, 8)), "TIFF")
    for tag, value in ((256, width), (257, height)):
        at = payload.index(struct.pack("<HHL", tag, 4, 1))
        payload = patched(payload, at + 8, struct.pack("<L", value))
    return payload


def jpeg_claiming(width: int, height: int, *, progressive: bool = False) -> bytes:
    payload = encoded(Image.new("RGB", (8, 8)), "JPEG", progressive=progressive)
    at = payload.index(b"\xff\xc2" if progressive else b"\xff\xc0")
    return patched(payload, at + 5, struct.pack(">HH", height, width))


def webp_claiming(width: int, height: int) -> bytes:
    payload = encoded(Image.new("RGBA", (8, 8), (0, 0, 0, 9)), "WEBP")
    at = payload.index(b"VP8X") + 12
    return patched(payload, at, (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little"))


def avif_claiming(width: int, height: int) -> bytes:
    payload = encoded(Image.new("RGB", (8, 8)), "AVIF")
    return patched(payload, payload.index(b"ispe") + 8, struct.pack(">LL", width, height))


BOMBS = {
    "image/png": png(width=60_000, height=60_000),
    "image/jpeg": jpeg_claiming(65_000, 65_000),
    "image/gif": patched(SAMPLES["gif"][1], 6, struct.pack("<HH", 65_000, 65_000)),
    "image/webp": webp_claiming(60_000, 60_000),
    "image/tiff": tiff_claiming(60_000, 60_000),
    "image/bmp": patched(SAMPLES["bmp"][1], 18, struct.pack("<ll", 60_000, 60_000)),
    "image/avif": avif_claiming(16_000, 16_000),
}


@pytest.mark.parametrize("media_type", BOMBS)
def test_a_bomb_is_refused_before_it_is_unpacked(process: ProcessImage, media_type: str) -> None:
    refused = refusal(process, BOMBS[media_type], media_type)

    assert refused.code == ProblemCode.LIMIT_EXCEEDED
    assert "pixels" in refused.detail


def test_how_many_pixels_are_too_many_depends_on_the_memory(process: ProcessImage) -> None:
    payload = encoded(Image.new("1", (1024, 1024)), "PNG")

    assert process(payload, "image/png", memory_limit=8 * MEBIBYTE).summary["width"] == 1024
    refused = refusal(process, payload, "image/png", memory_limit=8 * MEBIBYTE - 8)
    assert refused.detail == f"The image has more than {MEBIBYTE - 1} pixels."


def test_a_progressive_jpeg_needs_more_memory_than_another(process: ProcessImage) -> None:
    width, height = 1600, 1200
    limits = {"memory_limit": width * height * 6}

    refused = refusal(process, jpeg_claiming(width, height, progressive=True), "image/jpeg", **limits)
    assert refused.code == ProblemCode.LIMIT_EXCEEDED
    assert process(encoded(Image.new("L", (width, height)), "JPEG"), "image/jpeg", **limits)


def scanned_again(payload: bytes, times: int) -> bytes:
    """Repeat the last scan of a JPEG, whose bytes are few."""
    start = payload.rindex(b"\xff\xda")
    return payload[:start] + payload[start:-2] * (times + 1) + payload[-2:]


def test_scans_count_once_each_and_not_those_of_a_picture_inside() -> None:
    baseline, progressive = encoded(noise(), "JPEG"), encoded(noise(), "JPEG", progressive=True)
    inside = encoded(noise(), "JPEG", exif=b"Exif\0\0" + progressive)
    scans = progressive.count(b"\xff\xda")
    again = scanned_again(progressive, 30)
    # A marker that stands alone, before what would be a length that leads behind the scans.
    hidden = again.replace(b"\xff\xda", b"\xff\x01\xfd\xfd\xff\xda")

    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "payload")
        for payload, expected in (
            (baseline, 1),
            (inside, 1),
            (progressive, scans),
            (again, scans + 30),
            (hidden, scans + 30),
            (baseline[:-1], 1),
        ):
            source.write_bytes(payload)
            assert count_scans(source) == expected


def test_a_small_jpeg_that_goes_over_its_pixels_again_and_again_is_refused(process: ProcessImage) -> None:
    side = 2000
    blank = encoded(Image.new("L", (side, side)), "JPEG", progressive=True)
    most = MOST_SCANNED_PIXELS // (side * side)
    few = scanned_again(blank, 20)

    refused = refusal(process, scanned_again(blank, most), "image/jpeg")

    assert refused.code == ProblemCode.LIMIT_EXCEEDED
    assert "scans" in refused.detail
    assert process(few, "image/jpeg").summary["width"] == side


@pytest.mark.parametrize(
    "swollen",
    [
        chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(9 * MEBIBYTE))),
        chunk(b"iTXt", b"a\0\1\0\0\0" + zlib.compress(bytes(9 * MEBIBYTE))),
        chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(9 * MEBIBYTE))),
    ],
    ids=["zTXt", "iTXt", "iCCP"],
)
def test_swollen_text_and_profiles_are_refused(process: ProcessImage, swollen: bytes) -> None:
    assert refusal(process, png(swollen), "image/png").code == ProblemCode.LIMIT_EXCEEDED


def gif_of(frames: int) -> bytes:
    return b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + bytes(6) + GIF_FRAME * frames + b";"


def tiff_of(pages: int) -> bytes:
    """A real page, whose directory is followed by empty ones."""
    payload = encoded(noise(), "TIFF")
    payload += bytes(len(payload) % 2)
    (first,) = struct.unpack_from("<L", payload, 4)
    (entries,) = struct.unpack_from("<H", payload, first)
    end = len(payload)
    chain = b"".join(struct.pack("<HL", 0, end + 6 * number) for number in range(1, pages - 1))
    last = struct.pack("<HL", 0, 0) if pages > 1 else b""
    following = end if pages > 1 else 0
    return patched(payload, first + 2 + 12 * entries, struct.pack("<L", following)) + chain + last


@pytest.mark.parametrize("frames", [1, 2, 1000, MOST_FRAMES])
def test_frames_and_pages_are_counted_up_to_a_bound(process: ProcessImage, frames: int) -> None:
    assert process(gif_of(frames), "image/gif").summary["frames"] == frames
    assert process(tiff_of(frames), "image/tiff").summary["frames"] == frames


def test_more_frames_or_pages_than_that_are_refused(process: ProcessImage) -> None:
    claimed = png(chunk(b"acTL", struct.pack(">LL", 2**31, 0)))
    payloads = {
        "image/gif": gif_of(MOST_FRAMES + 1),
        "image/tiff": tiff_of(MOST_FRAMES + 1),
        "image/png": claimed,
    }

    for media_type, payload in payloads.items():
        refused = refusal(process, payload, media_type)
        assert (refused.code, refused.detail) == ("limit_exceeded", "The image has more than 10000 frames.")


def test_pages_that_run_in_a_circle_are_counted_once(process: ProcessImage) -> None:
    payload = tiff_of(3)
    circle = patched(payload, len(payload) - 4, payload[4:8])

    assert process(circle, "image/tiff").summary["frames"] == 3


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("name", PNG_TYPES)
def test_a_png_without_its_last_rows_is_damaged(process: ProcessImage, name: str, interlaced: bool) -> None:
    rows = sum(INTERLACED_ROWS) if interlaced else 7

    assert process(png_of_rows(name, rows, interlaced=interlaced), "image/png").summary["height"] == 7
    for fewer in (0, 1, 4, rows - 1):
        refused = refusal(process, png_of_rows(name, fewer, interlaced=interlaced), "image/png")
        assert refused.detail == "The image is damaged or cut off."


JPEGS: dict[str, dict[str, Any]] = {
    "baseline": {},
    "fine": {"quality": 95, "subsampling": 0},
    "progressive": {"progressive": True},
    "restarts": {"restart_marker_blocks": 2},
}
MARKERS = b"\xff\xd9\xff\xd9"


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
@pytest.mark.parametrize("name", JPEGS)
def test_a_jpeg_whose_data_ends_too_early_is_damaged(process: ProcessImage, name: str, mode: str) -> None:
    grain = Image.frombytes("L", (200, 160), Random(12).randbytes(200 * 160))
    payload = encoded(grain.convert(mode), "JPEG", **JPEGS[name])

    assert process(payload + bytes(99), "image/jpeg").summary["width"] == 200
    for share in (0.5, 0.8, 0.97):
        at = int(len(payload) * share)
        for damaged in (payload[:at], payload[:at] + MARKERS[:2], patched(payload, at, MARKERS)):
            refused = refusal(process, damaged, "image/jpeg")
            assert refused.detail == "The image is damaged or cut off."


def test_a_jpeg_that_ends_where_it_should_go_on_after_a_restart_is_damaged(process: ProcessImage) -> None:
    payload = encoded(noise("L"), "JPEG", restart_marker_blocks=1)
    ended = patched(payload, payload.index(b"\xff\xd3"), MARKERS[:2])

    assert refusal(process, ended, "image/jpeg").detail == "The image is damaged or cut off."


def test_harmless_faults_of_a_jpeg_are_read_over(process: ProcessImage) -> None:
    payload = encoded(noise(), "JPEG")
    tables, scan = payload.index(b"\xff\xdb"), payload.index(b"\xff\xda")
    payloads = (
        payload[:tables] + bytes(2) + payload[tables:],
        payload[:scan] + bytes(3) + payload[scan:],
        payload[:-2] + bytes(5) + payload[-2:],
        payload + payload[: len(payload) // 2],
    )

    for harmless in payloads:
        assert process(harmless, "image/jpeg").summary["width"] == 40


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("gif", {}),
        ("tiff", {}),
        ("tiff", {"compression": "tiff_lzw"}),
        ("tiff", {"big_tiff": True}),
        ("webp", {}),
        ("avif", {}),
    ],
)
def test_a_file_that_is_cut_off_behind_its_first_frame_is_damaged(
    process: ProcessImage, name: str, options: dict[str, Any]
) -> None:
    frames = [noise().rotate(90 * turn) for turn in range(3)]
    one = len(encoded(frames[0], name, **options))
    payload = encoded(frames[0], name, save_all=True, append_images=frames[1:], **options)

    assert process(payload, f"image/{name}").summary["frames"] == 3
    for length in range(one + 30, len(payload) - 30, max(1, (len(payload) - one) // 30)):
        refused = refusal(process, payload[:length], f"image/{name}")
        assert refused.detail == "The image is damaged or cut off."


def test_a_gif_may_lack_its_end_mark(process: ProcessImage) -> None:
    payload = gif_of(3)

    assert process(payload[:-1], "image/gif").summary["frames"] == 3
    assert process(gif_of(1)[:-2], "image/gif").summary["frames"] == 1


@pytest.mark.parametrize("default_image", [False, True])
def test_an_animated_png_that_is_cut_off_is_damaged(process: ProcessImage, default_image: bool) -> None:
    frames = [noise().rotate(90 * turn) for turn in range(3)]
    payload = encoded(
        noise(), "PNG", save_all=True, append_images=frames, default_image=default_image, duration=9
    )
    whole = process(payload, "image/png").summary["frames"]
    second = payload.index(b"fcTL", payload.index(b"IDAT")) - 4
    end = payload.index(b"IEND") - 4

    assert whole == (3 if default_image else 4)
    assert process(payload[:end], "image/png").summary["frames"] == whole
    for length in (second, second + 20, second + 100, (second + end) // 2, end - 100):
        assert refusal(process, payload[:length], "image/png").detail == "The image is damaged or cut off."


@pytest.mark.parametrize("name", SAMPLES)
def test_a_file_cut_off_anywhere_ends_with_a_verdict(process: ProcessImage, name: str) -> None:
    media_type, payload = SAMPLES[name]
    for length in range(0, len(payload), max(len(payload) // TRUNCATIONS, 1)):
        with suppress(InvalidPayload):
            process(payload[:length], media_type)

    assert refusal(process, payload[: len(payload) // 2], media_type).code == ProblemCode.INVALID_CONTENT


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    name=st.sampled_from(sorted(SAMPLES)),
    places=st.lists(st.tuples(PLACE, st.integers(0, 255)), min_size=1, max_size=8),
)
def test_damaged_bytes_end_with_a_verdict(name: str, places: list[tuple[float, int]]) -> None:
    media_type, sound = SAMPLES[name]
    payload = bytearray(sound)
    for place, value in places:
        payload[int(place * len(payload))] = value

    with tempfile.TemporaryDirectory() as folder, suppress(InvalidPayload):
        image.process(new_task(Path(folder) / "task", bytes(payload), media_type))


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(["image"]) as sandbox:
        yield sandbox


@pytest.mark.parametrize("name", ["png", "jpeg", "gif", "webp", "tiff", "bmp", "avif"])
def test_every_format_is_processed_in_the_sandbox(sandbox: Sandbox, make_task: MakeTask, name: str) -> None:
    task = replace(make_task(encoded(four_corners(), name), f"image/{name}"), processor="image")

    report = sandbox.run(task, seconds=20)
    assert report.summary["format"] == name
    assert all((task.output / file.name).stat().st_size for file in report.artifacts)


@pytest.mark.parametrize("media_type", BOMBS)
def test_after_a_bomb_the_sandbox_takes_the_next_picture(
    sandbox: Sandbox, make_task: MakeTask, media_type: str
) -> None:
    bomb = replace(make_task(BOMBS[media_type], media_type), processor="image")
    with pytest.raises(InvalidPayload) as refused:
        sandbox.run(bomb, seconds=20)
    assert refused.value.code == ProblemCode.LIMIT_EXCEEDED

    harmless = replace(make_task(SAMPLES["png"][1], "image/png"), processor="image")
    assert sandbox.run(harmless, seconds=20).summary["format"] == "png"


def test_a_picture_that_needs_all_its_memory_is_refused_as_too_large(
    sandbox: Sandbox, make_task: MakeTask
) -> None:
    payload = encoded(Image.new("P", (4000, 4000)), "GIF", transparency=0)
    task = replace(make_task(payload, "image/gif", memory_limit=123 * MEBIBYTE), processor="image")

    with pytest.raises(InvalidPayload) as refused:
        sandbox.run(task, seconds=20)
    assert refused.value.code == ProblemCode.LIMIT_EXCEEDED


def test_a_picture_is_ready_or_too_large_however_little_memory_it_has(
    sandbox: Sandbox, make_task: MakeTask
) -> None:
    """The preview is made last, and the encoder of WebP names its errors by numbers."""
    payload = encoded(Image.effect_noise((1100, 1100), 60).convert("RGB"), "JPEG", progressive=True)
    codes: set[ProblemCode | None] = set()
    for mebibytes in range(10, 40, 3):
        task = make_task(payload, "image/jpeg", memory_limit=mebibytes * MEBIBYTE)
        try:
            sandbox.run(replace(task, processor="image"), seconds=60)
        except InvalidPayload as refused:
            codes.add(refused.code)
        else:
            codes.add(None)

    assert codes == {ProblemCode.LIMIT_EXCEEDED, None}


def test_a_picture_that_is_streamed_needs_less_memory(sandbox: Sandbox, make_task: MakeTask) -> None:
    payload = encoded(Image.new("P", (4000, 4000)), "PNG", transparency=0)
    task = replace(make_task(payload, "image/png", memory_limit=123 * MEBIBYTE), processor="image")

    assert sandbox.run(task, seconds=60).summary["width"] == 4000

"""Damaged, lying and swollen files: each ends with a report or a reason, and harms nobody."""

import struct
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from app.domain.errors import InvalidPayload, ProblemCode
from app.processors import image
from app.processors.image.frames import MOST_FRAMES
from app.sandbox.client import Sandbox

from .conftest import MEBIBYTE, MakeTask, new_task
from .test_image import ProcessImage, encoded, four_corners, process, refusal

__all__ = ["process"]

GIF_FRAME = bytes.fromhex("2c 00000000 0100 0100 00 02 02 4401 00")
TRUNCATIONS = 25
PLACE = st.floats(0, 1, exclude_max=True)
"""In a file, from its first byte to its last."""


def noise(mode: str = "RGB") -> Image.Image:
    return Image.effect_noise((40, 24), 90).convert(mode)


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
"""By a name: the media type and the bytes."""


def chunk(name: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(name + content)
    return struct.pack(">L", len(content)) + name + content + struct.pack(">L", checksum)


def png(*chunks: bytes, width: int = 1, height: int = 1) -> bytes:
    """Of single bits, all black, with more chunks before the pixels."""
    header = chunk(b"IHDR", struct.pack(">LLBBBBB", width, height, 1, 0, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(bytes(min(1 + (width + 7) // 8, MEBIBYTE)) * min(height, 64)))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + pixels + chunk(b"IEND", b"")


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
    payload = encoded(Image.new("P", (4000, 4000)), "PNG", transparency=0)
    task = replace(make_task(payload, "image/png", memory_limit=123 * MEBIBYTE), processor="image")

    with pytest.raises(InvalidPayload) as refused:
        sandbox.run(task, seconds=20)
    assert refused.value.code == ProblemCode.LIMIT_EXCEEDED

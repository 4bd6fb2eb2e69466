"""The results of a picture: the summary, and two small WebP copies that look like it."""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageCms, ImageDraw

from app.domain.errors import InvalidPayload, ProblemCode
from app.processors import image
from app.processors.report import Report, Task

from .conftest import MakeTask

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)
CLEAR = (0, 0, 0, 0)
#: The colours of the corners, clockwise from the top left.
CORNERS = (RED, GREEN, BLUE, WHITE)
WIDTH, HEIGHT = 64, 32
#: The difference of a colour channel, after lossy compression of a few large patches.
TOLERANCE = 40

Colour = tuple[int, ...]


@dataclass(frozen=True)
class Result:
    report: Report
    output: Path

    @property
    def summary(self) -> dict[str, Any]:
        return self.report.summary

    def artifact(self, name: str = "preview.webp") -> Image.Image:
        with Image.open(self.output / name) as artifact:
            artifact.load()
            return artifact

    def corners(self) -> list[Colour]:
        """Return colours of the preview, clockwise from the top left; each is the middle of a quarter."""
        shown = self.artifact()
        left, right = shown.width // 4, shown.width * 3 // 4
        top, bottom = shown.height // 4, shown.height * 3 // 4
        return [pixel(shown, at) for at in ((left, top), (right, top), (right, bottom), (left, bottom))]


ProcessImage = Callable[..., Result]


@pytest.fixture
def process(make_task: MakeTask) -> ProcessImage:
    def process(payload: bytes, media_type: str, **limits: int) -> Result:
        task = make_task(payload, media_type, **limits)
        return Result(image.process(task), task.output)

    return process


def pixel(shown: Image.Image, at: tuple[int, int]) -> Colour:
    found = shown.getpixel(at)
    assert isinstance(found, tuple)
    return found


def alike(found: Colour, expected: Colour) -> bool:
    pairs = zip(found, expected, strict=True)
    return all(abs(one - other) <= TOLERANCE for one, other in pairs)


def all_alike(found: list[Colour], expected: tuple[Colour, ...]) -> bool:
    return all(alike(one, other) for one, other in zip(found, expected, strict=True))


def four_corners(mode: str = "RGB") -> Image.Image:
    picture = Image.new("RGB", (WIDTH, HEIGHT))
    draw = ImageDraw.Draw(picture)
    middle, centre = WIDTH // 2, HEIGHT // 2
    places = ((0, 0), (middle, 0), (middle, centre), (0, centre))
    for (x, y), colour in zip(places, CORNERS, strict=True):
        draw.rectangle((x, y, x + middle - 1, y + centre - 1), fill=colour)
    return picture if mode == "RGB" else picture.convert(mode)


def encoded(picture: Image.Image, name: str, **options: Any) -> bytes:
    file = BytesIO()
    picture.save(file, name, **options)
    return file.getvalue()


def refusal(process: ProcessImage, payload: bytes, media_type: str, **limits: int) -> InvalidPayload:
    with pytest.raises(InvalidPayload) as refused:
        process(payload, media_type, **limits)
    return refused.value


FORMATS = ["png", "jpeg", "gif", "webp", "tiff", "bmp", "avif"]


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_described_and_shown(process: ProcessImage, name: str) -> None:
    result = process(encoded(four_corners(), name.upper()), f"image/{name}")

    mode = result.summary.pop("mode")
    assert mode == ("P" if name == "gif" else "RGB")
    assert result.summary == {"format": name, "width": WIDTH, "height": HEIGHT, "frames": 1, "exif": {}}
    assert all_alike(result.corners(), CORNERS)


def test_there_are_two_artifacts(process: ProcessImage) -> None:
    report = process(encoded(four_corners(), "PNG"), "image/png").report

    assert [(file.name, file.media_type) for file in report.artifacts] == [
        ("thumbnail.webp", "image/webp"),
        ("preview.webp", "image/webp"),
    ]


@pytest.mark.parametrize(
    ("size", "preview", "thumbnail"),
    [
        ((3200, 2400), (1600, 1200), (320, 240)),
        ((1500, 2001), (1199, 1600), (240, 320)),
        ((1000, 500), (1000, 500), (320, 160)),
        ((20, 30), (20, 30), (20, 30)),
        ((1, 1), (1, 1), (1, 1)),
        ((1, 9000), (1, 1600), (1, 320)),
    ],
)
@pytest.mark.parametrize("name", ["png", "jpeg"])
def test_artifacts_fit_and_are_never_enlarged(
    process: ProcessImage,
    name: str,
    size: tuple[int, int],
    preview: tuple[int, int],
    thumbnail: tuple[int, int],
) -> None:
    result = process(encoded(Image.new("L", size, 90), name), f"image/{name}")

    assert (result.summary["width"], result.summary["height"]) == size
    assert result.artifact("preview.webp").size == preview
    assert result.artifact("thumbnail.webp").size == thumbnail


def stored_as(orientation: int) -> Image.Image:
    """The four corners, stored so that they are upright only in this EXIF orientation."""
    turn = Image.Transpose
    undo = [
        None,
        turn.FLIP_LEFT_RIGHT,
        turn.ROTATE_180,
        turn.FLIP_TOP_BOTTOM,
        turn.TRANSPOSE,
        turn.ROTATE_90,
        turn.TRANSVERSE,
        turn.ROTATE_270,
    ][orientation - 1]
    return four_corners() if undo is None else four_corners().transpose(undo)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["jpeg", "png", "webp", "tiff", "avif"])
def test_artifacts_are_upright(process: ProcessImage, name: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    result = process(encoded(stored_as(orientation), name, exif=exif, quality=95), f"image/{name}")

    assert all_alike(result.corners(), CORNERS)
    assert result.artifact("thumbnail.webp").size == (WIDTH, HEIGHT)
    assert (result.summary["width"], result.summary["height"]) == (WIDTH, HEIGHT)
    assert result.summary["exif"].get("orientation", 1) == orientation


MODES = {
    "png": ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"],
    "jpeg": ["L", "RGB", "CMYK"],
    "gif": ["1", "L", "P", "RGB", "RGBA"],
    "webp": ["L", "RGB", "RGBA"],
    "tiff": ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "I;16", "I", "F"],
    "bmp": ["1", "L", "P", "RGB", "RGBA"],
    "avif": ["L", "RGB", "RGBA"],
}


def in_mode(mode: str) -> Image.Image:
    """Return a picture in this mode, whose left half is dark and right half light."""
    picture = Image.new("L", (WIDTH, HEIGHT), 0)
    picture.paste(255, (WIDTH // 2, 0, WIDTH, HEIGHT))
    if mode == "I;16":
        return picture.convert("I").point(lambda value: value * 257).convert("I;16")
    if mode == "LAB":
        srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
        converted = ImageCms.profileToProfile(picture.convert("RGB"), srgb, lab, outputMode="LAB")
        assert converted is not None
        return converted
    return picture.convert("RGB").convert(mode) if mode in ("CMYK", "YCbCr") else picture.convert(mode)


@pytest.mark.parametrize(("name", "mode"), [(name, mode) for name, modes in MODES.items() for mode in modes])
def test_every_mode_looks_as_it_should(process: ProcessImage, name: str, mode: str) -> None:
    result = process(encoded(in_mode(mode), name.upper()), f"image/{name}")

    dark, light, *_ = result.corners()
    assert alike(dark[:3], (0, 0, 0))
    assert alike(light[:3], WHITE)


def test_transparency_survives(process: ProcessImage) -> None:
    half = Image.new("RGBA", (WIDTH, HEIGHT), CLEAR)
    half.paste((*RED, 255), (WIDTH // 2, 0, WIDTH, HEIGHT))
    palette = half.convert("P")
    payloads = [
        encoded(half, "PNG"),
        encoded(palette, "PNG", transparency=palette.getpixel((0, 0))),
        encoded(half.convert("RGB"), "PNG", transparency=(0, 0, 0)),
        encoded(half.convert("LA"), "PNG"),
    ]

    for payload in payloads:
        left, right, *_ = process(payload, "image/png").corners()
        assert left[3] < TOLERANCE
        assert right[3] > 255 - TOLERANCE


def test_transparent_pixels_do_not_bleed_into_their_neighbours(process: ProcessImage) -> None:
    stripes = Image.new("RGBA", (3200, 100), (0, 255, 0, 0))
    for left in range(0, 3200, 2):
        stripes.paste((*RED, 255), (left, 0, left + 1, 100))

    red, green, _, alpha = process(encoded(stripes, "PNG"), "image/png").corners()[0]
    assert green < TOLERANCE < red
    assert 0 < alpha < 255


def test_sixteen_bits_keep_their_brightness(process: ProcessImage) -> None:
    grey = Image.new("I;16", (WIDTH, HEIGHT), 128 * 257)

    for name in ("png", "tiff"):
        assert alike(process(encoded(grey, name), f"image/{name}").corners()[0], (128, 128, 128))


@pytest.mark.parametrize("name", ["png", "tiff"])
def test_sixteen_bits_are_shrunk_a_long_way(process: ProcessImage, name: str) -> None:
    result = process(encoded(Image.new("I;16", (6500, 40), 128 * 257), name), f"image/{name}")

    assert result.artifact().size == (1600, 10)
    assert alike(result.corners()[0], (128, 128, 128))


def test_numbers_without_a_range_are_stretched_over_all_of_it(process: ProcessImage) -> None:
    heights = Image.linear_gradient("L").convert("F").point(lambda value: value * 10.0 - 400.0)

    upper_left, _, lower_right, _ = process(encoded(heights, "TIFF"), "image/tiff").corners()
    assert alike(upper_left, (64, 64, 64))
    assert alike(lower_right, (191, 191, 191))


@pytest.mark.parametrize("value", [0.0, 7.5, float("nan"), float("inf")])
def test_numbers_that_cannot_be_stretched_are_shown_as_something(process: ProcessImage, value: float) -> None:
    assert process(encoded(Image.new("F", (8, 8), value), "TIFF"), "image/tiff").summary["mode"] == "F"


def test_a_cmyk_jpeg_is_not_shown_inverted(process: ProcessImage) -> None:
    cyan = Image.new("CMYK", (WIDTH, HEIGHT), (255, 0, 0, 0))

    result = process(encoded(cyan, "JPEG"), "image/jpeg")
    assert result.summary["mode"] == "CMYK"
    assert alike(result.corners()[0], (0, 255, 255))


def with_red_and_green_exchanged() -> bytes:
    """An sRGB profile whose colorants have each other's names."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    (tags,) = struct.unpack_from(">L", profile, 128)
    exchanged = {b"rXYZ": b"gXYZ", b"gXYZ": b"rXYZ"}
    for at in range(132, 132 + 12 * tags, 12):
        name = bytes(profile[at : at + 4])
        profile[at : at + 4] = exchanged.get(name, name)
    return bytes(profile)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
def test_colours_are_converted_from_the_embedded_profile(process: ProcessImage, mode: str) -> None:
    picture = Image.new("RGB", (WIDTH, HEIGHT), RED).convert(mode)

    result = process(encoded(picture, "PNG", icc_profile=with_red_and_green_exchanged()), "image/png")
    assert alike(result.corners()[0][:3], GREEN)


@pytest.mark.parametrize("profile", [b"no profile", with_red_and_green_exchanged()[:300]])
@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_a_profile_that_does_not_fit_is_left_out_of_account(
    process: ProcessImage, profile: bytes, mode: str
) -> None:
    picture = Image.new(mode, (WIDTH, HEIGHT))

    result = process(encoded(picture, "JPEG", icc_profile=profile), "image/jpeg")
    assert result.summary["mode"] == mode


@pytest.mark.parametrize("name", ["gif", "png", "webp", "tiff", "avif"])
def test_of_several_frames_the_first_is_shown_and_all_are_counted(process: ProcessImage, name: str) -> None:
    frames = [Image.new("RGB", (WIDTH, HEIGHT), colour) for colour in (RED, GREEN, BLUE)]

    result = process(encoded(frames[0], name, save_all=True, append_images=frames[1:]), f"image/{name}")
    assert result.summary["frames"] == 3
    assert alike(result.corners()[0], RED)


def test_a_jpeg_with_more_pictures_behind_it_is_one_jpeg(process: ProcessImage) -> None:
    pictures = [four_corners(), four_corners().rotate(180)]

    result = process(encoded(pictures[0], "MPO", save_all=True, append_images=pictures[1:]), "image/jpeg")
    assert (result.summary["format"], result.summary["frames"]) == ("jpeg", 1)
    assert all_alike(result.corners(), CORNERS)


@pytest.mark.parametrize("name", FORMATS)
def test_the_same_bytes_give_the_same_result(process: ProcessImage, name: str) -> None:
    payload = encoded(four_corners().resize((700, 350)), name.upper())
    first, second = process(payload, f"image/{name}"), process(payload, f"image/{name}")

    assert first.report == second.report
    for file in first.report.artifacts:
        assert (first.output / file.name).read_bytes() == (second.output / file.name).read_bytes()


@pytest.mark.parametrize("name", FORMATS)
def test_a_picture_of_another_format_is_refused(process: ProcessImage, name: str) -> None:
    payload = encoded(four_corners(), name.upper())

    for declared in set(FORMATS) - {name}:
        refused = refusal(process, payload, f"image/{declared}")
        assert refused.code == ProblemCode.MEDIA_TYPE_MISMATCH
        assert refused.detail == f"Declared as image/{declared}, but the content is image/{name}."


@pytest.mark.parametrize("payload", [b"<svg/>", b"%PDF-1.7\n", bytes(500), b"GIF89"])
def test_what_is_no_picture_is_refused(process: ProcessImage, payload: bytes) -> None:
    assert refusal(process, payload, "image/png").code == ProblemCode.MEDIA_TYPE_MISMATCH


def test_an_empty_file_is_refused(process: ProcessImage) -> None:
    refused = refusal(process, b"", "image/png")

    assert (refused.code, refused.detail) == (ProblemCode.INVALID_CONTENT, "The file is empty.")


def test_nothing_but_the_artifacts_is_left(make_task: MakeTask) -> None:
    task: Task = make_task(encoded(four_corners(), "PNG"), "image/png")
    image.process(task)

    assert sorted(file.name for file in task.output.iterdir()) == ["preview.webp", "thumbnail.webp"]

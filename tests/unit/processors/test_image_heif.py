"""HEIC and HEIF, as phones write them."""

import importlib.metadata
import re
import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pi_heif
import pytest

from app.domain.errors import InvalidPayload, ProblemCode
from app.sandbox.client import Sandbox

from .conftest import MakeTask
from .heic_files import PLAIN, TURNED, WITH_ALPHA
from .test_image import CORNERS, HEIGHT, WIDTH, ProcessImage, all_alike, process, refusal

__all__ = ["process"]

HEIC, HEIF = "image/heic", "image/heif"
LOCKS = ("worker", "local", "dev")


@pytest.mark.parametrize("media_type", [HEIC, HEIF])
@pytest.mark.parametrize("payload", [PLAIN, TURNED], ids=["plain", "turned"])
def test_a_photo_of_a_phone_is_described_and_shown_upright(
    process: ProcessImage, payload: bytes, media_type: str
) -> None:
    result = process(payload, media_type)

    exif = {"make": "Maker", "orientation": 6} if payload is TURNED else {}
    expected = {"format": "heif", "width": WIDTH, "height": HEIGHT, "frames": 1, "mode": "RGB", "exif": exif}
    assert result.summary == expected
    assert all_alike(result.corners(), CORNERS)


def test_alpha_survives(process: ProcessImage) -> None:
    clear, _, solid, _ = process(WITH_ALPHA, HEIC).corners()

    assert clear[3] < 100 < solid[3]


def test_a_photo_that_is_declared_as_jpeg_is_refused_by_its_name(process: ProcessImage) -> None:
    refused = refusal(process, PLAIN, "image/jpeg")

    assert refused.code == ProblemCode.MEDIA_TYPE_MISMATCH
    assert refused.detail == "Declared as image/jpeg, but the content is image/heic."


def test_a_sequence_is_refused_by_its_name(process: ProcessImage) -> None:
    refused = refusal(process, PLAIN.replace(b"ftypheic", b"ftyphevc").replace(b"heic", b"hevc"), HEIC)

    assert refused.detail == "Declared as image/heic, but the content is image/heic-sequence."


def test_a_photo_in_another_codec_is_not_called_damaged(process: ProcessImage) -> None:
    refused = refusal(process, PLAIN.replace(b"hvc1", b"jpeg"), HEIC)

    assert refused.code == ProblemCode.INVALID_CONTENT
    assert "variant that is not supported" in refused.detail


def test_a_photo_cut_off_anywhere_ends_with_a_verdict(process: ProcessImage) -> None:
    for length in range(0, len(PLAIN), 11):
        with suppress(InvalidPayload):
            process(PLAIN[:length], HEIC)

    assert refusal(process, PLAIN[:-60], HEIC).detail == "The image is damaged or cut off."


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(["image"]) as sandbox:
        yield sandbox


def test_a_photo_is_processed_in_the_sandbox(sandbox: Sandbox, make_task: MakeTask) -> None:
    report = sandbox.run(replace(make_task(TURNED, HEIC), processor="image"), seconds=20)

    assert report.summary["format"] == "heif"


def test_a_bomb_is_refused_before_it_is_unpacked(sandbox: Sandbox, make_task: MakeTask) -> None:
    size = struct.pack(">LL", 30_000, 30_000)
    bomb = re.sub(rb"(ispe\0{4}).{8}", lambda found: found[1] + size, PLAIN, flags=re.DOTALL)
    with pytest.raises(InvalidPayload) as refused:
        sandbox.run(replace(make_task(bomb, HEIC), processor="image"), seconds=20)

    assert refused.value.code == ProblemCode.LIMIT_EXCEEDED


def test_what_decodes_photos_holds_no_encoder() -> None:
    known = pi_heif.libheif_info()

    assert set(known["decoders"]) == {"libde265"}
    assert set(known["encoders"]) <= {"mask"}
    assert {known["HEIF"], known["AVIF"]} == {""}


@pytest.mark.parametrize("lock", LOCKS)
def test_no_lock_names_the_package_that_bundles_an_encoder_under_the_gpl(lock: str) -> None:
    text = Path(__file__).parents[3].joinpath(f"requirements/{lock}.txt").read_text()

    assert re.search(r"^pi-heif==", text, re.MULTILINE)
    assert "pillow-heif" not in text


def test_the_licence_of_its_wheel_is_the_lgpl() -> None:
    bundled = importlib.metadata.files("pi_heif") or []
    licences = next(file for file in bundled if file.name == "LICENSES_bundled.txt").read_text()

    assert set(re.findall(r"^License: (.*)$", licences, re.MULTILINE)) == {"LGPLv3"}

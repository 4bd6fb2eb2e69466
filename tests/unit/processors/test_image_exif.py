"""A picture's summary keeps what a camera says about the picture, not what it says about the owner."""

import json
from typing import Any

import pytest
from PIL import Image
from PIL.ExifTags import GPS, IFD, Base
from PIL.PngImagePlugin import PngInfo
from PIL.TiffImagePlugin import IFDRational

from app.processors.image.exif import TAGS, described

from .test_image import ProcessImage, Result, encoded, four_corners, process

__all__ = ["process"]

WITH_EXIF = ["jpeg", "png", "webp", "avif"]
OWNER = "Erika-4711"


def exif(tags: dict[int, Any] | None = None, camera: dict[int, Any] | None = None) -> Image.Exif:
    made = Image.Exif()
    made.update(tags or {})
    made.get_ifd(IFD.Exif).update(camera or {})
    return made


def camera_exif() -> Image.Exif:
    tags: dict[int, Any] = {
        Base.Make: "Example  Corp\0",
        Base.Model: "X-1",
        Base.Software: "2.0",
        Base.Orientation: 1,
        Base.DateTime: "2024:05:01 12:30:00",
    }
    camera: dict[int, Any] = {
        Base.LensMake: "Lens Corp",
        Base.LensModel: "35mm f/1.8",
        Base.DateTimeOriginal: "2024:04:30 23:59:59",
        Base.ExposureTime: IFDRational(1, 3),
        Base.FNumber: IFDRational(18, 10),
        Base.ISOSpeedRatings: 200,
        Base.FocalLength: IFDRational(35, 1),
        Base.FocalLengthIn35mmFilm: 52,
    }
    return exif(tags, camera)


def with_secrets() -> Image.Exif:
    made = camera_exif()
    made[Base.Artist] = made[Base.Copyright] = made[Base.ImageDescription] = OWNER
    made[Base.HostComputer] = made[Base.CameraSerialNumber] = OWNER
    made.get_ifd(IFD.Exif).update(
        {
            Base.MakerNote: OWNER.encode(),
            Base.UserComment: OWNER.encode(),
            Base.CameraOwnerName: OWNER,
            Base.BodySerialNumber: OWNER,
            Base.LensSerialNumber: OWNER,
            Base.ImageUniqueID: OWNER,
            Base.SubsecTime: "77",
        }
    )
    made.get_ifd(IFD.GPSInfo).update(
        {
            GPS.GPSLatitudeRef: "N",
            GPS.GPSLatitude: (48.0, 51.0, 29.0),
            GPS.GPSAreaInformation: OWNER.encode(),
        }
    )
    return made


def of(process: ProcessImage, name: str, made: Image.Exif, **options: Any) -> Result:
    return process(encoded(four_corners(), name, exif=made, **options), f"image/{name}")


@pytest.mark.parametrize("name", WITH_EXIF)
def test_the_summary_tells_how_a_picture_was_taken(process: ProcessImage, name: str) -> None:
    shown = of(process, name, camera_exif()).summary["exif"]

    assert shown.pop("orientation", 1) == 1
    assert shown == {
        "make": "Example Corp",
        "model": "X-1",
        "lens_make": "Lens Corp",
        "lens_model": "35mm f/1.8",
        "software": "2.0",
        "date_time": "2024-05-01T12:30:00",
        "date_time_original": "2024-04-30T23:59:59",
        "exposure_time": 0.333333,
        "f_number": 1.8,
        "iso": 200,
        "focal_length": 35,
        "focal_length_35mm": 52,
    }


@pytest.mark.parametrize("name", [*WITH_EXIF, "tiff"])
def test_owners_places_and_serial_numbers_are_kept_nowhere(process: ProcessImage, name: str) -> None:
    payload = encoded(four_corners(), name, exif=with_secrets())
    assert OWNER.encode() in payload

    result = process(payload, f"image/{name}")
    assert result.summary["exif"]["model"] == "X-1"
    assert OWNER not in json.dumps(result.summary)
    assert "gps" not in json.dumps(result.summary).lower()
    for file in result.report.artifacts:
        assert OWNER.encode() not in (result.output / file.name).read_bytes()


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("png", {"xmp": OWNER.encode()}),
        ("jpeg", {"comment": OWNER, "xmp": OWNER.encode()}),
        ("webp", {"xmp": OWNER.encode()}),
        ("gif", {"comment": OWNER.encode()}),
    ],
)
def test_artifacts_hold_pixels_and_no_metadata(
    process: ProcessImage, name: str, options: dict[str, Any]
) -> None:
    result = process(encoded(four_corners(), name, **options), f"image/{name}")

    for file in result.report.artifacts:
        made = result.artifact(file.name)
        assert set(made.info) <= {"background", "duration", "loop", "timestamp"}
        assert OWNER.encode() not in (result.output / file.name).read_bytes()


PLACE = "48.858370N"
XMP = f"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description xmlns:exif="http://ns.adobe.com/exif/1.0/" exif:GPSLatitude="{PLACE}"
 exif:GPSLongitude="{PLACE}"/></rdf:RDF></x:xmpmeta>""".encode()


def with_a_place() -> Image.Exif:
    """Write the place as the camera does, and as text where GPS has room for it."""
    made = camera_exif()
    made.get_ifd(IFD.GPSInfo).update(
        {
            GPS.GPSLatitudeRef: "N",
            GPS.GPSLatitude: (48.0, 51.0, 30.132),
            GPS.GPSMapDatum: PLACE,
            GPS.GPSProcessingMethod: PLACE.encode(),
        }
    )
    return made


def png_texts() -> PngInfo:
    """Return texts as ImageMagick writes EXIF and XMP, and as anybody writes notes."""
    texts = PngInfo()
    texts.add_text("Location", PLACE)
    texts.add_text("GPSLatitude", PLACE, zip=True)
    texts.add_itxt("XML:com.adobe.xmp", XMP.decode())
    profile = with_a_place().tobytes()
    texts.add_text("Raw profile type exif", f"\nexif\n{len(profile):8}\n{profile.hex()}\n")
    return texts


CARRIERS: dict[str, tuple[str, dict[str, Any]]] = {
    **{f"{name} EXIF": (name, {"exif": with_a_place().tobytes()}) for name in (*WITH_EXIF, "tiff")},
    **{f"{name} XMP": (name, {"xmp": XMP}) for name in ("jpeg", "webp", "avif")},
    "tiff XMP": ("tiff", {"tiffinfo": {700: XMP}}),
    "tiff description": ("tiff", {"tiffinfo": {270: PLACE}}),
    "png texts": ("png", {"pnginfo": png_texts()}),
    "png EXIF and texts": ("png", {"exif": with_a_place(), "pnginfo": png_texts()}),
    "jpeg comment": ("jpeg", {"comment": PLACE}),
    "gif comment": ("gif", {"comment": PLACE.encode()}),
}


@pytest.mark.parametrize("carrier", CARRIERS)
def test_where_a_picture_was_taken_is_kept_nowhere(process: ProcessImage, carrier: str) -> None:
    name, options = CARRIERS[carrier]
    payload = encoded(four_corners(), name, **options)
    assert PLACE.encode() in payload

    result = process(payload, f"image/{name}")

    shown = json.dumps(result.summary)
    assert PLACE not in shown
    assert "gps" not in shown.lower()
    assert set(result.summary["exif"]) <= set(TAGS)
    assert {file.name for file in result.report.artifacts} == {"thumbnail.webp", "preview.webp"}
    for file in result.report.artifacts:
        content = (result.output / file.name).read_bytes()
        assert chunks(content) <= {b"VP8 ", b"VP8L", b"VP8X", b"ALPH"}
        assert PLACE.encode() not in content


def chunks(webp: bytes) -> set[bytes]:
    """The kinds of chunk of a WebP file; EXIF, XMP and ICCP are where metadata would be (RFC 9649)."""
    found, at = set(), 12
    while at < len(webp):
        found.add(webp[at : at + 4])
        size = int.from_bytes(webp[at + 4 : at + 8], "little")
        at += 8 + size + size % 2
    return found


def test_metadata_would_be_found() -> None:
    assert chunks(encoded(four_corners(), "webp", exif=with_a_place(), xmp=XMP)) >= {b"EXIF", b"XMP "}


def test_no_tag_of_a_place_is_ever_read() -> None:
    assert not [name for name, (tag, _) in TAGS.items() if tag == IFD.GPSInfo or "gps" in name]


@pytest.mark.parametrize("name", ["jpeg", "png"])
def test_an_embedded_profile_is_applied_and_dropped(process: ProcessImage, name: str) -> None:
    result = process(encoded(four_corners(), name, icc_profile=b"secret profile"), f"image/{name}")

    assert "icc_profile" not in result.artifact().info


@pytest.mark.parametrize(
    ("tag", "stored", "shown"),
    [
        (Base.Make, "line\nbreak\x07", "line break"),
        (Base.Make, "m" * 5000, "m" * 100),
        (Base.Make, " \0", None),
        (Base.DateTime, "0000:00:00 00:00:00", None),
        (Base.DateTime, "2024:02:31 00:00:00", None),
        (Base.DateTime, "    :  :     :  :  ", None),
        (Base.DateTime, "yesterday", None),
        (Base.Orientation, 9, None),
        (Base.Orientation, 0, None),
    ],
)
def test_values_are_cleaned(process: ProcessImage, tag: int, stored: Any, shown: Any) -> None:
    result = of(process, "jpeg", exif({tag: stored}))

    assert list(result.summary["exif"].values()) == ([] if shown is None else [shown])


@pytest.mark.parametrize(("encoding", "replaced"), [("utf-8", "Gr????e"), ("latin-1", "Gr??e")])
def test_texts_beyond_ascii_are_read(process: ProcessImage, encoding: str, replaced: str) -> None:
    payload = encoded(four_corners(), "JPEG", exif=exif({Base.Make: replaced}))

    payload = payload.replace(replaced.encode(), "Größe".encode(encoding))
    assert process(payload, "image/jpeg").summary["exif"] == {"make": "Größe"}


@pytest.mark.parametrize("fraction", [IFDRational(1, 0), IFDRational(0, 0), IFDRational(0, 1)])
def test_fractions_that_are_no_number_are_left_out(process: ProcessImage, fraction: IFDRational) -> None:
    assert of(process, "jpeg", exif(camera={Base.FNumber: fraction})).summary["exif"] == {}


@pytest.mark.parametrize(
    "broken", [b"", b"Exif", b"Exif\0\0", b"Exif\0\0II*\0\xff\xff\xff\xff", b"\xff" * 60]
)
@pytest.mark.parametrize("name", ["jpeg", "png", "webp"])
def test_damaged_exif_data_is_as_good_as_none(process: ProcessImage, name: str, broken: bytes) -> None:
    assert process(encoded(four_corners(), name, exif=broken), f"image/{name}").summary["exif"] == {}


def test_exif_data_may_follow_the_pixels_of_a_png(process: ProcessImage) -> None:
    payload = encoded(four_corners(), "PNG", exif=camera_exif())
    at = payload.index(b"eXIf") - 4
    length = int.from_bytes(payload[at : at + 4], "big") + 12
    end = payload.index(b"IEND") - 4
    moved = payload[:at] + payload[at + length : end] + payload[at : at + length] + payload[end:]

    assert process(moved, "image/png").summary["exif"]["model"] == "X-1"


def test_an_image_without_exif_data_has_an_empty_description() -> None:
    assert described(four_corners()) == {}

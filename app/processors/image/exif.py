"""A camera's data about a picture, as far as it says nothing about the picture's owner.

Only the tags named here are ever read: no GPS, no serial numbers, no names of
people, no comments, no maker notes. Numbers come in the units of the standard
(CIPA DC-008): seconds, f-numbers, millimetres; times as local time without zone.
"""

import math
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from PIL.ExifTags import IFD, Base
from PIL.Image import Image

from app.processors.image.decode import UNREADABLE

TEXT_CHARACTERS = 100
SIGNIFICANT_DIGITS = 6
TIME = re.compile(r"(\d{4}):(\d\d):(\d\d) (\d\d:\d\d:\d\d)", re.ASCII)
UPRIGHT = 1
ORIENTATIONS = range(1, 9)


def described(image: Image) -> dict[str, str | int | float]:
    """Return the tags that are there and make sense. Damaged EXIF data is as good as none."""
    found = {}
    tags = _directory(image, IFD.Exif) | _directory(image, None)
    for name, (tag, cleaned) in TAGS.items():
        value = cleaned(tags.get(tag))
        if value is not None:
            found[name] = value
    if turned := image.info.get("original_orientation"):  # of HEIF, which comes upright
        found["orientation"] = turned
    return found


def orientation_of(image: Image) -> int:
    return _orientation(_directory(image, None).get(Base.Orientation)) or UPRIGHT


def _directory(image: Image, which: IFD | None) -> dict[int, Any]:
    try:
        exif = Image.getexif(image)  # PNG's own would load the picture
        return dict(exif if which is None else exif.get_ifd(which))
    except UNREADABLE:
        return {}


def _text(value: Any) -> str | None:
    """Return one line. UTF-8 in a field that is meant for ASCII is read as UTF-8."""
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    if not isinstance(value, str):
        return None
    with suppress(UnicodeError):
        value = value.encode("latin-1").decode()
    before_nul = value.partition("\0")[0]
    printable = "".join(character if character.isprintable() else " " for character in before_nul)
    return " ".join(printable.split())[:TEXT_CHARACTERS] or None


def _time(value: Any) -> str | None:
    """Return the time in ISO 8601. Cameras without a clock write zeros or blanks."""
    try:
        return datetime.fromisoformat(TIME.sub(r"\1-\2-\3T\4", _text(value) or "")).isoformat()
    except ValueError:
        return None


def _number(value: Any) -> int | float | None:
    """Return a positive, finite number: the first one, if there are several."""
    if isinstance(value, tuple) and value:
        value = value[0]
    try:
        number = float(value)
    except (TypeError, ValueError, ArithmeticError):
        return None
    if not (math.isfinite(number) and number > 0):
        return None
    rounded = float(f"{number:.{SIGNIFICANT_DIGITS}g}")
    return int(rounded) if rounded.is_integer() else rounded


def _orientation(value: Any) -> int | None:
    return value if isinstance(value, int) and value in ORIENTATIONS else None


TAGS: Mapping[str, tuple[int, Callable[[Any], str | int | float | None]]] = {
    "make": (Base.Make, _text),
    "model": (Base.Model, _text),
    "lens_make": (Base.LensMake, _text),
    "lens_model": (Base.LensModel, _text),
    "software": (Base.Software, _text),
    "orientation": (Base.Orientation, _orientation),
    "date_time": (Base.DateTime, _time),
    "date_time_original": (Base.DateTimeOriginal, _time),
    "exposure_time": (Base.ExposureTime, _number),
    "f_number": (Base.FNumber, _number),
    "iso": (Base.ISOSpeedRatings, _number),
    "focal_length": (Base.FocalLength, _number),
    "focal_length_35mm": (Base.FocalLengthIn35mmFilm, _number),
}

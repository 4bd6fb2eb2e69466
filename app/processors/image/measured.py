"""Pictures whose samples are measurements, some of which may be missing.

NaN, the infinities, and the number that a GeoTIFF names for what was not measured
would spoil the range of the others and, when the picture is shrunk, their neighbours.
"""

from typing import cast

from PIL import Image, ImageMath

from app.processors.image.render import Numbers

EIGHT_BITS = 255
#: The largest sample: above and below all others.
LARGEST = {"F": 3.4028234663852886e38, "I": 2**31 - 1}


def without_gaps(image: Image.Image, numbers: Numbers) -> Image.Image:
    """Return the picture with black for samples that are missing; an infinite one is black or white."""
    no_data = numbers.no_data
    if numbers.highest is not None and no_data is None:
        return image
    image.load()
    if image.mode == "L" and numbers.highest == EIGHT_BITS and no_data is not None:
        gap = EIGHT_BITS - no_data if numbers.is_negative else no_data  # Pillow has inverted a negative
        return image.point([0 if value == gap else value for value in range(256)])
    samples = image.convert("I") if image.mode.startswith("I;16") else image
    if samples.mode not in LARGEST:
        return image
    measured = _measured(samples, no_data)
    if measured.getextrema() == (255, 255):
        return image
    largest = LARGEST[samples.mode]
    darkest, _ = _extremes(_filled(samples, measured, largest))
    _, brightest = _extremes(_filled(samples, measured, -largest))
    if darkest > brightest:  # nothing is measured
        return Image.new("L", image.size)
    black, white = numbers.black_and_white(samples.mode, darkest, brightest)
    filled = _filled(samples, measured, black)
    filled.paste(white, mask=_infinitely_white(samples, numbers, largest))
    return filled


def _measured(image: Image.Image, no_data: float | None) -> Image.Image:
    """Return a mask of the samples that are numbers."""
    none = float("nan") if no_data is None else no_data
    if image.mode == "I":  # compared as whole numbers: as others, neighbours of large ones would be equal
        if not (-LARGEST["I"] - 1 <= none <= LARGEST["I"] and none.is_integer()):
            return Image.new("1", image.size, 255)
        none = int(none)
    return _mask(
        ImageMath.lambda_eval(
            lambda of: (of["a"] - of["a"] == 0) * (of["a"] != of["none"]) * 255, a=image, none=none
        )
    )


def _infinitely_white(image: Image.Image, numbers: Numbers, largest: float) -> Image.Image:
    if numbers.is_negative:
        return _mask(ImageMath.lambda_eval(lambda of: (of["a"] < of["end"]) * 255, a=image, end=-largest))
    return _mask(ImageMath.lambda_eval(lambda of: (of["a"] > of["end"]) * 255, a=image, end=largest))


def _mask(image: Image.Image) -> Image.Image:
    return image.convert("L").convert("1", dither=Image.Dither.NONE)


def _filled(image: Image.Image, measured: Image.Image, filling: float) -> Image.Image:
    return Image.composite(image, Image.new(image.mode, image.size, filling), measured)


def _extremes(image: Image.Image) -> tuple[float, float]:
    return cast("tuple[float, float]", image.getextrema())

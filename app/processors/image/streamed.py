"""Reads these pictures, shrunk, instead of Pillow: faster, and with little of them held at once.

* PNG, but not animated, interlaced, or with a transparent colour outside of a palette: by libvips, row by row
* TIFF of one picture in grey or RGB, of 8 or 16 bits, without orientation: by libvips
* WebP, but not animated: by libwebp, which shrinks it while it decodes

Everything else is Pillow's: JPEG, which it reads at a fraction of its size as well; AVIF, which
it reads in half the time; BMP, which libvips lacks; GIF, where little is gained; and each variant
of the others that is read differently. What libvips does not read without a warning, or libwebp
not at all, is read again by Pillow, so Pillow decides that a picture is damaged or too large. For
what it would fill in without a word, see `_refuse_missing` of the package.
"""

from pathlib import Path

from PIL import Image
from PIL.ImageFile import ImageFile
from PIL.TiffImagePlugin import TiffImageFile

from app.processors.image import libvips, libwebp, render
from app.processors.image.formats import png, tiff
from app.processors.image.render import fitted

#: libvips reads several lines at once.
WIDEST = 65_535
#: libwebp shrinks a picture to half its size or less while it decodes. Above that, Lanczos is sharper.
LARGEST_SCALE_OF_WEBP = 0.5


#: The modes that libvips may give for a mode of Pillow's.
MODES = {"1": ("L",), "P": ("RGB", "RGBA"), "RGBA": ("RGBA", "LA")}


def is_streamed(image: ImageFile, source: Path) -> bool:
    """True if libvips reads this picture as Pillow would. Pillow has opened it, but not loaded it."""
    if image.width > WIDEST:
        return False
    if isinstance(image, TiffImageFile):
        return tiff.is_plain(image)
    if getattr(image, "is_animated", False):
        return False
    return image.format == "WEBP" or (image.format == "PNG" and png.is_plain(image, source))


def shrunk(image: ImageFile, source: Path, edge: int) -> Image.Image | None:
    """Return the picture, at most `edge` pixels long, or None if Pillow has to read it."""
    if not is_streamed(image, source):
        return None
    target = fitted(image.size, edge)
    if image.format == "WEBP":
        return _smaller_webp(image, source, target)
    try:
        pixels = libvips.pixels_of(_smaller(image, source, target))
    except libvips.Unreadable:
        return None
    return pixels if pixels.mode in MODES.get(image.mode, (image.mode,)) else None


def _smaller_webp(image: ImageFile, source: Path, target: tuple[int, int]) -> Image.Image | None:
    if max(target) <= max(image.size) * LARGEST_SCALE_OF_WEBP:
        return libwebp.decoded(source, image.mode, image.size, to=target)
    whole = libwebp.decoded(source, image.mode, image.size, to=image.size)
    return None if whole is None else render.shrunk(whole, max(target))


def _smaller(image: ImageFile, source: Path, target: tuple[int, int]) -> libvips.Picture:
    if isinstance(image, TiffImageFile):
        picture = libvips.load("tiffload", source, page=image.tell())
    else:
        picture = libvips.load("pngload", source)
    if libvips.size_of(picture) != image.size:
        raise libvips.Unreadable("the picture has another size")
    return libvips.resized(libvips.in_eight_bits(picture), target)

"""TIFF: which of its many variants are read, which page is the picture, and what its numbers mean.

Pillow reads TIFF with decoders of its own or with libtiff. Only libtiff is used
here, because Pillow's own decoders read planes of 16 bits as if they had 8.
libtiff returns samples in the byte order of the machine, which is what "N" says
in Pillow's names below.
"""

import struct
import warnings
from pathlib import Path

from PIL import ImagePalette, TiffImagePlugin
from PIL.TiffImagePlugin import ImageFileDirectory_v2, TiffImageFile

from app.domain.errors import InvalidPayload, ProblemCode
from app.processors.image.render import Numbers

NEW_SUBFILE_TYPE, SUBFILE_TYPE = 254, 255
WIDTH, HEIGHT = 256, 257
BITS_PER_SAMPLE, COMPRESSION, PHOTOMETRIC = 258, 259, 262
FILL_ORDER, ORIENTATION = 266, 274
SAMPLES_PER_PIXEL, PLANAR_CONFIGURATION = 277, 284
COLOUR_MAP, SUB_DIRECTORIES, INK_SET, EXTRA_SAMPLES, SAMPLE_FORMAT = 320, 330, 332, 338, 339
#: The tags that tell a variant: those of one number, and those of one number for each sample.
ONE_NUMBER = (COMPRESSION, PHOTOMETRIC, FILL_ORDER, SAMPLES_PER_PIXEL, PLANAR_CONFIGURATION)
NUMBERS = (BITS_PER_SAMPLE, SAMPLE_FORMAT, EXTRA_SAMPLES)
LARGEST_NUMBER = 0xFFFF
#: A refusal names the bits of at most this many samples that differ.
MOST_NAMED_SAMPLES = 8
#: Text with the number that stands for no sample (GDAL's, in GeoTIFF).
GDAL_NO_DATA = 42113
#: The tags of offsets and lengths: those of strips, and those of tiles.
OFFSETS_AND_LENGTHS = ((273, 279), (324, 325))

SMALL_VERSION_OR_MASK = 1 | 4
OLD_SMALL_VERSION = 2
SEPARATE_PLANES = 2
UNSIGNED, SIGNED, FLOATING = 1, 2, 3
FORMATS = {UNSIGNED: "", SIGNED: "signed ", FLOATING: "floating-point ", 5: "complex ", 6: "complex "}
MIN_IS_WHITE, MIN_IS_BLACK, SEPARATED = 0, 1, 5
CMYK_INKS = 1
PHOTOMETRICS = {
    MIN_IS_WHITE: "grey",
    MIN_IS_BLACK: "grey",
    2: "RGB",
    3: "palette",
    4: "mask",
    SEPARATED: "CMYK",
    6: "YCbCr",
    8: "CIE Lab",
    9: "ICC Lab",
    10: "ITU Lab",
    32803: "camera raw",
    32844: "LogL",
    32845: "LogLuv",
    34892: "camera raw",
}
#: The mode of samples, and Pillow's name for how they are stored, by their format and number of bits.
GREY_SAMPLES = {
    (UNSIGNED, 12): ("I;16", "I;12"),
    (UNSIGNED, 16): ("I;16", "I;16N"),
    (UNSIGNED, 32): ("F", "F;32N"),
    (SIGNED, 8): ("I", "I;8S"),
    (SIGNED, 16): ("I", "I;16NS"),
    (SIGNED, 32): ("I", "I;32NS"),
    (FLOATING, 32): ("F", "F;32NF"),
    (FLOATING, 64): ("F", "F;64NF"),
}
#: The compressions that the libtiff within Pillow can undo.
COMPRESSIONS = {1, 2, 3, 4, 5, 6, 7, 8, 32773, 32809, 32946, 34925, 50000}
#: The photometric interpretation and the samples of a pixel, by Pillow's mode, for `is_plain`.
PLAIN = {"L": (MIN_IS_BLACK, 1), "I;16": (MIN_IS_BLACK, 1), "RGB": (2, 3)}
#: The compressions none, LZW, deflate (which has two numbers) and PackBits.
PLAIN_COMPRESSIONS = {1, 5, 8, 32946, 32773}
PALETTES = ("P", "PA")
#: How a BigTIFF begins whose numbers have their most significant byte first. Pillow reads it the other way.
BIG_ENDIAN_BIGTIFF = b"MM\0+"
#: Colours below it have 8 bits: with 16, all would be black.
SIXTEEN_BITS_AT_LEAST = 256
#: Pillow mixes up the samples of these modes if they are stored plane by plane.
WITHOUT_PLANES = ("LA", "La", "P", "PA")

TiffImagePlugin.READ_LIBTIFF = True
TiffImagePlugin.OPEN_INFO.update(
    {
        (order, photometric, (sample_format,), fill_order, (bits,), ()): modes
        for order in (TiffImagePlugin.II, TiffImagePlugin.MM)
        for photometric in (MIN_IS_WHITE, MIN_IS_BLACK)
        for fill_order in (1, 2)
        for (sample_format, bits), modes in GREY_SAMPLES.items()
    }
)


def seek_picture(image: TiffImageFile) -> None:
    """Go to the first page that is not a small version or a mask of another page.

    If there is none, stay at the first page. Raise InvalidPayload if the picture
    is of a variant that would be read wrongly, or hidden below the first page, as
    in camera raw files.
    """
    is_hidden = SUB_DIRECTORIES in image.tag_v2
    try:
        while _belongs_to_another(image.tag_v2):
            image.seek(image.tell() + 1)
    except EOFError:
        image.seek(0)
        if is_hidden:
            raise unsupported("its picture is not among its pages") from None
    _read_eight_bit_palette(image)
    is_mixed_up = image.mode in WITHOUT_PLANES and image.tag_v2.get(PLANAR_CONFIGURATION) == SEPARATE_PLANES
    if is_mixed_up or _has_other_inks(image.tag_v2):
        raise unsupported(_described(image.tag_v2))


def is_plain(image: TiffImageFile) -> bool:
    """True for grey or RGB of 8 or 16 bits, upright, that every reader understands alike."""
    tags = image.tag_v2
    samples = tags.get(SAMPLES_PER_PIXEL, 1)
    return (
        (tags.get(PHOTOMETRIC), samples) == PLAIN.get(image.mode)
        and _all(tags.get(BITS_PER_SAMPLE)) in ((8,) * samples, (16,) * samples)
        and {*_all(tags.get(SAMPLE_FORMAT))} <= {UNSIGNED}
        and tags.get(PLANAR_CONFIGURATION, 1) != SEPARATE_PLANES
        and tags.get(COMPRESSION, 1) in PLAIN_COMPRESSIONS
        and tags.get(FILL_ORDER, 1) == 1
        and tags.get(ORIENTATION, 1) == 1
        and (image.mode == "RGB" or GDAL_NO_DATA not in tags)
    )


def meaning_of_numbers(image: TiffImageFile) -> Numbers:
    """Return what the samples stand for, as far as the tags tell."""
    bits, sample_format = _sample(image.tag_v2)
    return Numbers(
        highest=2**bits - 1 if sample_format == UNSIGNED else None,
        is_negative=image.tag_v2.get(PHOTOMETRIC, MIN_IS_WHITE) == MIN_IS_WHITE,
        no_data=_no_data(image.tag_v2),
    )


def explain_failure(source: Path, *, was_opened: bool) -> InvalidPayload | None:
    """Return the reason if a sound file could not be read because of its variant, else None.

    A file is sound if its first directory is, and its strips or tiles lie within it. In a sound directory
    the variant is told by numbers, so that nothing else of the file gets into the reason.
    """
    # Pillow looks at a tag, and warns of it, when it is asked for.
    with warnings.catch_warnings(action="ignore"):
        try:
            with source.open("rb") as file:
                if file.read(len(BIG_ENDIAN_BIGTIFF)) == BIG_ENDIAN_BIGTIFF:
                    return unsupported("BigTIFF with the most significant byte first")
            tags = _first_directory(source)
            is_known = was_opened and tags.get(COMPRESSION, 1) in COMPRESSIONS
            is_variant = not is_known and _is_sound(tags, source.stat().st_size)
            return unsupported(_described(tags)) if is_variant else None
        except (OSError, SyntaxError, ValueError, TypeError, LookupError, struct.error):
            return None


def unsupported(variant: str) -> InvalidPayload:
    detail = f"The image is a TIFF of a variant that is not supported: {variant}."
    return InvalidPayload(ProblemCode.INVALID_CONTENT, detail)


def _no_data(tags: ImageFileDirectory_v2) -> float | None:
    try:
        return float(str(tags.get(GDAL_NO_DATA, "")).strip(" \0"))
    except ValueError:
        return None


def _read_eight_bit_palette(image: TiffImageFile) -> None:
    """Read a palette whose colours have 8 bits instead of 16, as some programs write it."""
    colours = _all(image.tag_v2.get(COLOUR_MAP))
    if image.mode in PALETTES and 0 < max(colours, default=0) < SIXTEEN_BITS_AT_LEAST:
        image.palette = ImagePalette.raw("RGB;L", bytes(colours))


def _belongs_to_another(tags: ImageFileDirectory_v2) -> bool:
    kind = tags.get(NEW_SUBFILE_TYPE, 0)
    return tags.get(SUBFILE_TYPE) == OLD_SMALL_VERSION or (
        isinstance(kind, int) and bool(kind & SMALL_VERSION_OR_MASK)
    )


def _first_directory(source: Path) -> ImageFileDirectory_v2:
    with source.open("rb") as file:
        header = file.read(8)
        if header[2:4] in (b"+\0", b"\0+"):
            header += file.read(8)
        tags = ImageFileDirectory_v2(header)
        file.seek(tags.next)
        tags.load(file)
    return tags


def _is_sound(tags: ImageFileDirectory_v2, file_bytes: int) -> bool:
    values = [(tags[tag],) for tag in ONE_NUMBER if tag in tags]
    values += [value if isinstance(value, tuple) else (value,) for value in map(tags.get, NUMBERS) if value]
    if not all(isinstance(one, int) and 0 <= one <= LARGEST_NUMBER for value in values for one in value):
        return False
    size = (tags.get(WIDTH), tags.get(HEIGHT))
    if not all(isinstance(length, int) and length > 0 for length in size):
        return False
    for offsets, lengths in OFFSETS_AND_LENGTHS:
        places = list(zip(_all(tags.get(offsets)), _all(tags.get(lengths)), strict=False))
        if places:
            return all(offset + length <= file_bytes for offset, length in places)
    return False


def _described(tags: ImageFileDirectory_v2) -> str:
    compression = tags.get(COMPRESSION, 1)
    if compression not in COMPRESSIONS:
        return f"compression {compression}"
    _, sample_format = _sample(tags)
    colours = PHOTOMETRICS.get(tags.get(PHOTOMETRIC, MIN_IS_WHITE), "unknown colours")
    if _has_other_inks(tags):
        colours = "inks other than CMYK"
    kind = FORMATS.get(sample_format, "untyped ")
    planes = ", in planes" if tags.get(PLANAR_CONFIGURATION) == SEPARATE_PLANES else ""
    return f"{colours}, {_described_bits(tags)} bits {kind}per pixel{planes}"


def _described_bits(tags: ImageFileDirectory_v2) -> str:
    """Return the number of samples and their bits, or the bits of each sample if they differ."""
    bits = _all(tags.get(BITS_PER_SAMPLE))
    if len(set(bits)) > 1:
        more = ["…"] if len(bits) > MOST_NAMED_SAMPLES else []
        return " + ".join([*map(str, bits[:MOST_NAMED_SAMPLES]), *more])
    return f"{tags.get(SAMPLES_PER_PIXEL, 1)} × {_sample(tags)[0]}"


def _has_other_inks(tags: ImageFileDirectory_v2) -> bool:
    return tags.get(PHOTOMETRIC) == SEPARATED and tags.get(INK_SET, CMYK_INKS) != CMYK_INKS


def _sample(tags: ImageFileDirectory_v2) -> tuple[int, int]:
    """Return the bits and the format of the first sample."""
    bits, sample_format = _all(tags.get(BITS_PER_SAMPLE)), _all(tags.get(SAMPLE_FORMAT))
    return (bits[0] if bits else 1), (sample_format[0] if sample_format else UNSIGNED)


def _all(value: object) -> tuple[int, ...]:
    """Return the whole numbers of a tag, which Pillow gives as one number or as a tuple."""
    values = value if isinstance(value, tuple) else (value,)
    return tuple(one for one in values if isinstance(one, int))

"""Files that other projects test themselves with, and the outcome that each must have here.

`make samples` fetches them into .samples/, one folder per package.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SAMPLES = Path(__file__).parents[2] / ".samples"
#: How many files of each package have a suffix that one of our kinds takes.
PACKAGES = {
    "agate": 26,
    "csv-spectrum": 14,
    "csvkit": 87,
    "frictionless": 316,
    "img2pdf": 19,
    "markdown": 179,
    "markdown_it_py": 21,
    "ocrmypdf": 111,
    "pikepdf": 159,
    "pillow": 771,
    "pypdf": 86,
    "reportlab": 345,
}
IMAGES = {
    ".apng": "image/png",
    ".avif": "image/avif",
    ".bmp": "image/bmp",
    ".gif": "image/gif",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".mpo": "image/jpeg",
    ".png": "image/png",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".webp": "image/webp",
}
DATASETS = {
    ".csv": "text/csv",
    ".jsonl": "application/x-ndjson",
    ".ndjson": "application/x-ndjson",
    ".parquet": "application/vnd.apache.parquet",
    ".tsv": "text/tab-separated-values",
}
DOCUMENTS = {".md": "text/markdown", ".pdf": "application/pdf", ".txt": "text/plain"}
KINDS = {"image": IMAGES, "dataset": DATASETS, "document": DOCUMENTS}

EMPTY = "agate/empty.csv csvkit/empty.csv frictionless/empty.csv csv-spectrum/.js.txt"
LOCKED = """
    pikepdf/graph-encrypted.pdf pypdf/crazyones-encrypted-256.pdf pypdf/encrypted-file.pdf
    pypdf/r2-user-password.pdf pypdf/r3-user-password.pdf pypdf/r4-aes-user-password.pdf
    pypdf/r4-user-password.pdf pypdf/r5-user-password.pdf pypdf/r6-both-passwords.pdf
    pypdf/r6-cleartext-metadata.pdf pypdf/r6-user-password.pdf pypdf/libreoffice-writer-password.pdf
"""
BROKEN_ON_PURPOSE = """
    ocrmypdf/invalid.pdf pikepdf/378014596.pdf
    pillow/badbitcount.bmp pillow/badpalettesize.bmp pillow/shortfile.bmp pillow/zero_width.gif
    pillow/truncated_jpeg.jpg pillow/ultrahdr.jpg pillow/chunk_no_fctl.png
    pillow/syntax_num_frames_zero.png pillow/syntax_num_frames_high.png pillow/sequence_reorder_chunk.png
    pillow/broken.png pillow/broken_data_stream.png
    pillow/truncated_end_chunk.png pillow/truncated_image.png pillow/unknown_compression_method.png
    pillow/hopper_unknown_pixel_mode.tif pillow/libtiff_segfault.tif
    pillow/oom-225817ca0f8c663be7ab4b9e717b02c661e66834.tif pillow/seek_too_large.tif
    pillow/tiff_overflow_rows_per_strip.tif pillow/tiff_tiled_jpeg_oob_read.tif
"""
#: A NUL character, a quote that is never closed, and Greek without a declared charset.
WITHOUT_A_SURE_MEANING = """
    csvkit/null_byte.csv frictionless/issue-1066.csv frictionless/table-infer-iso-8859-7.csv
"""
WITHOUT_A_PAGE = "pikepdf/newline-buffer-test.pdf"
UNKNOWN_TO_PILLOW = """
    pillow/rgb32bf.bmp pillow/pal2.bmp pillow/pal8os2v2-16.bmp pillow/pal8oversizepal.bmp
    pillow/rgb16-231.bmp pillow/rgb24jpeg.bmp pillow/rgb24png.bmp pillow/rgb32-111110.bmp
    pillow/rgba16-4444.bmp pillow/rgba32abf.bmp pillow/hopper_webp.tif
"""
UNDER_A_FALSE_NAME = """
    frictionless/implicit-zip.csv pillow/badheadersize.bmp
    reportlab/i_am_actually_a_jpeg.gif reportlab/i_am_actually_a_gif.jpg
"""
TOO_LARGE = """
    frictionless/wide.csv pillow/badwidth.bmp pillow/reallybig.bmp pillow/l2rgb_read.bmp
    pillow/decompression_bomb.gif pillow/png_decompression_dos.png
"""
#: The code of the problem, by package and file name. Every other file must become ready.
REFUSED: Mapping[str, str] = {
    name: code
    for code, names in {
        "invalid_content": " ".join(
            (EMPTY, LOCKED, BROKEN_ON_PURPOSE, WITHOUT_A_SURE_MEANING, WITHOUT_A_PAGE, UNKNOWN_TO_PILLOW)
        ),
        "media_type_mismatch": UNDER_A_FALSE_NAME,
        "limit_exceeded": TOO_LARGE,
    }.items()
    for name in names.split()
}


@dataclass(frozen=True, slots=True)
class RealFile:
    path: Path
    kind: str
    #: The media type that the file's name suggests.
    media_type: str

    @property
    def expected(self) -> str:
        """Return `ready`, or the code of the problem."""
        name = self.path.name.rpartition("__")[2]
        return REFUSED.get(f"{self.path.parent.name}/{name}", "ready")


def files_of(package: str) -> list[RealFile]:
    """Return a package's files by name. Fails, so that no test passes unseen, when they are missing."""
    folder = SAMPLES / package
    assert folder.is_dir(), f"{folder} is missing: run `make samples`"
    found = [RealFile(path, *known) for path in sorted(folder.iterdir()) if (known := declared(path))]
    assert len(found) == PACKAGES[package]
    return found


def declared(path: Path) -> tuple[str, str] | None:
    """Return the kind and media type that a user would declare for a file of this name."""
    suffix = Path(path.name.lower().removesuffix(".gz")).suffix
    return next(
        ((kind, media_types[suffix]) for kind, media_types in KINDS.items() if suffix in media_types), None
    )

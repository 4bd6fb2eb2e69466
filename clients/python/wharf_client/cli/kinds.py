"""Guesses the media type of a file by its name, and its kind by what the service takes."""

import mimetypes
from pathlib import Path

from wharf_client.client import Wharf
from wharf_client.errors import ObjectNotReady

ANY_KIND = "file"
ANY_TYPE = "application/octet-stream"
#: Problems of a payload that is not what its kind reads.
MISFITS = {"invalid_content", "media_type_mismatch"}
#: Media types that Python's table lacks, or that depend there on the machine.
BY_SUFFIX = {
    ".avif": "image/avif",
    ".csv": "text/csv",
    ".heic": "image/heic",
    ".heif": "image/heif",
    ".jsonl": "application/x-ndjson",
    ".md": "text/markdown",
    ".ndjson": "application/x-ndjson",
    ".parquet": "application/vnd.apache.parquet",
    ".tsv": "text/tab-separated-values",
    ".webp": "image/webp",
}


def media_type_of(path: Path) -> str:
    """Return the media type; of a gzipped table the table's, as the service wants it."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    suffix = suffixes[-2] if suffixes[-1:] == [".gz"] and suffixes[-2:-1] else "".join(suffixes[-1:])
    if suffixes[-1:] == [".gz"] and suffix not in BY_SUFFIX:
        return "application/gzip"
    return BY_SUFFIX.get(suffix) or mimetypes.guess_type(f"file{suffix}")[0] or ANY_TYPE


def kind_of(client: Wharf, media_type: str) -> str:
    """Return the kind that names the media type, or the one that takes any."""
    bare = media_type.partition(";")[0].strip().lower()
    for kind in client.request("GET", "/v1/kinds")["items"]:
        if bare in (kind["media_types"] or ()):
            return str(kind["name"])
    return ANY_KIND


def is_misfit(ended: object) -> bool:
    """True if a payload was rejected, and the kind that takes any would have taken it."""
    if not isinstance(ended, ObjectNotReady) or ended.object["kind"] == ANY_KIND:
        return False
    problem = ended.object["problem"]
    return problem is not None and problem["code"] in MISFITS

"""Leave out of botocore's description of AWS what a function never asks for.

botocore reads the whole description of a service, and of the endpoints of all services, when a
function makes its first client. It has one member per operation and per shape, and text for people.
What is kept has the form in which botocore ships it, so nothing in botocore changes.
"""

import gzip
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

#: botocore asks for the region of a bucket by itself when S3 redirects.
BY_BOTOCORE = frozenset({"headbucket"})
#: Endpoints that botocore looks up whatever the service.
ALWAYS = frozenset({"sts"})


def words_of(sources: Iterable[Path]) -> frozenset[str]:
    """Return all words of the sources, without case and underscores, as an operation may be written."""
    texts = (source.read_text() for source in sources)
    return frozenset(word.replace("_", "").lower() for text in texts for word in re.findall(r"\w+", text))


def trim(data: Path, words: frozenset[str]) -> None:
    """Rewrite the files of botocore's folder `data`; `words` name the operations that are used."""
    prefixes = set(ALWAYS)
    for path in sorted(data.glob("*/*/service-2.json.gz")):
        model = json.loads(gzip.decompress(path.read_bytes()))
        prefixes.add(model["metadata"]["endpointPrefix"])
        # The file holds no time, so that the same sources give the same file.
        path.write_bytes(gzip.compress(_json(trimmed(model, words | BY_BOTOCORE)), mtime=0))
    endpoints = data / "endpoints.json"
    endpoints.write_bytes(_json(_without_services(json.loads(endpoints.read_bytes()), prefixes)))


def trimmed(model: Mapping[str, Any], words: frozenset[str]) -> dict[str, Any]:
    """Return the model with the operations that the words name, and the shapes that these use."""
    operations = {name: operation for name, operation in model["operations"].items() if name.lower() in words}
    waiting, shapes = list(_shapes_in(operations)), dict[str, Any]()
    while waiting:
        name = waiting.pop()
        if name not in shapes:
            shapes[name] = model["shapes"][name]
            waiting += _shapes_in(shapes[name])
    return {
        **model,
        "documentation": "",
        "operations": _without_documentation(operations),
        "shapes": _without_documentation(dict(sorted(shapes.items()))),
    }


def _shapes_in(part: Any) -> Iterator[str]:
    """Yield the names of the shapes that a part of a model refers to."""
    if isinstance(part, Mapping):
        if isinstance(part.get("shape"), str):
            yield part["shape"]
        for member in part.values():
            yield from _shapes_in(member)
    elif isinstance(part, list):
        for member in part:
            yield from _shapes_in(member)


def _without_documentation(part: Any) -> Any:
    """Return the part without texts for people; a member that has that name is a mapping, and stays."""
    if isinstance(part, Mapping):
        return {
            name: _without_documentation(member)
            for name, member in part.items()
            if not (name == "documentation" and isinstance(member, str))
        }
    if isinstance(part, list):
        return [_without_documentation(member) for member in part]
    return part


def _without_services(endpoints: dict[str, Any], prefixes: set[str]) -> dict[str, Any]:
    partitions = [
        {**one, "services": {name: part for name, part in one["services"].items() if name in prefixes}}
        for one in endpoints["partitions"]
    ]
    return {**endpoints, "partitions": partitions}


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()

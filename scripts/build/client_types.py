"""Write the types of the Python client, as typed dictionaries, from the API's description.

python -m scripts.build.client_types docs/openapi.json clients/python/wharf_client/generated.py
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Schema = dict[str, Any]

HEAD = '''"""The types of the API's answers. Written by `make client-types` from docs/openapi.json."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict
'''
NAMES = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}
REF = "#/components/schemas/"


def module(document: Schema) -> str:
    """Return the source of the module: a class for each schema that a client reads, in whatever answer."""
    schemas = document["components"]["schemas"]
    wanted = list(dict.fromkeys(references(list(successes(document)))))
    for name in wanted:
        wanted += [one for one in references(schemas[name]) if one not in wanted]
    # A union is evaluated where it stands, so the classes come first.
    wanted.sort(key=lambda name: ("properties" not in schemas[name], name))
    return HEAD + "".join(typed(name, schemas[name]) for name in wanted)


def successes(document: Schema) -> Iterator[Schema]:
    """Yield the bodies of every operation's answers, but for problems."""
    for operations in document["paths"].values():
        for operation in operations.values():
            for status, answer in operation["responses"].items():
                if status.startswith("2"):
                    yield answer.get("content", {})


def references(schema: object) -> Iterator[str]:
    """Yield the names that a schema refers to."""
    if isinstance(schema, dict):
        if "$ref" in schema:
            yield schema["$ref"].removeprefix(REF)
        for one in schema.values():
            yield from references(one)
    elif isinstance(schema, list):
        for one in schema:
            yield from references(one)


def typed(name: str, schema: Schema) -> str:
    if "properties" not in schema:
        return f"\n\n{name} = {annotation(schema)}\n"
    described = f'    """{schema["description"].splitlines()[0]}"""\n\n' if "description" in schema else ""
    required = schema.get("required", ())
    fields = [
        f"    {field}: {annotation(one) if field in required else f'NotRequired[{annotation(one)}]'}\n"
        for field, one in schema["properties"].items()
    ]
    return f"\n\nclass {name}(TypedDict):\n{described}{''.join(fields)}"


def annotation(schema: Schema) -> str:
    """Return the annotation for a schema; Any for what may be any JSON."""
    match schema:
        case {"$ref": reference}:
            found = str(reference).removeprefix(REF)
        case {"enum": values}:
            found = f"Literal[{', '.join(repr(value) for value in values)}]"
        case {"const": value}:
            found = f"Literal[{value!r}]"
        case {"anyOf": choices} | {"oneOf": choices}:
            found = " | ".join(annotation(choice) for choice in choices)
        case {"type": "array"}:
            found = f"list[{annotation(schema.get('items', {}))}]"
        case {"type": "object", "additionalProperties": dict(values)}:
            found = f"dict[str, {annotation(values)}]"
        case {"type": "object"}:
            found = "dict[str, Any]"
        case _:
            found = NAMES.get(schema.get("type", ""), "Any")
    return found


def write(document: Path, target: Path) -> None:
    target.write_text(module(json.loads(document.read_text("utf-8"))), "utf-8")
    ruff = [str(Path(sys.executable).with_name("ruff")), "format", "--quiet", "--config", "pyproject.toml"]
    subprocess.run([*ruff, str(target)], check=True)


if __name__ == "__main__":
    write(Path(sys.argv[1]), Path(sys.argv[2]))

"""Tidies schemas for readers and client generators.

* Titles go, because they repeat the name of a property.
* Null goes from parameters, because it cannot be sent.
* Defaults go from bodies: generated clients would send them for what the caller left out.
* Whole numbers lose their fraction.
"""

from typing import Any

Json = dict[str, Any]
NULL = {"type": "null"}


def tidy(document: Json) -> Json:
    """Tidy the schemas of the document in place, and return it."""
    for path in document["paths"].values():
        for operation in path.values():
            operation["parameters"] = [_tidy_parameter(p) for p in operation.get("parameters", [])]
            if not operation["parameters"]:
                del operation["parameters"]
            _tidy_contents(operation.get("requestBody", {}))
            for answer in operation["responses"].values():
                _tidy_contents(answer)
    schemas = document["components"]["schemas"]
    document["components"]["schemas"] = {
        name: _tidy_schema(schema, keep_default=False) for name, schema in schemas.items()
    }
    return document


def _tidy_contents(body: Json) -> None:
    for content in body.get("content", {}).values():
        content["schema"] = _tidy_schema(content.get("schema", {}), keep_default=False)


def _tidy_parameter(parameter: Json) -> Json:
    schema = _tidy_schema(parameter["schema"], keep_default=True)
    options = [option for option in schema.pop("anyOf", []) if option != NULL]
    schema.pop("description", None)
    return parameter | {"schema": {**(options[0] if options else {}), **schema}}


def _tidy_schema(schema: Any, *, keep_default: bool) -> Any:
    """Return the schema without unwanted keywords. A property may be called `title`, and stays."""
    if isinstance(schema, list):
        return [_tidy_schema(item, keep_default=keep_default) for item in schema]
    if isinstance(schema, float) and schema.is_integer():
        return int(schema)
    if not isinstance(schema, dict):
        return schema
    unwanted = {"title"} if keep_default else {"title", "default"}
    return {
        keyword: {name: _tidy_schema(value, keep_default=keep_default) for name, value in content.items()}
        if keyword in ("properties", "patternProperties", "mapping")
        else _tidy_schema(content, keep_default=keep_default)
        for keyword, content in schema.items()
        if keyword not in unwanted
    }

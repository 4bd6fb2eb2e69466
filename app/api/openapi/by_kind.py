"""Objects told apart by their kind, so that `result.summary` has a type of its own for each.

The routes answer with one model, in which a summary is any JSON object: what a processor finds out is
stored and shown as it comes. Only the document says more.
"""

from copy import deepcopy
from typing import Any

from pydantic import BaseModel

from app.domain.kinds import KINDS
from app.domain.summaries import AnySummary

Json = dict[str, Any]
SCHEMAS = "#/components/schemas/"
#: Each model that holds an object, the model of its result, and the names of a kind's own two models.
MODELS = (
    ("ObjectOut", "ResultOut", "{}Object", "{}Result"),
    ("CreatedOut", "ResultOut", "Created{}", "{}Result"),
    ("ListedOut", "SummaryResultOut", "Listed{}", "Listed{}Result"),
)


def tell_kinds_apart(schemas: Json) -> None:
    """Replace each model of an object by one for each kind, in place."""
    for whole, result, own_whole, own_result in MODELS:
        common = schemas[whole]
        mapping = {}
        for kind in KINDS.values():
            name, result_name = own_whole.format(kind.name.title()), own_result.format(kind.name.title())
            schemas[name] = own = deepcopy(common)
            own["properties"]["kind"] = {"type": "string", "const": kind.name}
            mapping[kind.name] = SCHEMAS + name
            if kind.summary is not AnySummary:
                told = deepcopy(schemas[result])
                told["properties"]["summary"] = _reference(_add(kind.summary, schemas))
                schemas[result_name] = told
                # It stays null until a revision is ready.
                own["properties"]["result"] = {"anyOf": [_reference(result_name), {"type": "null"}]}
        schemas[whole] = {
            "description": common["description"],
            "oneOf": [{"$ref": reference} for reference in mapping.values()],
            "discriminator": {"propertyName": "kind", "mapping": mapping},
        }


def _add(model: type[BaseModel], schemas: Json) -> str:
    """Add a model's schema, and those of its parts. Return its name."""
    schema = model.model_json_schema(ref_template=SCHEMAS + "{model}", mode="serialization")
    schemas |= schema.pop("$defs", {}) | {model.__name__: schema}
    return model.__name__


def _reference(name: str) -> Json:
    return {"$ref": SCHEMAS + name}

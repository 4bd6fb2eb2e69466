"""Find what changed between two JSON schemas, and whether the change breaks clients.

It knows the keywords that our documents use. A change of any other keyword counts as breaking.
"""

from collections.abc import Iterator
from enum import Enum
from typing import Any, NamedTuple

Json = dict[str, Any]
Documents = tuple[Json, Json]


class Direction(Enum):
    SENT = "sent"
    READ = "read"


class Change(NamedTuple):
    is_breaking: bool
    where: str
    what: str

    def __str__(self) -> str:
        return f"{'breaking  ' if self.is_breaking else 'compatible'}  {self.where}: {self.what}"


LOWER_BOUNDS = ("minimum", "minLength", "minItems", "minProperties", "exclusiveMinimum")
UPPER_BOUNDS = ("maximum", "maxLength", "maxItems", "maxProperties", "exclusiveMaximum")
COMPOSITIONS = ("oneOf", "anyOf", "allOf")
CHILDREN = ("items", "additionalProperties", "propertyNames")
ANNOTATIONS = frozenset(
    {"title", "description", "examples", "example", "default", "discriminator", "deprecated"}
)
COMPARED = frozenset(
    {"$ref", "type", "enum", "const", "properties", "required"}
    | set(LOWER_BOUNDS)
    | set(UPPER_BOUNDS)
    | set(COMPOSITIONS)
    | set(CHILDREN)
)


def compare_schemas(
    before: Any, after: Any, documents: Documents, direction: Direction, where: str
) -> Iterator[Change]:
    """Yield the changes from one schema to another; `where` is the place of both in their documents."""
    return _Schemas(documents, direction).compare(before, after, where, frozenset())


class _Schemas:
    def __init__(self, documents: Documents, direction: Direction) -> None:
        self._documents = documents
        self._direction = direction

    def compare(self, before: Any, after: Any, at: str, seen: frozenset[tuple[str, str]]) -> Iterator[Change]:
        refs = tuple(one.get("$ref", "") if isinstance(one, dict) else "" for one in (before, after))
        if all(refs) and refs in seen:
            return
        seen |= {(refs[0], refs[1])}
        old, new = self._resolved(before, 0), self._resolved(after, 1)
        yield from self._values(old, new, at)
        yield from self._bounds(old, new, at)
        yield from self._properties(old, new, at, seen)
        yield from self._parts(old, new, at, seen)
        for keyword in sorted((old.keys() | new.keys()) - COMPARED - ANNOTATIONS):
            yield from self._keyword(old, new, keyword, at)

    def _resolved(self, schema: Any, of: int) -> Json:
        """Return a boolean schema as an object, and a reference merged with the keywords beside it."""
        if isinstance(schema, bool):
            return {} if schema else {"not": {}}
        if "$ref" not in schema:
            return dict(schema)
        name = schema["$ref"].rpartition("/")[2]
        target: Json = self._documents[of]["components"]["schemas"][name]
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        properties = {
            key: {**target.get("properties", {}).get(key, {}), **value}
            for key, value in beside.get("properties", {}).items()
        }
        return {**target, **beside, "properties": {**target.get("properties", {}), **properties}}

    def _values(self, old: Json, new: Json, at: str) -> Iterator[Change]:
        """Yield the changes of allowed types and listed values; None stands for any."""
        for keyword, allowed in (("type", _types), ("value", _listed)):
            before, after = allowed(old), allowed(new)
            if before == after:
                continue
            narrower = after is not None and (before is None or not before <= after)
            wider = before is not None and (after is None or not after <= before)
            yield self._judged(narrower, wider, at, f"{keyword} {_show(before)} became {_show(after)}")

    def _bounds(self, old: Json, new: Json, at: str) -> Iterator[Change]:
        for keyword in (*LOWER_BOUNDS, *UPPER_BOUNDS):
            before, after = old.get(keyword), new.get(keyword)
            if before == after:
                continue
            rises = before is None or (after is not None and after > before)
            narrower = after is not None and (
                before is None or (rises if keyword in LOWER_BOUNDS else not rises)
            )
            yield self._judged(narrower, not narrower, at, f"{keyword} {before} became {after}")

    def _properties(
        self, old: Json, new: Json, at: str, seen: frozenset[tuple[str, str]]
    ) -> Iterator[Change]:
        before, after = old.get("properties", {}), new.get("properties", {})
        required_before, required_after = set(old.get("required", ())), set(new.get("required", ()))
        for name in sorted(before.keys() - after.keys()):
            yield Change(True, f"{at}/{name}", "property removed")
        for name in sorted(after.keys() - before.keys()):
            is_breaking = self._direction is Direction.SENT and name in required_after
            yield Change(is_breaking, f"{at}/{name}", "property added")
        for name in sorted(before.keys() & after.keys()):
            if (name in required_before) is not (name in required_after):
                yield self._judged(
                    name in required_after,
                    name in required_before,
                    f"{at}/{name}",
                    "became required" if name in required_after else "became optional",
                )
            yield from self.compare(before[name], after[name], f"{at}/{name}", seen)

    def _parts(self, old: Json, new: Json, at: str, seen: frozenset[tuple[str, str]]) -> Iterator[Change]:
        for keyword in CHILDREN:
            if keyword in old or keyword in new:
                yield from self.compare(old.get(keyword, {}), new.get(keyword, {}), f"{at}/{keyword}", seen)
        for keyword in COMPOSITIONS:
            before = {_name(part): part for part in old.get(keyword, ())}
            after = {_name(part): part for part in new.get(keyword, ())}
            is_choice = keyword != "allOf"
            for name in sorted(before.keys() - after.keys()):
                yield self._judged(is_choice, not is_choice, at, f"{keyword} lost {name}")
            for name in sorted(after.keys() - before.keys()):
                yield self._judged(not is_choice, is_choice, at, f"{keyword} gained {name}")
            for name in sorted(before.keys() & after.keys()):
                yield from self.compare(before[name], after[name], f"{at}/{name}", seen)

    def _keyword(self, old: Json, new: Json, keyword: str, at: str) -> Iterator[Change]:
        """Yield a change of a keyword not compared in detail.

        A new one narrows what is allowed, a removed one widens it, and a changed one may do either.
        """
        before, after = old.get(keyword), new.get(keyword)
        if before != after:
            yield self._judged(
                after is not None, before is not None, at, f"{keyword} {before!r} became {after!r}"
            )

    def _judged(self, narrower: bool, wider: bool, at: str, what: str) -> Change:
        """Return a change, which is breaking if it narrows what clients send or widens what they read."""
        return Change(narrower if self._direction is Direction.SENT else wider, at, what)


def _types(schema: Json) -> set[str] | None:
    found = schema.get("type")
    if found is None:
        return None
    types = {found} if isinstance(found, str) else set(found)
    return types | {"integer"} if "number" in types else types


def _listed(schema: Json) -> set[str] | None:
    if "const" in schema:
        return {repr(schema["const"])}
    return {repr(value) for value in schema["enum"]} if "enum" in schema else None


def _show(values: set[str] | None) -> str:
    return "any" if values is None else "|".join(sorted(values))


def _name(part: Json) -> str:
    """Return the name of a member of a composition: the schema it refers to, or its type."""
    return str(part["$ref"].rpartition("/")[2] if "$ref" in part else part.get("type", sorted(part)))

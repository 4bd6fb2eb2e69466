"""Tell breaking changes between two OpenAPI documents from compatible ones.

    python -m scripts.checks.openapi_diff before.json after.json

A change is breaking when a client written against `before` may fail against `after`.
Clients must still be allowed to send all that they sent before, and must never read
what they could not have read before:

    path, operation, media type, answer header     removed
    success status                                 removed or added
    parameter, body, property sent                 added as required, or made required
    property read                                  removed, or made optional
    type, enum, const, bounds, pattern sent        narrowed
    type, enum, const, bounds read                 widened
    security                                       other schemes

Exits with 1 when a change is breaking.
"""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scripts.checks.openapi_schema_diff import Change, Direction, compare_schemas

Json = dict[str, Any]


def compare(before: Json, after: Json) -> list[Change]:
    return list(_Comparison(before, after).changes())


class _Comparison:
    def __init__(self, before: Json, after: Json) -> None:
        self._before = before
        self._after = after

    def changes(self) -> Iterator[Change]:
        before, after = _operations(self._before), _operations(self._after)
        yield from _removed_and_added(before, after, "", "operation")
        for name in before.keys() & after.keys():
            yield from self._operation(name, before[name], after[name])

    def _operation(self, where: str, before: Json, after: Json) -> Iterator[Change]:
        if before.get("operationId") != after.get("operationId"):
            yield Change(True, where, "operationId changed")
        if _security(self._before, before) != _security(self._after, after):
            yield Change(True, where, "security changed")
        yield from self._parameters(where, before, after)
        yield from self._request(f"{where} request", before, after)
        yield from self._answers(where, before["responses"], after["responses"])

    def _parameters(self, where: str, before: Json, after: Json) -> Iterator[Change]:
        old, new = _parameters(before), _parameters(after)
        for name in old.keys() - new.keys():
            yield Change(True, where, f"parameter {name} removed")
        for name in new.keys() - old.keys():
            yield Change(bool(new[name].get("required")), where, f"parameter {name} added")
        for name in old.keys() & new.keys():
            if new[name].get("required") and not old[name].get("required"):
                yield Change(True, where, f"parameter {name} became required")
            yield from self._schemas(f"{where} {name}", old[name], new[name], Direction.SENT)

    def _request(self, where: str, before: Json, after: Json) -> Iterator[Change]:
        old, new = before.get("requestBody", {}), after.get("requestBody", {})
        if new.get("required") and not old.get("required"):
            yield Change(True, where, "body became required")
        yield from self._contents(where, old, new, Direction.SENT)

    def _answers(self, where: str, before: Json, after: Json) -> Iterator[Change]:
        for status in before.keys() - after.keys():
            yield Change(status < "400", where, f"status {status} removed")
        for status in after.keys() - before.keys():
            # A client handles an unknown error by its class, but may not understand an unknown success.
            yield Change(status < "400", where, f"status {status} added")
        for status in before.keys() & after.keys():
            there = f"{where} {status}"
            old, new = before[status], after[status]
            yield from _removed_and_added(old.get("headers", {}), new.get("headers", {}), there, "header")
            for change in self._contents(there, old, new, Direction.READ):
                yield change._replace(is_breaking=change.is_breaking and not _is_new_code(change))

    def _contents(self, where: str, before: Json, after: Json, direction: Direction) -> Iterator[Change]:
        old, new = before.get("content", {}), after.get("content", {})
        yield from _removed_and_added(old, new, where, "media type")
        for media_type in old.keys() & new.keys():
            yield from self._schemas(where, old[media_type], new[media_type], direction)

    def _schemas(self, where: str, before: Json, after: Json, direction: Direction) -> Iterator[Change]:
        pair = (before.get("schema", {}), after.get("schema", {}))
        return compare_schemas(*pair, (self._before, self._after), direction, where)


def _is_new_code(change: Change) -> bool:
    """True if a problem got another code. Clients go by the status then (RFC 9457, section 3)."""
    return bool(re.search(r" [45][0-9]{2}/code$", change.where)) and change.what.startswith("value")


def _operations(document: Json) -> dict[str, Json]:
    return {
        f"{method.upper()} {path}": operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }


def _parameters(operation: Json) -> dict[str, Json]:
    return {f"{p['in']} {p['name']}": p for p in operation.get("parameters", [])}


def _security(document: Json, operation: Json) -> list[Json]:
    """Return what each alternative makes a client send, and where."""
    alternatives: Any = operation.get("security", document.get("security", []))
    schemes = document.get("components", {}).get("securitySchemes", {})
    return [
        {name: (schemes[name].get("in"), schemes[name].get("name"), scopes) for name, scopes in one.items()}
        for one in alternatives
    ]


def _removed_and_added(before: Json, after: Json, where: str, what: str) -> Iterator[Change]:
    for name in before.keys() - after.keys():
        yield Change(True, where or name, f"{what} removed" if not where else f"{what} {name} removed")
    for name in after.keys() - before.keys():
        yield Change(False, where or name, f"{what} added" if not where else f"{what} {name} added")


def main(before: str, after: str) -> int:
    documents = (json.loads(Path(path).read_text(encoding="utf-8")) for path in (before, after))
    changes = sorted(compare(*documents), reverse=True)
    for change in changes:
        print(change)
    breaking = sum(change.is_breaking for change in changes)
    print(f"{breaking} breaking, {len(changes) - breaking} compatible changes")
    return 1 if breaking else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

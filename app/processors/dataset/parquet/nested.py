"""The values at the leaves of nested types: collected in a list, or changed where they are.

What is wanted of a leaf is told by a function that takes its type and SQL for its
value, and returns SQL, or None for a leaf of another type.
"""

from collections.abc import Callable

from duckdb import sqltype
from duckdb.sqltypes import DuckDBPyType

from app.processors.dataset.engine import identifier, literal
from app.processors.dataset.values import children

Change = Callable[[DuckDBPyType, str], str | None]


def has_leaf(kind: DuckDBPyType, change: Change) -> bool:
    """True if the function wants some leaf of the type."""
    if kind.id in ("list", "array", "map", "struct"):
        return any(has_leaf(child, change) for _, child in children(kind))
    return change(kind, "") is not None


def leaves(kind: DuckDBPyType, sql: str, wanted: Change, result: str, depth: int = 0) -> str:
    """Return SQL for a list, of the type `result`, of all wanted leaves in a value."""
    inner = f"v{depth}"
    match kind.id:
        case "list" | "array":
            item = leaves(children(kind)[0][1], inner, wanted, result, depth + 1)
            return f"flatten(list_transform({sql}, lambda {inner}: {item}))"
        case "map":
            parts = [
                leaves(sqltype(f"{child}[]"), f"map_{side}({sql})", wanted, result, depth)
                for side, (_, child) in zip(("keys", "values"), children(kind), strict=True)
            ]
            return f"list_concat({', '.join(parts)})"
        case "struct":
            parts = [
                leaves(child, f"struct_extract({sql}, {literal(name)})", wanted, result, depth)
                for name, child in children(kind)
            ]
            return f"list_concat({', '.join(parts)})" if len(parts) > 1 else parts[0]
        case _:
            leaf = wanted(kind, sql)
            return f"[]::{result}[]" if leaf is None else f"[{leaf}]"


def changed(kind: DuckDBPyType, sql: str, change: Change, depth: int = 0) -> str:
    """Return SQL for a value with each wanted leaf in it changed."""
    inner = f"v{depth}"
    match kind.id:
        case "list" | "array":
            item = changed(children(kind)[0][1], inner, change, depth + 1)
            return f"list_transform({sql}, lambda {inner}: {item})"
        case "map":
            (_, key), (_, value) = children(kind)
            keys = changed(sqltype(f"{key}[]"), f"map_keys({sql})", change, depth)
            values = changed(sqltype(f"{value}[]"), f"map_values({sql})", change, depth)
            return f"CASE WHEN {sql} IS NOT NULL THEN map({keys}, {values}) END"
        case "struct":
            members = [
                f"{identifier(name)} := "
                + changed(child, f"struct_extract({sql}, {literal(name)})", change, depth)
                for name, child in children(kind)
            ]
            return f"CASE WHEN {sql} IS NOT NULL THEN struct_pack({', '.join(members)}) END"
        case _:
            return change(kind, sql) or sql

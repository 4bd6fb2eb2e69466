"""Turn the values that our items hold into DynamoDB's form, and back.

    text   {"S": "…"}      list   {"L": […]}
    int    {"N": "1"}      dict   {"M": {…}}
    None   {"NULL": True}

boto3 has both ways too, for every type that DynamoDB knows, through Decimal. These take a tenth of
its time and no boto3 in the bundles of the functions. A test compares them value by value. To go
back to boto3's, change the import in items.py: TypeSerializer and TypeDeserializer have the same
methods (boto3.dynamodb.types).
"""

from collections.abc import Mapping
from typing import Any


def serialize(value: Any) -> dict[str, Any]:
    """Raises TypeError for a value of another type."""
    if isinstance(value, str):
        return {"S": value}
    if isinstance(value, int) and not isinstance(value, bool):
        return {"N": str(value)}
    if isinstance(value, Mapping):
        return {"M": {name: serialize(part) for name, part in value.items()}}
    if isinstance(value, list):
        return {"L": [serialize(part) for part in value]}
    if value is None:
        return {"NULL": True}
    raise TypeError(f"No item holds a {type(value).__name__}.")


def deserialize(attribute: Mapping[str, Any]) -> Any:
    """Raises TypeError for an attribute of another type, ValueError for a number that is not whole."""
    [(kind, value)] = attribute.items()
    match kind:
        case "S":
            return value
        case "N":
            return int(value)
        case "M":
            return {name: deserialize(part) for name, part in value.items()}
        case "L":
            return [deserialize(part) for part in value]
        case "NULL":
            return None
    raise TypeError(f"No item holds an attribute of type {kind}.")

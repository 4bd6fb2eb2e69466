"""The values of items, in DynamoDB's form: the same as boto3 writes, and reads."""

from decimal import Decimal
from typing import Any

import pytest
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from hypothesis import given
from hypothesis import strategies as st

from app.storage.attribute_values import deserialize, serialize

#: boto3 takes 38 digits, as many as DynamoDB does.
WHOLE = st.integers(-(10**37), 10**37)
VALUES = st.recursive(
    st.none() | st.text() | WHOLE,
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(VALUES)
def test_a_value_is_written_as_boto3_writes_it_and_read_as_it_was(value: Any) -> None:
    written = serialize(value)

    assert written == TypeSerializer().serialize(value)
    assert deserialize(written) == value == TypeDeserializer().deserialize(written)


@pytest.mark.parametrize("value", [True, 1.5, Decimal(1), b"x", {1, 2}, (1, 2), NotImplemented], ids=repr)
def test_a_value_that_no_item_holds_is_refused(value: Any) -> None:
    """A boolean is an integer to Python, but not to DynamoDB."""
    with pytest.raises(TypeError):
        serialize(value)


@pytest.mark.parametrize("kind", ["BOOL", "B", "SS", "NS", "BS"])
def test_an_attribute_that_no_item_holds_is_refused(kind: str) -> None:
    with pytest.raises(TypeError):
        deserialize({kind: "x"})


def test_a_number_that_is_not_whole_is_refused() -> None:
    with pytest.raises(ValueError, match=r"1\.5"):
        deserialize({"N": "1.5"})

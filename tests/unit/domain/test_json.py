"""JSON as RFC 8259 has it, and the merge patch of RFC 7396."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.json import compact_json, merge_patch, parse_json

#: Original, patch, result: all test cases of RFC 7396, appendix A.
APPENDIX_A = [
    ('{"a":"b"}', '{"a":"c"}', '{"a":"c"}'),
    ('{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'),
    ('{"a":"b"}', '{"a":null}', "{}"),
    ('{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'),
    ('{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'),
    ('{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'),
    ('{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'),
    ('{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'),
    ('["a","b"]', '["c","d"]', '["c","d"]'),
    ('{"a":"b"}', '["c"]', '["c"]'),
    ('{"a":"foo"}', "null", "null"),
    ('{"a":"foo"}', '"bar"', '"bar"'),
    ('{"e":null}', '{"a":1}', '{"e":null,"a":1}'),
    ("[1,2]", '{"a":"b","c":null}', '{"a":"b"}'),
    ("{}", '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'),
]


@pytest.mark.parametrize(("original", "patch", "result"), APPENDIX_A)
def test_a_merge_patch_does_what_the_rfc_says(original: str, patch: str, result: str) -> None:
    assert compact_json(merge_patch(json.loads(original), json.loads(patch))) == result


def test_a_merge_patch_does_what_the_rfcs_example_shows() -> None:
    """RFC 7396, section 3."""
    original = {
        "title": "Goodbye!",
        "author": {"givenName": "John", "familyName": "Doe"},
        "tags": ["example", "sample"],
        "content": "This will be unchanged",
    }
    patch = {
        "title": "Hello!",
        "phoneNumber": "+01-123-456-7890",
        "author": {"familyName": None},
        "tags": ["example"],
    }

    assert merge_patch(original, patch) == {
        "title": "Hello!",
        "author": {"givenName": "John"},
        "tags": ["example"],
        "content": "This will be unchanged",
        "phoneNumber": "+01-123-456-7890",
    }


def documents() -> st.SearchStrategy[Any]:
    leaves = st.none() | st.booleans() | st.integers(-3, 3) | st.text("ab", max_size=2)
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text("ab", max_size=1), inner),
        max_leaves=6,
    )


@given(original=documents(), patch=documents())
def test_a_patch_applied_twice_is_a_patch_applied_once_and_leaves_the_original_alone(
    original: Any, patch: Any
) -> None:
    as_it_was = compact_json(original)
    once = merge_patch(original, patch)

    assert merge_patch(once, patch) == once
    assert compact_json(original) == as_it_was


@given(original=st.dictionaries(st.text("ab", max_size=1), documents()))
def test_an_empty_patch_changes_nothing(original: Any) -> None:
    assert merge_patch(original, {}) == original


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [{"a": -float("inf")}]])
def test_what_is_not_json_is_not_written(value: Any) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        compact_json(value)


@pytest.mark.parametrize("text", ["NaN", '{"a":[Infinity]}', "-Infinity", "{", ""])
def test_what_is_not_json_is_not_read(text: str) -> None:
    with pytest.raises(ValueError, match=r"not JSON|Expecting"):
        parse_json(text)

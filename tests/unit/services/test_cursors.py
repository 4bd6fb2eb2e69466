"""A cursor leads back to its position, in its own list only."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.errors import InvalidCursor
from app.services.cursors import decode_cursor, encode_cursor

ANY = re.compile(".*", re.DOTALL)
SCOPE = ["objects", "local-me", "dataset", None, [["team", "growth"]]]
POSITION = "2026-03-01T09:30:00.000Z#0b7e7d3a-9a0e-4e6f-8a51-2f1c7f1f6a10"


@given(st.text())
def test_every_position_survives_the_journey(position: str) -> None:
    cursor = encode_cursor(position, SCOPE)

    assert decode_cursor(cursor, SCOPE, of_form=ANY) == position


@given(st.text())
def test_a_cursor_needs_no_escaping_in_a_url(position: str) -> None:
    cursor = encode_cursor(position, SCOPE)

    assert cursor.replace("-", "").replace("_", "").isalnum()
    assert cursor.isascii()


@pytest.mark.parametrize(
    "scope",
    [
        ["objects", "local-you", "dataset", None, [["team", "growth"]]],
        ["objects", "local-me", "file", None, [["team", "growth"]]],
        ["objects", "local-me", "dataset", "ready", [["team", "growth"]]],
        ["objects", "local-me", "dataset", None, [["team", "sales"]]],
        ["objects", "local-me", "dataset", None, []],
        ["history", "local-me", "dataset", None, [["team", "growth"]]],
        ["objects", "local-me", None, "dataset", [["team", "growth"]]],
    ],
    ids=["owner", "kind", "status", "label", "no label", "route", "kind as status"],
)
def test_a_cursor_of_another_list_is_refused(scope: list[object]) -> None:
    with pytest.raises(InvalidCursor):
        decode_cursor(encode_cursor(POSITION, SCOPE), scope, of_form=ANY)


@pytest.mark.parametrize("place", range(len(encode_cursor(POSITION, SCOPE))))
def test_one_changed_character_is_noticed_wherever_it_is(place: int) -> None:
    cursor = encode_cursor(POSITION, SCOPE)
    other = "A" if cursor[place] != "A" else "B"

    with pytest.raises(InvalidCursor):
        decode_cursor(cursor[:place] + other + cursor[place + 1 :], SCOPE, of_form=ANY)


@pytest.mark.parametrize(
    "damage", ["", "!", "=", " ", "\n", "é", "====", "A", encode_cursor(POSITION, SCOPE)]
)
def test_a_cursor_with_something_added_is_refused(damage: str) -> None:
    damaged = encode_cursor(POSITION, SCOPE) + damage if damage else ""

    with pytest.raises(InvalidCursor):
        decode_cursor(damaged, SCOPE, of_form=ANY)


@given(st.text())
def test_anything_else_is_refused_and_nothing_worse(cursor: str) -> None:
    with pytest.raises(InvalidCursor):
        decode_cursor(cursor, SCOPE, of_form=ANY)

"""Share links: the token, the types that are shown in a page, and the number that an object may have."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from app.domain.errors import TooManyLinks
from app.domain.objects.links import (
    INLINE_TYPES,
    MOST_LINKS,
    MOST_REMOVED,
    MOST_REVOKED,
    TOKEN,
    Link,
    Links,
    hash_of,
    inline_type,
    link_token,
    new_salt,
)
from tests.conftest import NOW
from tests.linked import LATEST, make_link
from tests.statuses import make_in

LATER = NOW + timedelta(hours=1)


def links_of(*links: Link) -> Links:
    return Links(stored=make_in("ready"), links=links, write_token=None)


def some(number: int, **changes: object) -> list[Link]:
    return [make_link(id=str(uuid4()), token_hash=str(index), **changes) for index in range(number)]


def test_a_token_has_128_bits_and_no_two_are_the_same() -> None:
    tokens = {link_token() for _ in range(1_000)}

    assert len(tokens) == 1_000
    assert all(TOKEN.fullmatch(token) for token in tokens)


def test_a_key_gives_its_token_again_and_no_other_key_or_salt_does() -> None:
    salt = new_salt()
    token = link_token("order-42", salt)

    assert TOKEN.fullmatch(token)
    assert link_token("order-42", salt) == token
    assert token not in {link_token("order-43", salt), link_token("order-42", new_salt()), link_token()}


def test_none_of_ten_thousand_guesses_is_the_token_of_a_link() -> None:
    """Some guesses are random, others near: a bit off, another case, what is shown or stored."""
    shared = [link_token() for _ in range(100)]
    hashes = {hash_of(token) for token in shared}
    near = [
        f"{token[:-2]}{other}{token[-1]}" for token in shared for other in "AZaz09-_" if other != token[-2]
    ]
    near += [
        change(token)
        for token in shared
        for change in (str.lower, str.swapcase, hash_of)
        if change(token) != token
    ]
    guesses = near + [link_token() for _ in range(10_000 - len(near))]

    assert len(guesses) == 10_000
    assert [guess for guess in guesses if hash_of(guess) in hashes] == []


@pytest.mark.parametrize(
    "media_type",
    [
        "image/svg+xml",
        "IMAGE/SVG+XML; charset=utf-8",
        "text/html",
        "application/xhtml+xml",
        "application/xml",
        "text/xml",
        "text/javascript",
        "text/css",
        "application/json",
        "application/octet-stream",
        "multipart/related",
        "image/png+xml",
        "",
    ],
)
def test_what_could_run_in_a_page_is_never_shown_inline(media_type: str) -> None:
    assert inline_type(media_type) is None


@pytest.mark.parametrize(
    ("media_type", "shown"),
    [
        ("image/png", "image/png"),
        ("Image/PNG; name=x.html", "image/png"),
        ('application/pdf; a="text/html"', "application/pdf"),
        ("text/plain", "text/plain"),
        ("text/plain; charset=utf-8", "text/plain; charset=utf-8"),
        ('text/plain; charset="x, text/html"', "text/plain"),
        ("video/mp4; codecs=avc1", "video/mp4"),
    ],
)
def test_what_is_shown_has_a_type_of_the_list(media_type: str, shown: str) -> None:
    assert inline_type(media_type) == shown
    assert shown.partition(";")[0] in INLINE_TYPES


def test_a_link_opens_until_its_time_is_over_or_it_is_revoked() -> None:
    link = make_link(expires_at=LATER)

    assert link.opens(LATER - timedelta(milliseconds=1))
    assert not link.opens(LATER)
    assert not replace(link, revoked_at=NOW).opens(NOW)


def test_an_object_has_at_most_a_hundred_that_open() -> None:
    links = links_of(*some(MOST_LINKS - 1), *some(3, revoked_at=NOW), *some(3, expires_at=NOW))
    full = links.add(make_link(id="one more"), NOW)

    assert len(full.living(NOW)) == MOST_LINKS
    with pytest.raises(TooManyLinks):
        full.add(make_link(id="too many"), NOW)


def test_each_new_link_removes_some_whose_time_is_over() -> None:
    links = links_of(*some(MOST_REMOVED + 5, expires_at=NOW), *some(2))

    after = links.add(make_link(id="new"), NOW)

    assert len(after.links) == 5 + 2 + 1
    assert len(after.living(NOW)) == 3


def test_revoked_links_are_remembered_but_not_without_end() -> None:
    links = links_of()
    for number in range(MOST_REVOKED + 50):
        link = make_link(id=str(number), created_at=NOW + timedelta(seconds=number))
        links = links.add(link, NOW).revoke(link, NOW)

    assert len(links.links) == MOST_REVOKED
    assert links.find(str(MOST_REVOKED + 49), NOW) is not None


def test_a_link_that_has_ended_is_found_only_if_it_was_revoked() -> None:
    links = links_of(make_link(id="over", expires_at=NOW), make_link(id="revoked", revoked_at=NOW))

    assert links.find("over", NOW) is None
    assert links.find("revoked", NOW) is not None
    assert links.find("revoked", LATEST) is None


def test_the_oldest_is_first() -> None:
    one, two = make_link(id="a", created_at=LATER), make_link(id="b")

    assert links_of(one, two).living(NOW) == (two, one)

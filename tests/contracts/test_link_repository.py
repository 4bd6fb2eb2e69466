"""The promises of the repository of share links, on each backend."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from uuid import uuid4

import pytest

from app.domain.errors import NotFound, StaleWrite, TooManyLinks
from app.domain.objects.links import MOST_LINKS, Disposition, Link
from app.domain.objects.stored import StoredObject
from app.storage.links import LinkRepository
from app.storage.objects import ObjectRepository
from tests.conftest import NOW, Aws
from tests.contracts.conftest import MakeStored
from tests.faults import calls_of, lose_reply
from tests.linked import TOKEN, make_link, put_links


@pytest.fixture
def links(backend: Aws) -> LinkRepository:
    return backend.adapters().links


@pytest.fixture
def stored(objects: ObjectRepository, make: MakeStored) -> StoredObject:
    return objects.add(make())


def link_to(stored: StoredObject, **changes: object) -> Link:
    values = {"owner": stored.owner, "object_id": stored.id, "id": str(uuid4()), "token_hash": uuid4().hex}
    return make_link(**values | changes)


def test_a_link_is_read_as_it_was_written(links: LinkRepository, stored: StoredObject) -> None:
    plain = link_to(stored)
    full = link_to(stored, artifact="profile.json", disposition=Disposition.INLINE, salt="ab" * 16)
    put_links(links, plain, full)

    read = links.of_object(stored.owner, stored.id)
    assert read.stored == stored
    assert {one.id: one for one in read.links} == {plain.id: plain, full.id: full}
    assert (links.find(plain.token_hash), links.find(full.token_hash)) == (plain, full)


def test_both_items_come_and_go_in_one_transaction(
    links: LinkRepository, stored: StoredObject, backend: Aws
) -> None:
    link = link_to(stored)
    calls = calls_of(backend.dynamodb)
    after = put_links(links, link)

    assert [call.operation for call in calls] == ["Query", "TransactWriteItems"]
    calls.clear()
    links.save(after.revoke(link, NOW), read=after)
    assert [call.operation for call in calls] == ["TransactWriteItems"]
    with pytest.raises(NotFound):
        links.find(link.token_hash)
    [revoked] = links.of_object(stored.owner, stored.id).links
    assert revoked == replace(link, revoked_at=NOW)


def test_no_token_is_stored(links: LinkRepository, stored: StoredObject, backend: Aws) -> None:
    """An item of the table opens nothing."""
    put_links(links, make_link(owner=stored.owner, object_id=stored.id))

    assert TOKEN not in str(backend.dynamodb.scan(TableName=backend.table)["Items"])


def test_an_unknown_object_and_an_unknown_hash_are_not_found(links: LinkRepository, owner: str) -> None:
    with pytest.raises(NotFound):
        links.of_object(owner, str(uuid4()))
    with pytest.raises(NotFound):
        links.find("0" * 64)


def test_the_second_of_two_writers_is_told(links: LinkRepository, stored: StoredObject) -> None:
    first = links.of_object(stored.owner, stored.id)
    links.save(first.add(link_to(stored), NOW), read=first)

    with pytest.raises(StaleWrite):
        links.save(first.add(link_to(stored), NOW), read=first)
    second = links.of_object(stored.owner, stored.id)
    links.save(second.add(link_to(stored), NOW), read=second)
    with pytest.raises(StaleWrite):
        links.save(second.add(link_to(stored), NOW), read=second)
    assert len(links.of_object(stored.owner, stored.id).links) == 2


def test_a_lost_reply_is_no_conflict(links: LinkRepository, stored: StoredObject, backend: Aws) -> None:
    lose_reply(backend.dynamodb, "TransactWriteItems")

    link = link_to(stored)
    put_links(links, link)

    assert links.find(link.token_hash) == link


def test_a_purge_leaves_nothing_of_any_link(
    links: LinkRepository, stored: StoredObject, backend: Aws
) -> None:
    living, revoked = link_to(stored), link_to(stored)
    after = put_links(links, living, revoked)
    links.save(after.revoke(revoked, NOW), read=after)

    for _ in range(2):
        links.purge(stored.owner, stored.id)

        read = links.of_object(stored.owner, stored.id)
        assert (read.links, read.write_token) == ((), None)
        with pytest.raises(NotFound):
            links.find(living.token_hash)


def test_many_at_once_never_make_more_than_there_may_be(emulated: Aws, make: MakeStored) -> None:
    stored = emulated.adapters().objects.add(make())
    links = emulated.adapters().links
    many = [link_to(stored) for _ in range(MOST_LINKS - 3)]
    for start in range(0, len(many), 40):
        put_links(links, *many[start : start + 40])

    def share(_: int) -> bool:
        while True:
            read = links.of_object(stored.owner, stored.id)
            try:
                links.save(read.add(link_to(stored), NOW), read=read)
            except StaleWrite:
                continue
            except TooManyLinks:
                return False
            return True

    with ThreadPoolExecutor(6) as pool:
        outcomes = list(pool.map(share, range(8)))

    assert outcomes.count(True) == 3
    assert len(links.of_object(stored.owner, stored.id).living(NOW)) == MOST_LINKS

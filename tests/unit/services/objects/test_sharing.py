"""An owner shares what is ready, and whatever ends a link is obeyed at once."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import pytest

from app.api.services import ApiServices
from app.domain.causes import Cause
from app.domain.errors import (
    IdempotencyKeyReused,
    InvalidInput,
    NoPayloadAllowed,
    NotFound,
    ObjectDeleted,
    PayloadNotReady,
    StaleWrite,
)
from app.domain.objects.links import Disposition
from app.domain.objects.state import new_token
from app.domain.objects.stored import StoredObject
from app.domain.objects.values import Artifact, Payload
from app.services.objects.sharing import OPENED_SECONDS, WRITE_TRIES, LinkCreation, NewLink
from app.storage.objects import ObjectRepository
from tests.conftest import Aws, Clock
from tests.faults import before
from tests.statuses import SHA256, make_in, make_record

OWNER = "local-me"
CAUSE = Cause("request-1")
THUMBNAIL = Artifact("thumbnail.webp", "image/webp", 68, "b" * 64)


@pytest.fixture
def stored(repository: ObjectRepository) -> StoredObject:
    ready = make_in("ready", kind="image", name="cat.png")
    payload = Payload("image/png", 12, SHA256, 1)
    return repository.add(replace(ready, payload=payload, artifacts=(THUMBNAIL,)))


def new(**changes: Any) -> NewLink:
    values: dict[str, Any] = {
        "artifact": None,
        "disposition": Disposition.ATTACHMENT,
        "lasts": timedelta(hours=1),
        "fingerprint": "f" * 64,
        "idempotency_key": None,
    }
    return NewLink(**values | changes)


def share(api: ApiServices, stored: StoredObject, **changes: Any) -> LinkCreation:
    return api.sharing.create(stored.owner, UUID(stored.id), new(**changes))


def opens(api: ApiServices, creation: LinkCreation) -> bool:
    try:
        api.sharing.open(creation.token)
    except NotFound:
        return False
    return True


def parts_of(url: str) -> tuple[str, dict[str, list[str]]]:
    parts = urlsplit(url)
    return parts.path, parse_qs(parts.query)


def test_a_link_opens_what_was_shared_for_a_minute(api: ApiServices, stored: StoredObject) -> None:
    payload = api.sharing.open(share(api, stored).token)
    artifact = api.sharing.open(share(api, stored, artifact="thumbnail.webp").token)

    path, query = parts_of(payload.url)
    assert path.endswith(f"payloads/{OWNER}/{stored.id}/1")
    assert query["response-content-disposition"] == ["attachment; filename*=UTF-8''cat.png"]
    assert query["response-cache-control"] == ["no-store"]
    assert query["X-Amz-Expires"] == [str(OPENED_SECONDS)]
    assert parts_of(artifact.url)[0].endswith(f"artifacts/{OWNER}/{stored.id}/1/thumbnail.webp")


def test_what_is_shared_inline_is_shown_with_a_type_of_the_list(
    api: ApiServices, stored: StoredObject
) -> None:
    opened = api.sharing.open(share(api, stored, disposition=Disposition.INLINE).token)

    _, query = parts_of(opened.url)
    assert query["response-content-type"] == ["image/png"]
    assert query["response-content-disposition"] == ["inline; filename*=UTF-8''cat.png"]


@pytest.mark.parametrize("media_type", ["image/svg+xml", "text/html; charset=utf-8"])
def test_a_later_revision_that_could_run_in_a_page_is_no_longer_inline(
    api: ApiServices, repository: ObjectRepository, stored: StoredObject, media_type: str
) -> None:
    creation = share(api, stored, disposition=Disposition.INLINE)
    hostile = replace(stored, payload=Payload(media_type, 12, SHA256, 2), write_token=new_token())
    repository.save(hostile, read=stored)

    path, query = parts_of(api.sharing.open(creation.token).url)
    assert path.endswith(f"/{stored.id}/2")
    assert query["response-content-disposition"] == ["attachment; filename*=UTF-8''cat.png"]
    with pytest.raises(InvalidInput) as refused:
        share(api, stored, disposition=Disposition.INLINE)
    assert [error.pointer for error in refused.value.errors] == ["/disposition"]


def test_only_what_is_there_can_be_shared(api: ApiServices, repository: ObjectRepository) -> None:
    record, pending = repository.add(make_record()), repository.add(make_in("pending", id=str(uuid4())))
    ready = repository.add(make_in("ready", id=str(uuid4())))

    with pytest.raises(NoPayloadAllowed):
        share(api, record)
    with pytest.raises(PayloadNotReady):
        share(api, pending)
    with pytest.raises(InvalidInput) as refused:
        share(api, ready, artifact="nothing.txt")
    assert [error.pointer for error in refused.value.errors] == ["/artifact"]
    with pytest.raises(NotFound):
        api.sharing.create(OWNER, uuid4(), new())


def test_the_same_key_gives_the_same_link_with_its_token(api: ApiServices, stored: StoredObject) -> None:
    first, again = (share(api, stored, idempotency_key="k") for _ in range(2))
    other = share(api, stored, idempotency_key="l")

    assert (again.link, again.token) == (first.link, first.token)
    assert (first.replayed, again.replayed) == (False, True)
    assert opens(api, again)
    assert {other.link.id, other.token}.isdisjoint({first.link.id, first.token})
    assert len(api.sharing.list(OWNER, UUID(stored.id))) == 2
    with pytest.raises(IdempotencyKeyReused):
        share(api, stored, idempotency_key="k", fingerprint="0" * 64)


def test_the_key_of_a_revoked_link_makes_no_other_until_its_time_is_over(
    api: ApiServices, stored: StoredObject, clock: Clock
) -> None:
    first = share(api, stored, idempotency_key="k")
    api.sharing.revoke(OWNER, UUID(stored.id), UUID(first.link.id))

    with pytest.raises(ObjectDeleted):
        share(api, stored, idempotency_key="k")
    clock.move(hours=1)
    second = share(api, stored, idempotency_key="k")
    assert (second.replayed, second.link.id) == (False, first.link.id)
    assert (opens(api, first), opens(api, second)) == (False, True)


def test_the_same_object_id_of_another_owner_has_other_links(
    api: ApiServices, repository: ObjectRepository, stored: StoredObject
) -> None:
    other = repository.add(replace(stored, owner="local-you"))
    mine, theirs = share(api, stored, idempotency_key="k"), share(api, other, idempotency_key="k")

    assert (mine.link.id == theirs.link.id, theirs.replayed) == (False, False)
    with pytest.raises(NotFound):
        api.sharing.revoke("local-you", UUID(stored.id), UUID(mine.link.id))
    assert opens(api, mine)


def test_a_revoked_link_is_dead_at_once_and_revoking_again_changes_nothing(
    api: ApiServices, stored: StoredObject
) -> None:
    one, other = share(api, stored), share(api, stored)

    for _ in range(2):
        api.sharing.revoke(OWNER, UUID(stored.id), UUID(one.link.id))

    assert (opens(api, one), opens(api, other)) == (False, True)
    assert [link.id for link in api.sharing.list(OWNER, UUID(stored.id))] == [other.link.id]
    with pytest.raises(NotFound, match="no such link"):
        api.sharing.revoke(OWNER, UUID(stored.id), uuid4())


def test_a_link_whose_time_is_over_is_dead_although_its_items_are_there(
    api: ApiServices, stored: StoredObject, clock: Clock
) -> None:
    creation = share(api, stored)
    clock.move(minutes=59, seconds=59)
    assert opens(api, creation)

    clock.move(seconds=1)

    assert not opens(api, creation)
    assert api.sharing.list(OWNER, UUID(stored.id)) == ()


def test_the_links_of_a_deleted_object_are_dead_before_any_purge(
    api: ApiServices, stored: StoredObject
) -> None:
    creation = share(api, stored)
    api.editing.delete(OWNER, UUID(stored.id), cause=CAUSE)

    assert not opens(api, creation)
    with pytest.raises(NotFound, match="no such object"):
        api.sharing.list(OWNER, UUID(stored.id))
    with pytest.raises(NotFound, match="no such object"):
        share(api, stored)


def test_a_link_never_opens_a_later_object_of_the_same_id(
    api: ApiServices, aws: Aws, repository: ObjectRepository, stored: StoredObject
) -> None:
    """A link may be left over, and its object's id may come back with its Idempotency-Key."""
    creation = share(api, stored)
    key = {"pk": {"S": f"{OWNER}#{stored.id}"}, "sk": {"S": "object"}}
    aws.dynamodb.delete_item(TableName=aws.table, Key=key)
    assert not opens(api, creation)
    repository.add(replace(stored, created_at=stored.created_at + timedelta(days=8)))

    assert not opens(api, creation)


def test_while_a_newer_revision_is_awaited_the_last_ready_one_is_opened(
    api: ApiServices, repository: ObjectRepository, stored: StoredObject
) -> None:
    creation = share(api, stored, artifact="thumbnail.webp")
    assert stored.newest is not None
    newer = replace(stored.newest, number=2)
    awaiting = stored.request_upload(newer, now=stored.updated_at, deadline=stored.updated_at, cause=CAUSE)
    repository.save(awaiting, read=stored)

    assert parts_of(api.sharing.open(creation.token).url)[0].endswith("/1/thumbnail.webp")


def test_two_who_share_at_once_both_do(api: ApiServices, aws: Aws, stored: StoredObject) -> None:
    other: list[LinkCreation] = []
    before(aws.dynamodb, "TransactWriteItems", lambda: other.append(share(api, stored)))

    creation = share(api, stored)

    assert [opens(api, one) for one in (creation, *other)] == [True, True]


def test_who_is_overtaken_again_and_again_is_told(api: ApiServices, aws: Aws, stored: StoredObject) -> None:
    def overtake() -> None:
        key = {"pk": {"S": f"{OWNER}#{stored.id}"}, "sk": {"S": "links"}}
        aws.dynamodb.put_item(TableName=aws.table, Item={**key, "write_token": {"S": new_token()}})

    before(aws.dynamodb, "TransactWriteItems", overtake, times=WRITE_TRIES)

    with pytest.raises(StaleWrite):
        share(api, stored)

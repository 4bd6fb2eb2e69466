"""The leases of a run that is gone are freed, and no others."""

from datetime import timedelta
from uuid import uuid4

from app.local.feeding.leases import free_leases
from app.storage.items import object_key
from app.storage.objects import ObjectRepository
from tests.conftest import NOW, Aws, make_object

LEASE_UNTIL = NOW + timedelta(minutes=5)


def test_a_claimed_object_is_overdue_at_once(repository: ObjectRepository) -> None:
    claimed = make_object().claim(now=NOW, lease_until=LEASE_UNTIL)
    repository.add(claimed)

    free_leases(repository, NOW)

    freed = repository.get(claimed.owner, claimed.id)
    later = NOW + timedelta(seconds=1)
    assert (freed.lease, freed.version) == (None, claimed.version)
    assert [due.object_id for due in repository.overdue(later)] == [claimed.id]


def test_what_waits_for_something_else_is_left(repository: ObjectRepository) -> None:
    waiting = repository.add(make_object(deadline=NOW + timedelta(minutes=1)))
    lapsed = repository.add(make_object(id=str(uuid4())).claim(now=NOW, lease_until=NOW))

    free_leases(repository, NOW)

    assert repository.get(waiting.owner, waiting.id) == waiting
    assert repository.get(lapsed.owner, lapsed.id) == lapsed


def test_an_object_that_cannot_be_read_does_not_keep_the_others(
    repository: ObjectRepository, aws: Aws
) -> None:
    broken, sound = (
        repository.add(
            make_object(id=str(uuid4())).claim(now=NOW, lease_until=LEASE_UNTIL - timedelta(minutes=n))
        )
        for n in (1, 0)
    )
    aws.dynamodb.update_item(
        TableName=aws.table, Key=object_key(broken.owner, broken.id), UpdateExpression="REMOVE version"
    )

    free_leases(repository, NOW)

    assert repository.get(sound.owner, sound.id).lease is None

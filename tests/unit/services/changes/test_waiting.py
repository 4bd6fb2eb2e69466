"""Clients wait for changes without a thread each, and one call in each round reads for all."""

import asyncio
import threading
from collections.abc import Coroutine, Sequence
from threading import Thread
from typing import Any, TypeVar
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from app.domain.objects.stored import StoredObject
from app.services.changes.waiting import Pace, Waiting
from app.storage.objects import ObjectRepository
from app.storage.watched import KEYS_PER_CALL, Watched
from tests.conftest import Aws, make_object
from tests.faults import after, answering, before, calls_of, fail, throttling

Result = TypeVar("Result")

FAST = Pace(0.01, 0.01)
NEVER = Pace(3600, 3600)
#: Much longer than a test takes, in seconds.
LONG = 60.0


def waiting_on(aws: Aws, pace: Pace = FAST) -> Waiting:
    return Waiting(aws.adapters().watched, max_seconds=20, pace=pace)


@pytest.fixture
def objects(aws: Aws) -> ObjectRepository:
    return aws.adapters().objects


def many(objects: ObjectRepository, number: int) -> list[StoredObject]:
    return [objects.add(make_object(id=str(uuid4()))) for _ in range(number)]


def seen(stored: StoredObject) -> dict[Watched, int]:
    return {Watched.object(stored.owner, stored.id): stored.version}


def change(objects: ObjectRepository, stored: StoredObject) -> None:
    objects.save(
        stored.edit(name="new", attributes={}, labels={}, now=stored.updated_at, cause=stored.cause),
        read=stored,
    )


def run(work: Coroutine[Any, Any, Result]) -> Result:
    async def in_time() -> Result:
        async with asyncio.timeout(LONG):
            return await work

    return asyncio.run(in_time())


async def begun(
    waiting: Waiting, stored: Sequence[StoredObject], seconds: float = LONG
) -> list[asyncio.Task[bool]]:
    """Tasks that wait, each for one object."""
    tasks = [asyncio.create_task(waiting.until_changed(seen(one), seconds)) for one in stored]
    await asyncio.sleep(0)
    return tasks


def test_who_waits_is_told_of_a_change_and_nobody_else_is(aws: Aws, objects: ObjectRepository) -> None:
    changed, same = many(objects, 2)

    async def work() -> None:
        told, untold = await begun(waiting_on(aws), [changed, same])
        await asyncio.to_thread(change, objects, changed)
        assert await told

        assert not untold.done()
        untold.cancel()

    run(work())


def test_a_change_just_before_the_wait_is_told(aws: Aws, objects: ObjectRepository) -> None:
    """The event came between the client's read and the first poll."""
    [stored] = many(objects, 1)
    change(objects, stored)

    assert run(waiting_on(aws).until_changed(seen(stored), LONG))


def test_what_is_not_there_any_more_has_changed(aws: Aws) -> None:
    assert run(waiting_on(aws).until_changed(seen(make_object()), LONG))


def test_a_hundred_wait_without_a_thread_each_and_are_read_in_one_call(
    aws: Aws, objects: ObjectRepository
) -> None:
    stored = many(objects, 100)
    threads = threading.active_count()

    async def work() -> None:
        waiting = waiting_on(aws)
        calls = calls_of(aws.dynamodb)
        tasks = await begun(waiting, stored)
        while len(calls) < 3:
            await asyncio.sleep(0.01)
        rounds = [len(call.parameters["RequestItems"][aws.table]["Keys"]) for call in calls]
        assert rounds == [100] * len(rounds)
        # One that reads, of the pool that all requests share.
        assert threading.active_count() <= threads + 1
        for one in stored:
            await asyncio.to_thread(change, objects, one)
        await asyncio.gather(*tasks)

    run(work())


def test_a_hundred_who_wait_are_told_by_one_read(aws: Aws, objects: ObjectRepository) -> None:
    stored = many(objects, 100)

    async def work() -> list[str]:
        tasks = await begun(waiting_on(aws), stored)
        # The event loop stands still meanwhile, so nothing is read.
        for one in stored:
            change(objects, one)
        calls = calls_of(aws.dynamodb)
        assert all(await asyncio.gather(*tasks))
        return [call.operation for call in calls]

    assert run(work()) == ["BatchGetItem"]


def test_each_change_is_told_by_the_next_read(aws: Aws, objects: ObjectRepository) -> None:
    stored = many(objects, 20)

    async def work() -> list[int]:
        tasks = await begun(waiting_on(aws), stored)
        calls, reads = calls_of(aws.dynamodb), []
        for one, task in zip(stored, tasks, strict=True):
            change(objects, one)
            before = len(calls)
            assert await task
            reads.append(len(calls) - before)
        return reads

    # A read that was under way may have come before the change.
    assert max(run(work())) <= 2


def test_many_who_wait_for_one_thing_read_it_once(aws: Aws, objects: ObjectRepository) -> None:
    [stored] = many(objects, 1)
    calls = calls_of(aws.dynamodb)

    async def work() -> None:
        tasks = await begun(waiting_on(aws), [stored] * 5)
        while not calls:
            await asyncio.sleep(0.01)
        await asyncio.to_thread(change, objects, stored)
        await asyncio.gather(*tasks)

    run(work())

    reads = [call for call in calls if call.operation == "BatchGetItem"]
    assert {len(call.parameters["RequestItems"][aws.table]["Keys"]) for call in reads} == {1}


def test_more_than_a_call_takes_are_read_in_several(aws: Aws, objects: ObjectRepository) -> None:
    stored = many(objects, KEYS_PER_CALL + 1)
    wanted = [one for each in stored for one in seen(each)]
    calls = calls_of(aws.dynamodb)

    numbers = aws.adapters().watched.numbers(wanted)

    assert numbers == dict.fromkeys(wanted, 1)
    assert len(calls) == 2


def test_after_its_seconds_a_client_is_answered(aws: Aws, objects: ObjectRepository) -> None:
    assert not run(waiting_on(aws, NEVER).until_changed(seen(many(objects, 1)[0]), 0.01))


@pytest.mark.parametrize("seconds", [0, -1.0])
def test_who_would_not_wait_costs_nothing(aws: Aws, seconds: float) -> None:
    calls = calls_of(aws.dynamodb)

    assert not run(waiting_on(aws).until_changed(seen(make_object()), seconds))

    assert calls == []


def test_a_stop_from_another_thread_answers_all_and_nobody_waits_after_it(
    aws: Aws, objects: ObjectRepository
) -> None:
    stored = many(objects, 3)

    async def work() -> None:
        waiting = waiting_on(aws, NEVER)
        tasks = await begun(waiting, stored)
        stopper = Thread(target=waiting.stop)
        stopper.start()
        assert await asyncio.gather(*tasks) == [False] * 3
        stopper.join()

        assert not await waiting.until_changed(seen(stored[0]), LONG)

    run(work())


def test_a_stop_before_anybody_waited_is_a_stop_too(aws: Aws) -> None:
    waiting = waiting_on(aws, NEVER)
    waiting.stop()

    assert not run(waiting.until_changed(seen(make_object()), LONG))


def test_nothing_is_read_once_nobody_waits(aws: Aws, objects: ObjectRepository) -> None:
    stored = many(objects, 2)

    async def work() -> None:
        waiting = waiting_on(aws)
        for one in stored:
            change(objects, one)
            await waiting.until_changed(seen(one), LONG)
            assert asyncio.all_tasks() == {asyncio.current_task()}

    run(work())


@pytest.mark.parametrize("trouble", [throttling(), answering(500)], ids=["throttled", "failing"])
def test_a_read_that_fails_is_made_again(aws: Aws, objects: ObjectRepository, trouble: Any) -> None:
    [stored] = many(objects, 1)
    change(objects, stored)
    fail(aws.dynamodb, "BatchGetItem", trouble, times=2)

    assert run(waiting_on(aws).until_changed(seen(stored), LONG))


def test_what_was_not_read_has_not_changed(aws: Aws, objects: ObjectRepository) -> None:
    [stored] = many(objects, 1)

    def leave_unread(answer: dict[str, Any]) -> None:
        answer["UnprocessedKeys"] = {
            aws.table: {
                "Keys": [
                    {name: item[name] for name in ("pk", "sk")} for item in answer["Responses"][aws.table]
                ]
            }
        }
        answer["Responses"] = {}

    after(aws.dynamodb, "BatchGetItem", leave_unread)
    before(aws.dynamodb, "BatchGetItem", lambda: change(objects, stored))
    calls = calls_of(aws.dynamodb)

    assert run(waiting_on(aws).until_changed(seen(stored), LONG))

    assert [call.operation for call in calls if call.operation == "BatchGetItem"] == ["BatchGetItem"] * 2


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_if_it_cannot_be_read_at_all_everybody_is_answered(aws: Aws, objects: ObjectRepository) -> None:
    stored = many(objects, 2)
    fail(aws.dynamodb, "BatchGetItem", answering(400, "AccessDeniedException"))

    async def work() -> None:
        waiting = waiting_on(aws)
        tasks = await begun(waiting, stored)
        poller = waiting._poller
        await asyncio.gather(*tasks)
        assert poller is not None
        assert isinstance(poller.exception(), ClientError)

    run(work())


def test_the_pauses_grow_up_to_the_longest(
    aws: Aws, objects: ObjectRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    [stored] = many(objects, 1)
    pauses: list[float] = []
    sleep = asyncio.sleep

    async def note(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 5:
            change(objects, stored)
        await sleep(0)

    monkeypatch.setattr(asyncio, "sleep", note)
    run(waiting_on(aws, Pace(0.25, 1.0)).until_changed(seen(stored), LONG))

    # A last one may have begun before the poller was ended.
    assert pauses[:5] == [0.25, 0.5, 1.0, 1.0, 1.0]


def test_nobody_waits_for_longer_than_may_be() -> None:
    waiting = Waiting(Any, max_seconds=20, pace=NEVER)  # type: ignore[arg-type]  # nothing is read

    assert [waiting.granted(seconds) for seconds in (0, 5, 20, 21, 10**6)] == [0, 5, 20, 20, 20]

"""Owners take turns, and none gets more than its part of the workers."""

from collections.abc import Sequence
from threading import Thread
from typing import Any

from app.local.feeding.fairness import Turns

NOW = 0.0


def message(owner: str, number: int, receipt: str = "r") -> Any:
    attributes = {"MessageGroupId": owner} if owner else {}
    return {"MessageId": f"{owner}{number}", "ReceiptHandle": receipt, "Attributes": attributes}


def ids(messages: Sequence[Any]) -> list[str]:
    return [one["MessageId"] for one in messages]


def turns(*waiting: Any, most_at_once: int = 2) -> Turns:
    made = Turns(most_at_once)
    made.add(waiting)
    return made


def test_an_owners_messages_are_taken_together_in_their_order() -> None:
    found = turns(message("a", 1), message("b", 1), message("a", 2), message("a", 3))

    assert ids(found.take(2, wait_seconds=NOW)) == ["a1", "a2"]
    assert ids(found.take(2, wait_seconds=NOW)) == ["b1"]
    assert ids(found.take(2, wait_seconds=NOW)) == ["a3"]
    assert ids(found.take(2, wait_seconds=NOW)) == []


def test_no_owner_has_more_workers_than_its_part() -> None:
    found = turns(*(message("a", number) for number in range(9)))
    first, second = found.take(1, wait_seconds=NOW), found.take(1, wait_seconds=NOW)

    assert ids(found.take(1, wait_seconds=NOW)) == []
    found.add([message("b", 1)])
    assert ids(found.take(1, wait_seconds=NOW)) == ["b1"]

    found.done(first)
    assert ids(found.take(1, wait_seconds=NOW)) == ["a2"]
    found.done(second)
    assert ids(found.take(1, wait_seconds=NOW)) == ["a3"]


def test_messages_that_name_nobody_are_one_owners() -> None:
    found = turns(message("", 1), message("", 2), message("a", 1), most_at_once=1)

    assert ids(found.take(9, wait_seconds=NOW)) == ["1", "2"]
    assert ids(found.take(9, wait_seconds=NOW)) == ["a1"]


def test_of_a_message_that_comes_again_the_newest_receipt_counts() -> None:
    found = turns(message("a", 1, "old"), message("a", 2))
    found.add([message("a", 1, "new")])

    [first, second] = found.take(9, wait_seconds=NOW)

    assert (first["ReceiptHandle"], second["MessageId"]) == ("new", "a2")
    assert len(found) == 0


def test_a_worker_that_waits_gets_what_comes() -> None:
    found, got = turns(), list[str]()
    worker = Thread(target=lambda: got.extend(ids(found.take(1, wait_seconds=60))))
    worker.start()

    found.add([message("a", 1)])
    worker.join(60)

    assert got == ["a1"]


def test_a_worker_that_waits_gets_the_owners_next_when_another_is_done() -> None:
    found, got = turns(message("a", 1), message("a", 2), most_at_once=1), list[str]()
    first = found.take(1, wait_seconds=NOW)
    worker = Thread(target=lambda: got.extend(ids(found.take(1, wait_seconds=60))))
    worker.start()

    found.done(first)
    worker.join(60)

    assert got == ["a2"]


def test_what_still_waits_can_be_given_back() -> None:
    found = turns(message("a", 1), message("b", 1), message("a", 2))
    found.take(1, wait_seconds=NOW)

    assert sorted(ids(found.drain())) == ["a2", "b1"]
    assert len(found) == 0

"""All readers of the feed see the same list: that of the history, whatever the relays meet."""

from collections.abc import Sequence
from typing import Any

import pytest

from app.aws.clients import Clients
from app.bootstrap.adapters import Adapters
from app.local.aws import stack as stacks
from app.local.aws.emulator import Emulator
from tests.conftest import Aws, Measured
from tests.shares import Share
from tests.system.conftest import session_of
from tests.system.feed import SHARDS, Followed, MakeAws, follow, in_feed

SEEDS = range(1, 9)
OBJECTS = 60


@pytest.fixture
def make_aws(own_emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> MakeAws:
    """Clients for each thread, since what goes wrong is hooked to them."""
    for name, value in own_emulator.environment.items():
        monkeypatch.setenv(name, value)
    deployed = stacks.deploy(
        session_of(own_emulator).client("cloudformation", endpoint_url=own_emulator.url), {}
    )

    def make() -> Aws:
        return Aws.of_stack(Clients(callers_repeat=True).client, deployed.outputs)

    return make


def ids_by_shard(events: Sequence[dict[str, Any]], followed: Followed) -> dict[int, list[str]]:
    shards = {life.states[0].id: life.states[0].shard for life in followed.lives}
    return {
        shard: [event["id"] for event in events if shards[event["subject"]] == shard]
        for shard in range(SHARDS)
    }


def test_every_reader_sees_what_the_history_holds(
    make_aws: MakeAws, measured: Measured, share: Share
) -> None:
    for seed in share.of(SEEDS, 1):
        owner = f"local-{seed}"
        followed = follow(make_aws, owner=owner, objects=OBJECTS, seed=seed)

        check(followed, make_aws().adapters(), owner)
        assert followed.readers["is killed"].deaths > 0
        events = sum(len(life.states) for life in followed.lives)
        measured(f"feed readers, seed {seed}: {events} events of {OBJECTS} objects")


def check(followed: Followed, adapters: Adapters, owner: str) -> None:
    feed = in_feed(adapters.feed, owner)
    for entries in feed.values():
        assert [position for position, _ in entries] == list(range(1, len(entries) + 1))
    recorded = {shard: [event for _, event in entries] for shard, entries in feed.items()}
    history = {
        event["id"]: event
        for life in followed.lives
        for event in adapters.history.page(owner, life.states[0].id, after_version=0, limit=100).items
    }
    made = sorted(f"{state.id}:{state.version}" for life in followed.lives for state in life.states)
    assert sorted(history) == made == sorted(event for ids in recorded.values() for event in ids)
    assert adapters.usage.read(owner) == followed.usage
    for name, reader in followed.readers.items():
        wanted = reader.query.types or {event["type"] for event in history.values()}
        expected = {
            shard: [one for one in ids if history[one]["type"] in wanted] for shard, ids in recorded.items()
        }
        assert ids_by_shard(reader.read, followed) == expected, name
        assert all(event == history[event["id"]] for event in reader.read), name

"""Answer a client when something has changed, or after the time that it would wait."""

import time
from collections.abc import Callable
from uuid import UUID

from app.domain.feed import Place
from app.domain.objects.stored import StoredObject
from app.services.changes.blocking import blocking
from app.services.changes.following import FeedPage, FeedQuery, Following
from app.services.changes.waiting import Seen, Waiting
from app.services.objects.reading import Reading
from app.storage.watched import Watched


class Watching:
    def __init__(self, reading: Reading, following: Following, waiting: Waiting, *, shards: int) -> None:
        self._reading = reading
        self._following = following
        self._waiting = waiting
        self._shards = shards

    async def read(
        self, owner: str, object_id: UUID, *, is_known: Callable[[int], bool], seconds: int
    ) -> StoredObject:
        """Return the object. While the client knows its version, wait for the next. Raises NotFound."""
        give_up = time.monotonic() + seconds
        stored = await blocking(lambda: self._reading.read(owner, object_id))
        while is_known(stored.version) and (left := give_up - time.monotonic()) > 0:
            seen = {Watched.object(owner, stored.id): stored.version}
            if not await self._waiting.until_changed(seen, left):
                break
            stored = await blocking(lambda: self._reading.read(owner, object_id))
        return stored

    async def follow(self, query: FeedQuery, place: Place, *, seconds: int) -> FeedPage:
        """Return what follows a place in the feed. If nothing does, wait for it."""
        give_up = time.monotonic() + seconds
        page = await blocking(lambda: self._following.read(query, place))
        while not page.items and (left := give_up - time.monotonic()) > 0:
            if not await self._waiting.until_changed(self._seen(query.owner, page.place), left):
                break
            come_to = page.place
            page = await blocking(lambda: self._following.read(query, come_to))  # noqa: B023  # awaited here
        return page

    def _seen(self, owner: str, place: Place) -> Seen:
        shards = range(max(self._shards, len(place.positions)))
        return {Watched.counter(owner, shard): place[shard] for shard in shards}

"""The events in a page of the feed, and the position from which its reader goes on."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from app.domain.feed import (
    HEAD_START,
    KEPT,
    NO_END,
    PAGE_BYTES,
    SETTLED,
    End,
    Entry,
    Place,
    ShardPart,
    beginning,
    latest,
    page_of,
    place_behind,
    readable,
    settled,
)
from tests.conftest import NOW

JUST_NOW = NOW - timedelta(seconds=1)
LONG_AGO = NOW - SETTLED


def entry(position: int, recorded_at: object = JUST_NOW, *, shard: int = 0, size: int = 1_000) -> Entry:
    return Entry(position, recorded_at, shard, f"{shard}-{position}:1", "object.ready", "file", size)  # type: ignore[arg-type]


def entries(*positions: int, **more: object) -> list[Entry]:
    return [entry(position, **more) for position in positions]  # type: ignore[arg-type]


def positions_of(found: Sequence[Entry]) -> list[int]:
    return [one.position for one in found]


class TestReadable:
    def test_entries_that_follow_one_another_are_all_read(self) -> None:
        part = readable(entries(4, 5, 6), after=3, end=End(6, JUST_NOW), is_all=True, now=NOW)

        assert (positions_of(part.entries), part.last) == ([4, 5, 6], 6)

    @pytest.mark.parametrize(
        ("found", "read"), [((5, 6), []), ((4, 6), [4]), ((4, 5, 8, 9), [4, 5])], ids=str
    )
    def test_a_reader_stops_before_a_position_that_may_still_come(
        self, found: Sequence[int], read: list[int]
    ) -> None:
        part = readable(entries(*found), after=3, end=End(9, JUST_NOW), is_all=True, now=NOW)

        assert positions_of(part.entries) == read
        assert part.last == (read[-1] if read else 3)

    def test_a_position_whose_next_is_a_minute_old_was_dropped(self) -> None:
        found = [entry(5, LONG_AGO), entry(9, LONG_AGO), entry(10)]

        part = readable(found, after=3, end=End(10, JUST_NOW), is_all=True, now=NOW)

        assert positions_of(part.entries) == [5, 9, 10]

    def test_where_all_that_follows_was_dropped_the_reader_goes_to_the_end(self) -> None:
        assert readable([], after=3, end=End(9, LONG_AGO), is_all=True, now=NOW) == ShardPart((), 9)

    def test_where_what_follows_may_still_come_the_reader_stays(self) -> None:
        assert readable([], after=3, end=End(9, JUST_NOW), is_all=True, now=NOW) == ShardPart((), 3)

    def test_what_was_not_asked_for_was_not_dropped(self) -> None:
        found = entries(4, 5, recorded_at=LONG_AGO)

        assert readable(found, after=3, end=End(9, LONG_AGO), is_all=False, now=NOW).last == 5


class TestPage:
    def test_shards_are_merged_by_time_each_in_its_order(self) -> None:
        def at(seconds: int, position: int, shard: int) -> Entry:
            return entry(position, NOW + timedelta(seconds=seconds), shard=shard)

        first = (at(1, 1, 0), at(4, 2, 0))
        # The clocks of two relays may differ.
        second = (at(3, 7, 1), at(2, 8, 1))
        page = page_of({0: ShardPart(first, 2), 1: ShardPart(second, 8)}, lambda _: True, 10)

        assert [(one.shard, one.position) for one in page] == [(0, 1), (1, 7), (1, 8), (0, 2)]

    def test_a_page_ends_before_the_entry_that_is_too_many(self) -> None:
        part = ShardPart(tuple(entries(1, 2, 3, 4, 5, 6)), 6)

        # Entries that are not wanted are passed, up to the next that is.
        assert positions_of(page_of({0: part}, lambda one: one.position % 2 == 0, 2)) == [1, 2, 3, 4, 5]

    def test_a_page_ends_before_its_events_are_too_large(self) -> None:
        part = ShardPart(tuple(entries(1, 2, 3, size=PAGE_BYTES // 2)), 3)

        assert positions_of(page_of({0: part}, lambda _: True, 100)) == [1, 2]

    def test_an_event_that_is_larger_than_a_page_is_a_page(self) -> None:
        part = ShardPart(tuple(entries(1, 2, size=PAGE_BYTES + 1)), 2)

        assert positions_of(page_of({0: part}, lambda _: True, 100)) == [1]

    def test_an_event_that_is_not_there_yet_ends_the_page(self) -> None:
        there = {"0-1:1", "0-3:1"}

        def is_there(one: Entry) -> bool:
            return one.event_id in there

        assert positions_of(settled(entries(1, 2, 3), is_there, NOW)) == [1]
        assert positions_of(settled(entries(1, 2, 3, recorded_at=LONG_AGO), is_there, NOW)) == [1, 2, 3]


class TestPlace:
    OLD = NOW - timedelta(days=3)

    def behind(self, read: Sequence[Entry], *parts: tuple[ShardPart, End]) -> Place:
        return place_behind(
            read,
            Place((1, 1), self.OLD),
            parts={shard: part for shard, (part, _) in enumerate(parts)},
            ends={shard: end for shard, (_, end) in enumerate(parts)},
            now=NOW,
        )

    def test_behind_everything_it_is_at_the_end_and_as_young_as_can_be(self) -> None:
        found = entries(2, 3)

        assert self.behind(found, (ShardPart(tuple(found), 3), End(3, JUST_NOW))) == Place(
            (3, 1), NOW - SETTLED
        )

    def test_within_a_shard_it_is_at_the_last_entry_and_as_old_as_that(self) -> None:
        then = NOW - timedelta(days=2)
        found = entries(2, 3, recorded_at=then)

        place = self.behind(found[:1], (ShardPart(tuple(found), 3), End(3, then)))

        assert place == Place((2, 1), then)

    def test_a_shard_of_which_nothing_was_read_keeps_it_where_it_was(self) -> None:
        first, second = entries(2), entries(2, shard=1)

        place = self.behind(
            first,
            (ShardPart(tuple(first), 2), End(2, JUST_NOW)),
            (ShardPart(tuple(second), 2), End(2, JUST_NOW)),
        )

        assert place == Place((2, 1), self.OLD)

    def test_it_never_becomes_older(self) -> None:
        found = entries(2, 3, recorded_at=NOW - KEPT)

        assert self.behind(found[:1], (ShardPart(tuple(found), 3), End(3, JUST_NOW))).until == self.OLD

    def test_it_goes_to_the_end_of_what_was_dropped(self) -> None:
        assert self.behind([], (ShardPart((), 9), End(9, LONG_AGO))) == Place((9, 1), NOW - SETTLED)

    def test_a_shard_that_is_new_is_read_from_its_first_entry(self) -> None:
        place = Place((4,), NOW)

        assert place[3] == 0
        assert place.moved({2: 5}, NOW) == Place((4, 0, 5), NOW)

    @pytest.mark.parametrize("positions", [(), (0,), (12, 0, 10**15 - 1), (10**15 - 1,) * 64], ids=len)
    def test_it_survives_the_journey_as_text(self, positions: tuple[int, ...]) -> None:
        place = Place(positions, NOW)

        assert Place.FORM.fullmatch(str(place))
        assert Place.of_text(str(place)) == place

    def test_no_text_of_its_form_is_more_than_it_can_read(self) -> None:
        largest = f"{'9' * 11}:{'.'.join(['9' * 15] * 64)}"
        others = (f"9{largest}", f"{largest}.1", "7", ":1", "1:1.", "1:\u0661", "-1:1")

        assert Place.FORM.fullmatch(largest)
        assert not Place.of_text(largest).is_expired(NOW)
        assert not any(Place.FORM.fullmatch(other) for other in others)

    def test_it_is_good_for_thirty_days(self) -> None:
        assert not Place((1,), NOW - KEPT).is_expired(NOW)
        assert Place((1,), NOW - KEPT - timedelta(seconds=1)).is_expired(NOW)

    def test_who_begins_with_the_oldest_has_a_day_to_come_away_from_the_end(self) -> None:
        assert beginning(NOW).positions == ()
        assert not beginning(NOW).is_expired(NOW + HEAD_START)

    def test_the_latest_is_behind_all_that_was_counted(self) -> None:
        assert latest({0: End(7, JUST_NOW), 2: NO_END}, NOW) == Place((7, 0, 0), NOW - SETTLED)
        assert latest({}, NOW).positions == ()

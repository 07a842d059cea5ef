"""The book channel: what enters and leaves a window, checksums, crossed books."""

from __future__ import annotations

from zlib import crc32

import pytest
from msgspec import UNSET

from floorwire.channels import BadOptionError
from floorwire.channels.book import CHANNEL, DEPTHS
from floorwire.core.market_events import BookChange, BookSnapshot, Level
from floorwire.core.notices import SymbolFeedChanged
from floorwire.protocol.channel_events import AnyEvent, BookEvent, WireLevel
from tests.channels.book_client import BookClient
from tests.channels.stream_driver import BTC, Drive


def snapshot(bids: list[Level], asks: list[Level], ts_us: int = 1) -> BookSnapshot:
    return BookSnapshot("BTC-USDT", tuple(bids), tuple(asks), ts_us)


def change(bids: list[Level], asks: list[Level], ts_us: int = 2) -> BookChange:
    return BookChange("BTC-USDT", tuple(bids), tuple(asks), ts_us)


LADDER = snapshot([(100 - n, 10 + n) for n in range(12)], [(101 + n, 20 + n) for n in range(12)])


def only(messages: list[AnyEvent]) -> BookEvent:
    (message,) = messages
    assert isinstance(message, BookEvent)
    return message


def levels(messages: list[AnyEvent]) -> tuple[set[WireLevel], set[WireLevel]]:
    update = only(messages)
    assert update.type == "update"
    return set(update.bids), set(update.asks)


@pytest.mark.parametrize("depth", DEPTHS)
def test_every_depth_of_the_protocol_is_offered(depth: int) -> None:
    assert CHANNEL.option(depth, None) == depth


@pytest.mark.parametrize("depth", [0, -1, 2, 1000])
def test_other_depths_are_refused(depth: int) -> None:
    with pytest.raises(BadOptionError, match="1, 5, 10, 25, 50, 100, 500"):
        CHANNEL.option(depth, None)


def test_the_book_is_unknown_until_the_first_snapshot() -> None:
    drive = Drive(CHANNEL, 10)
    assert drive.feed(change([(1, 1)], [])) == []
    assert drive.state() is None
    first = only(drive.feed(snapshot([(100, 5)], [], ts_us=7)))
    assert (first.type, first.seq, first.depth, first.ts) == ("snapshot", 1, 10, 7)
    assert (first.bids, first.asks) == ((("1.00", "0.005"),), ())


def test_a_snapshot_shows_the_best_levels_of_each_side() -> None:
    first = only(Drive(CHANNEL, 5).feed(LADDER))
    assert first.bids == tuple((f"{1 - n / 100:.2f}", f"{(10 + n) / 1000:.3f}") for n in range(5))
    assert first.asks == tuple((f"{1.01 + n / 100:.2f}", f"{(20 + n) / 1000:.3f}") for n in range(5))
    text = "|".join(f"{price}:{size}" for price, size in first.bids + first.asks)
    assert first.checksum == crc32(text.encode())


def test_an_update_names_the_seq_that_it_follows() -> None:
    drive = Drive(CHANNEL, 10)
    drive.feed(LADDER)
    first = only(drive.feed(change([(100, 1)], [], ts_us=8)))
    second = only(drive.feed(change([(100, 2)], [])))
    assert (first.prev, first.seq, first.ts, second.prev, second.seq) == (1, 2, 8, 2, 3)


def test_a_level_that_changes_in_size_is_sent() -> None:
    drive = Drive(CHANNEL, 5)
    drive.feed(LADDER)
    assert levels(drive.feed(change([(98, 77)], [(105, 1000)]))) == ({("0.98", "0.077")}, {("1.05", "1.000")})


def test_a_level_that_comes_pushes_the_last_out_of_view() -> None:
    drive = Drive(CHANNEL, 1)
    drive.feed(snapshot([(98, 1)], [(101, 1)]))
    assert levels(drive.feed(change([(99, 2)], []))) == ({("0.99", "0.002"), ("0.98", "0")}, set())


def test_a_level_that_goes_lets_the_next_into_view() -> None:
    drive = Drive(CHANNEL, 1)
    drive.feed(LADDER)
    assert levels(drive.feed(change([], [(101, 0)]))) == (set(), {("1.01", "0"), ("1.02", "0.021")})


def test_a_level_that_goes_and_one_that_comes_cancel_out() -> None:
    drive = Drive(CHANNEL, 5)
    drive.feed(LADDER)
    drive.feed(change([(97, 0)], []))
    assert levels(drive.feed(change([(97, 3), (98, 0)], []))) == ({("0.97", "0.003"), ("0.98", "0")}, set())


@pytest.mark.parametrize(
    "event",
    [
        change([(95, 0), (94, 9)], [(106, 0), (107, 1)]),
        change([(100, 10)], []),
        change([(100, 0), (100, 10)], []),
        change([(80, 0)], []),
        change([], []),
    ],
    ids=["below the window", "the same size", "there and back", "gone already", "empty"],
)
def test_what_nobody_sees_is_no_message(event: BookChange) -> None:
    drive = Drive(CHANNEL, 5)
    drive.feed(LADDER)
    before = drive.state()
    assert drive.feed(event) == []
    assert drive.state() == before


def test_a_level_that_changed_out_of_view_comes_into_view_as_it_is_now() -> None:
    drive = Drive(CHANNEL, 1)
    drive.feed(LADDER)
    drive.feed(change([(99, 55)], []))
    assert levels(drive.feed(change([(100, 0)], []))) == ({("1.00", "0"), ("0.99", "0.055")}, set())


def test_a_new_snapshot_is_a_snapshot_message_with_the_next_seq() -> None:
    drive = Drive(CHANNEL, 5)
    drive.feed(LADDER)
    again = only(drive.feed(LADDER))
    assert (again.type, again.seq) == ("snapshot", 2)
    assert levels(drive.feed(change([(100, 0)], []))) == ({("1.00", "0"), ("0.95", "0.015")}, set())


def test_streams_of_every_depth_follow_one_tracker() -> None:
    tracker = CHANNEL.tracker(BTC)
    drives = [Drive(CHANNEL, depth, tracker) for depth in DEPTHS]
    clients = [BookClient() for _ in DEPTHS]
    for event in (LADDER, change([(100, 0)], [(101, 0)]), change([(100, 1), (101, 1)], [(104, 0)])):
        tracker.apply(event)
        for drive, client in zip(drives, clients, strict=True):
            client.read(only(drive.follow(event)))
    assert [len(client.bids) for client in clients] == [1, 5, 10, 13, 13, 13, 13]


def test_a_change_that_crosses_the_book_removes_what_it_goes_through() -> None:
    drive = Drive(CHANNEL, 5)
    drive.feed(LADDER)
    bids, asks = levels(drive.feed(change([(102, 5)], [])))
    assert bids == {("1.02", "0.005"), ("0.96", "0")}
    assert asks == {("1.01", "0"), ("1.02", "0"), ("1.06", "0.025"), ("1.07", "0.026")}


def test_a_crossed_snapshot_is_shown_uncrossed() -> None:
    first = only(Drive(CHANNEL, 5).feed(snapshot([(101, 1), (99, 1)], [(100, 1), (102, 1)])))
    assert (first.bids, first.asks) == ((("0.99", "0.001"),), (("1.02", "0.001"),))


def test_the_last_level_gone_leaves_an_empty_side_with_a_checksum() -> None:
    drive = Drive(CHANNEL, 10)
    drive.feed(snapshot([(100, 1)], [(101, 1)]))
    update = only(drive.feed(change([(100, 0)], [])))
    assert (update.bids, update.checksum) == ((("1.00", "0"),), crc32(b"1.01:0.001"))
    assert only(drive.feed(change([], [(101, 0)]))).checksum == 0


def test_a_level_below_the_tenth_leaves_the_checksum_as_it_is() -> None:
    drive = Drive(CHANNEL, 25)
    before = only(drive.feed(LADDER))
    after = only(drive.feed(change([(90, 99)], [])))
    assert (after.bids, after.checksum) == ((("0.90", "0.099"),), before.checksum)


def test_the_state_is_as_of_the_last_visible_change() -> None:
    drive = Drive(CHANNEL, 1)
    drive.feed(LADDER, change([(100, 7)], [], ts_us=5), change([(90, 7)], [], ts_us=6))
    state = drive.state(conflated=4)
    assert isinstance(state, BookEvent)
    assert (state.type, state.seq, state.conflated, state.ts) == ("snapshot", 2, 4, 5)
    assert state.bids == (("1.00", "0.007"),)


def test_an_update_without_levels_says_that_the_book_is_not_current() -> None:
    drive, client = Drive(CHANNEL, 5), BookClient()
    client.read(only(drive.feed(LADDER)))
    stale = only(drive.feed(SymbolFeedChanged("BTC-USDT", "stale", "link_lost", 5)))
    client.read(stale)
    assert (stale.type, stale.prev, stale.bids, stale.asks, stale.feed) == ("update", 1, (), (), "stale")
    state = drive.state()
    assert isinstance(state, BookEvent)
    assert state.feed == "stale"
    again = only(drive.feed(LADDER))
    client.read(again)
    assert again.feed == "stale", "current when the venue's adapter says so"
    live = only(drive.feed(SymbolFeedChanged("BTC-USDT", "live", "synced", 6)))
    client.read(live)
    assert (live.bids, live.asks, live.feed, live.checksum) == ((), (), UNSET, again.checksum)


def test_an_unknown_book_says_nothing_of_its_feed() -> None:
    assert Drive(CHANNEL, 5).feed(SymbolFeedChanged("BTC-USDT", "connecting", "start", 5)) == []

"""The system channel."""

from __future__ import annotations

from msgspec import UNSET
from msgspec.structs import replace

from floorwire.channels.system import CHANNEL
from floorwire.core.instrument import Instrument, InstrumentState
from floorwire.core.market_events import Feed, FeedStatus, Listing
from floorwire.core.notices import DrainBegun, VenueFeedChanged
from floorwire.protocol.channel_events import AnyEvent, System
from tests.channels.stream_driver import BTC, Drive


def changed(feed: Feed, reason: str, symbol: str | None = None, venue: str = "sim") -> VenueFeedChanged:
    return VenueFeedChanged(venue, FeedStatus(symbol, feed, reason, 50))


def listing(*states: InstrumentState) -> Listing:
    instruments: list[Instrument] = []
    for place, state in enumerate(states):
        instruments.append(replace(BTC, symbol=f"C{place}-USDT", state=state))
    return Listing(tuple(instruments), 60)


def told(messages: list[AnyEvent]) -> list[tuple[str, str | None, str | None, str | None]]:
    """Return event, venue, symbol and reason of each."""
    rows: list[tuple[str, str | None, str | None, str | None]] = []
    for message in messages:
        assert isinstance(message, System)
        venue, symbol, reason = (
            None if value is UNSET else value for value in (message.venue, message.symbol, message.reason)
        )
        rows.append((message.event, venue, symbol, reason))
    return rows


def test_a_feed_that_starts_is_no_event() -> None:
    drive = Drive(CHANNEL)
    assert not drive.feed(changed("connecting", "start"), changed("live", "synced"), changed("live", "x"))


def test_a_feed_turns_stale_once_and_fresh_once() -> None:
    drive = Drive(CHANNEL)
    drive.feed(changed("live", "synced"))
    said = drive.feed(
        changed("stale", "silent"),
        changed("stale", "link_lost"),
        changed("connecting", "link_lost"),
        changed("live", "synced"),
        changed("live", "synced"),
    )
    assert told(said) == [("stale", "sim", None, "silent"), ("fresh", "sim", None, "synced")]
    assert [message.ts for message in said] == [50, 50]


def test_a_live_feed_that_connects_anew_is_stale_meanwhile() -> None:
    drive = Drive(CHANNEL)
    said = drive.feed(
        changed("live", "synced"), changed("connecting", "link_lost"), changed("live", "synced")
    )
    assert told(said) == [("stale", "sim", None, "link_lost"), ("fresh", "sim", None, "synced")]


def test_a_feed_that_is_stale_before_it_ever_was_live_is_told() -> None:
    drive = Drive(CHANNEL)
    said = drive.feed(changed("stale", "silent"))
    assert told(said) == [("stale", "sim", None, "silent")]


def test_a_hole_in_the_venues_messages_is_a_gap_of_the_symbol() -> None:
    drive = Drive(CHANNEL)
    said = drive.feed(
        changed("live", "synced", "BTC-USDT"),
        changed("stale", "sequence_gap", "BTC-USDT"),
        changed("live", "synced", "BTC-USDT"),
    )
    assert told(said) == [
        ("gap", "sim", "BTC-USDT", "sequence_gap"),
        ("fresh", "sim", "BTC-USDT", "synced"),
    ]


def test_symbols_and_venues_are_apart() -> None:
    drive = Drive(CHANNEL)
    said = drive.feed(
        changed("stale", "silent", venue="a"),
        changed("stale", "silent", "X", venue="b"),
        changed("stale", "silent", "Y", venue="b"),
        changed("live", "synced", venue="a"),
        changed("live", "synced", "Y", venue="b"),
    )
    assert told(said)[2:] == [
        ("stale", "b", "Y", "silent"),
        ("fresh", "a", None, "synced"),
        ("fresh", "b", "Y", "synced"),
    ]


def test_what_is_said_of_the_whole_venue_outlasts_what_was_said_of_its_symbols() -> None:
    drive = Drive(CHANNEL)
    said = drive.feed(
        changed("stale", "sequence_gap", "X"),
        changed("stale", "sequence_gap", "X", venue="other"),
        changed("stale", "link_lost"),
        changed("live", "synced", "X"),
        changed("live", "synced"),
        changed("live", "synced", "X", venue="other"),
    )
    assert told(said)[2:] == [
        ("stale", "sim", None, "link_lost"),
        ("fresh", "sim", None, "synced"),
        ("fresh", "other", "X", "synced"),
    ]


def test_an_instrument_halts_and_resumes() -> None:
    drive = Drive(CHANNEL)
    assert not drive.feed(listing("open", "halted"))
    assert told(drive.feed(listing("halted", "open"))) == [
        ("halted", "sim", "C0-USDT", "halted"),
        ("resumed", "sim", "C1-USDT", "open"),
    ]
    assert not drive.feed(listing("closed", "open")), "halted already"
    (resumed,) = drive.feed(listing("open"))
    assert resumed.ts == 60


def test_draining_says_how_soon_to_reconnect() -> None:
    drive = Drive(CHANNEL)
    (draining,) = drive.feed(DrainBegun(reconnect_within_s=20, ts_us=9))
    assert isinstance(draining, System)
    assert (draining.event, draining.reconnect_within_s, draining.ts) == ("draining", 20, 9)
    assert told([draining]) == [("draining", None, None, None)]


def test_a_stream_that_begins_later_tells_nothing_of_before() -> None:
    drive = Drive(CHANNEL)
    drive.feed(changed("stale", "silent"))
    late = Drive(CHANNEL, tracker=drive.tracker)
    assert late.state() is None
    assert late.feed(changed("stale", "silent")) == []

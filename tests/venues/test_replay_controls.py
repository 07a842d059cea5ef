"""Pause, resume, speed and seek of a replay: what is told, and that time never goes back."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floorwire.connectors import recording
from floorwire.connectors.recording import Playable
from floorwire.core.market_events import (
    BookChange,
    BookSnapshot,
    Candle,
    FeedStatus,
    Listing,
    MarketEvent,
    Quote,
    Trade,
)
from floorwire.core.order_book import Book
from floorwire.core.ports import VenueOutput, Wake, Woke
from floorwire.core.replay_controls import (
    LEAST_SPEED,
    MOST_SPEED,
    Pause,
    ReplayControl,
    ReplayPosition,
    Seek,
    SeekError,
    SetSpeed,
    SpeedError,
    Unpause,
)
from floorwire.venues.paper import PaperVenue
from floorwire.venues.replay import SEEK_STEPS, Replay
from tests.venues.driver import SECOND, events, every, rebuilt, statuses

SESSION = recording.read(Path(__file__).parent.parent / "recorded" / "okx")
NOW = 5_000_000_000 * SECOND
MIDDLE = (SESSION.first_us + SESSION.last_us) // 2
LENGTH = SESSION.last_us - SESSION.first_us


class Player:
    """A replay and the time. It wakes the replay at the times that it requests."""

    def __init__(
        self, recorded: Playable = SESSION, speed: float | None = 1.0, *, loop: bool = False
    ) -> None:
        self.replay = recording.replay(recorded, speed=speed, loop=loop)
        self.now_us = NOW
        self.out: list[VenueOutput] = []
        self._wake_us: int | None = None
        self._take(self.replay.start(NOW))

    def control(self, *controls: ReplayControl) -> list[VenueOutput]:
        """Control it; return what follows at once."""
        return [output for one in controls for output in self._take(self.replay.control(one, self.now_us))]

    def wait(self, us: int) -> list[VenueOutput]:
        """Let time pass; return what follows."""
        until_us, followed = self.now_us + us, list[VenueOutput]()
        while self._wake_us is not None and self._wake_us <= until_us:
            self.now_us, self._wake_us = max(self.now_us, self._wake_us), None
            followed += self._take(self.replay.receive(Woke(), self.now_us))
        self.now_us = until_us
        return followed

    def position(self) -> ReplayPosition:
        return self.replay.position(self.now_us)

    def _take(self, outputs: object) -> list[VenueOutput]:
        assert isinstance(outputs, list)
        for output in outputs:
            if isinstance(output, Wake):
                self._wake_us = output.at_us
        self.out += outputs
        return outputs


def told(outputs: list[VenueOutput]) -> list[MarketEvent]:
    """Return the market events without statuses."""
    return [event for event in events(outputs) if not isinstance(event, FeedStatus)]


def up_to(us: int) -> list[VenueOutput]:
    """Return all that a replay without controls gives up to a recorded time."""
    player = Player()
    player.wait(us - SESSION.first_us)
    return player.out


def books(outputs: list[VenueOutput]) -> dict[str, Book]:
    symbols = {of.symbol for listing in every(outputs, Listing) for of in listing.instruments}
    return {symbol: rebuilt(outputs, symbol) for symbol in symbols}


def levels(book: Book) -> tuple[object, object]:
    return book.bids.top(10**6), book.asks.top(10**6)


def test_a_pause_is_told_and_nothing_comes_until_it_ends() -> None:
    player = Player()
    player.wait(MIDDLE - SESSION.first_us)
    before = len(told(player.out))
    assert statuses(player.control(Pause())) == [(None, "stale", "paused")]
    assert player.position().is_paused
    assert player.position().at_us == MIDDLE
    assert player.control(Pause()) == []
    assert player.wait(3 * LENGTH) == []
    resumed = statuses(player.control(Unpause()))
    assert resumed[-1] == (None, "live", "resumed")
    assert {symbol for symbol, feed, _ in resumed if feed == "live"} == {None, "ABC-USDT", "XYZ-EUR"}
    assert player.control(Unpause()) == []
    player.wait(2 * LENGTH)
    assert statuses(player.out)[-1] == (None, "stale", "ended")
    assert len(told(player.out)) > before
    assert told(player.out) == told(up_to(SESSION.last_us + LENGTH)), "nothing is lost, nothing comes twice"


def test_a_pause_lasts_as_long_as_it_lasts() -> None:
    player = Player()
    player.wait(MIDDLE - SESSION.first_us)
    player.control(Pause())
    player.wait(10 * LENGTH)
    player.control(Unpause())
    player.wait(SECOND)
    assert player.position().at_us == MIDDLE + SECOND


def test_the_speed_counts_from_now_on() -> None:
    player = Player()
    player.wait(2 * SECOND)
    player.control(SetSpeed(4.0))
    player.wait(SECOND)
    assert player.position().at_us == SESSION.first_us + 6 * SECOND
    player.control(SetSpeed(0.5))
    player.wait(SECOND)
    assert player.position().at_us == SESSION.first_us + 6 * SECOND + SECOND // 2
    player.control(SetSpeed(None))
    player.wait(1)
    assert player.position().is_ended
    assert told(player.out) == told(up_to(SESSION.last_us + LENGTH))


@pytest.mark.parametrize("speed", [0.0, -1.0, 5e-324, 1e-300, 1e-9, 1e9, 1e308, float("inf"), float("nan")])
def test_a_speed_that_is_none(speed: float) -> None:
    player = Player()
    with pytest.raises(SpeedError):
        player.control(SetSpeed(speed))
    player.wait(SECOND)
    assert player.position().at_us == SESSION.first_us + SECOND


@pytest.mark.parametrize("speed", [LEAST_SPEED, MOST_SPEED])
def test_the_least_and_the_most_speed_have_times(speed: float) -> None:
    player = Player(speed=speed)
    player.wait(SECOND)
    player.control(SetSpeed(1.0))
    assert SESSION.first_us <= player.position().at_us <= SESSION.last_us


def test_a_seek_ahead_gives_the_books_of_that_time() -> None:
    player = Player()
    player.wait(2 * SECOND)
    begun = player.control(Seek(MIDDLE))
    assert statuses(begun) == [(None, "connecting", "seek")]
    assert told(begun) == []
    assert player.position().is_seeking
    assert player.position().at_us == MIDDLE
    arrived = player.wait(0)
    assert statuses(arrived)[-1] == (None, "live", "synced")
    assert every(arrived, Trade) == [], "trades of the time in between are not told"
    assert [type(event) for event in told(arrived)][:2] == [Listing, BookSnapshot]
    expected = up_to(MIDDLE)
    assert {symbol: levels(book) for symbol, book in books(arrived).items()} == {
        symbol: levels(book) for symbol, book in books(expected).items()
    }
    last = {quote.symbol: quote for quote in every(expected, Quote)}
    assert {q.symbol: (q.bid_ticks, q.ask_ticks) for q in every(arrived, Quote)} == {
        q.symbol: (q.bid_ticks, q.ask_ticks) for q in last.values()
    }
    assert {event.ts_us for event in told(arrived)} == {MIDDLE}
    rest = player.wait(LENGTH)
    everything = told(up_to(SESSION.last_us + LENGTH))
    assert told(rest) == everything[len(told(expected)) :], "what follows is as recorded"


def test_a_seek_back_is_a_new_round_whose_times_are_later() -> None:
    player = Player()
    player.wait(MIDDLE - SESSION.first_us)
    ids = {trade.trade_id for trade in every(player.out, Trade)}
    back = SESSION.first_us + 3 * SECOND
    player.control(Seek(back))
    after = player.wait(LENGTH)
    assert player.position().round == 1
    times = [event.ts_us for event in told(after)]
    assert min(times) >= MIDDLE
    assert (min(times) - back) % (60 * SECOND) == 0, "moved on by whole minutes"
    assert not ids & {trade.trade_id for trade in every(after, Trade)}
    assert statuses(after)[-1] == (None, "stale", "ended")


def test_a_seek_while_paused_shows_the_book_and_stays_paused() -> None:
    player = Player()
    player.wait(SECOND)
    player.control(Pause(), Seek(MIDDLE))
    arrived = player.wait(LENGTH)
    assert every(arrived, BookSnapshot)
    assert statuses(arrived) == [(None, "stale", "paused")]
    assert player.position().at_us == MIDDLE
    assert player.position().is_paused
    resumed = player.control(Unpause())
    assert statuses(resumed)[-1] == (None, "live", "resumed")
    assert every(player.wait(LENGTH), Trade)


def test_a_pause_and_a_resume_while_it_seeks() -> None:
    player = Player()
    player.control(Seek(MIDDLE), Pause())
    assert statuses(player.wait(LENGTH))[-1] == (None, "stale", "paused")
    player.control(Seek(MIDDLE + SECOND), Unpause())
    assert (None, "live", "synced") in statuses(player.wait(0))


def test_a_seek_after_the_end_plays_again() -> None:
    player = Player(speed=None)
    player.wait(1)
    assert player.position().is_ended
    player.control(SetSpeed(1.0), Seek(SESSION.first_us))
    assert every(player.wait(LENGTH), Trade)


@pytest.mark.parametrize("at_us", [0, SESSION.first_us - 1, SESSION.last_us + 1])
def test_a_seek_to_where_nothing_was_recorded_is_refused(at_us: int) -> None:
    player = Player()
    player.wait(SECOND)
    with pytest.raises(SeekError) as refused:
        player.control(Seek(at_us))
    assert (refused.value.first_us, refused.value.last_us) == (SESSION.first_us, SESSION.last_us)
    assert statuses(player.wait(0)) == []


def test_a_session_without_a_span_cannot_be_sought() -> None:
    replay = Replay(lambda: SESSION.make_adapter("", SECOND), SESSION)
    replay.start(NOW)
    with pytest.raises(SeekError):
        replay.control(Seek(MIDDLE), NOW)


def test_the_whole_time_can_be_sought() -> None:
    for at_us in (SESSION.first_us, SESSION.last_us):
        player = Player()
        player.control(Seek(at_us))
        player.wait(1)
        assert not player.position().is_seeking


controls = st.one_of(
    st.just(Pause()),
    st.just(Unpause()),
    st.builds(SetSpeed, st.sampled_from([0.5, 1.0, 20.0])),
    st.builds(Seek, st.integers(SESSION.first_us, SESSION.last_us)),
)


@settings(max_examples=25)
@given(st.lists(st.tuples(controls, st.integers(0, LENGTH // 2)), max_size=5))
def test_whatever_operators_do_books_follow_snapshots_and_time_never_goes_back(
    steps: list[tuple[ReplayControl, int]],
) -> None:
    player = Player(loop=True)
    player.wait(2 * SECOND)
    for control, us in steps:
        player.control(control)
        player.wait(us)
    player.control(Unpause())
    player.wait(SECOND)
    last_us = 0
    for event in told(player.out):
        if isinstance(event, Trade | BookChange | Quote):
            assert event.ts_us >= last_us - SECOND, "the venue's own times lag a little"
            last_us = max(last_us, event.ts_us)
    for symbol in ("ABC-USDT", "XYZ-EUR"):
        assert not rebuilt(player.out, symbol).crossed()
    is_known = False
    for output in player.out:
        if isinstance(output, FeedStatus) and output.symbol is None and output.reason in ("seek", "start"):
            is_known = False
        elif isinstance(output, BookSnapshot):
            is_known = True
        assert is_known or not isinstance(output, BookChange)


def test_paper_orders_market_follows_a_replay_that_is_controlled() -> None:
    venue = PaperVenue(recording.replay(SESSION), 0)
    out = list(venue.start(NOW))
    out += venue.control(Seek(MIDDLE), NOW)
    while every(out[-1:], Wake) and every(out[-1:], Wake)[0].at_us <= NOW:
        out += venue.receive(Woke(), NOW)
    book = books(out)["ABC-USDT"]
    best = book.bids.best()
    assert best is not None
    assert venue.prices("ABC-USDT").bid_ticks == best[0]
    assert venue.prices("ABC-USDT").feed == "live"
    out += venue.control(Pause(), NOW)
    assert venue.prices("ABC-USDT").feed == "stale"
    position = venue.position(NOW)
    assert position is not None
    assert position.is_paused


def test_a_venue_without_a_recording_is_not_controlled() -> None:
    from random import Random

    from floorwire.venues import sim

    venue = PaperVenue(sim.venue(Random(1), None, "sim", ""), 0)
    venue.start(NOW)
    assert venue.control(Pause(), NOW) == []
    assert venue.position(NOW) is None


def test_open_candles_are_told_again() -> None:
    player = Player()
    player.control(Seek(MIDDLE))
    assert {candle.closed for candle in every(player.wait(0), Candle)} <= {False}


def test_a_seek_is_made_in_small_steps() -> None:
    player = Player()
    player.control(Seek(SESSION.last_us))
    turns = 0
    while player.position().is_seeking:
        out = player.replay.receive(Woke(), player.now_us)
        assert len(every(out, Wake)) <= 1
        turns += 1
    assert turns > SESSION.frames // SEEK_STEPS

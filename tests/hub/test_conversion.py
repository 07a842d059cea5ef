"""A tick or a lot that changes in the middle: nothing that was counted is lost, and nothing is invented."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_FLOOR, Decimal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from floorwire import channels
from floorwire.access.authenticator import Authenticator
from floorwire.core.instrument import Instrument
from floorwire.core.market_events import (
    BookChange,
    BookSnapshot,
    Candle,
    DayStats,
    Feed,
    FeedStatus,
    Listing,
    Quote,
    Trade,
    VenueTime,
)
from floorwire.core.notices import SymbolFeedChanged
from floorwire.core.ports import VenueOutput, Wake, Woke
from floorwire.hub.market_state import MarketState
from floorwire.protocol import channel_events
from floorwire.protocol.event_stamps import EventStamp
from floorwire.venues.binance import market_data as binance
from floorwire.venues.replay import Replay
from tests.hub.hub_harness import HubHarness, Message
from tests.scripted import listing
from tests.venues.driver import every
from tests.venues.test_replay_loss import LIST, Session, listed, trade

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 1_800_000_000 * SECOND
"""The start of an hour."""
S = "A-B"


def in_steps(tick: str, lot: str) -> Instrument:
    return Instrument(S, "A", "B", "venue", tick, lot)


class Followed:
    """One symbol in a market that is told prices and sizes as decimals."""

    def __init__(self, tick: str = "0.01", lot: str = "0.1") -> None:
        self.market = MarketState(channels.discover())
        self.change_steps(tick, lot)
        self.turn("live")
        self.clock(-2)

    def change_steps(self, tick: str, lot: str) -> list[str]:
        self.steps = in_steps(tick, lot)
        return self.market.update_instruments(Listing((self.steps,), HOUR))

    def turn(self, feed: Feed) -> None:
        for turned in self.market.update_feed("venue", FeedStatus(None, feed, "test", HOUR)):
            self.say(turned)

    def say(
        self,
        event: Trade | Quote | BookSnapshot | BookChange | DayStats | Candle | VenueTime | SymbolFeedChanged,
    ) -> None:
        listeners = self.market.states.get(S)
        assert listeners is not None
        listeners.apply(event)

    def trade(self, price: str, size: str, seconds: float) -> None:
        ts_us = HOUR + round(seconds * SECOND)
        self.say(Trade(S, "1", self.steps.price.parse(price), self.steps.size.parse(size), "buy", ts_us))

    def clock(self, seconds: float) -> None:
        self.say(VenueTime(HOUR + round(seconds * SECOND)))

    def state(self, channel: str, option: str | int | None = None) -> channel_events.AnyEvent | None:
        listeners = self.market.states.get(S)
        assert listeners is not None
        return listeners.stream(channel, option).state(EventStamp("e", 1, 0, 0))

    def candle(self, interval: str = "1h") -> channel_events.Candles:
        state = self.state("candles", interval)
        assert isinstance(state, channel_events.Candles)
        return state

    def ticker(self) -> channel_events.Ticker:
        state = self.state("ticker")
        assert isinstance(state, channel_events.Ticker)
        return state

    def book(self) -> channel_events.BookEvent | None:
        state = self.state("book", 10)
        assert state is None or isinstance(state, channel_events.BookEvent)
        return state


def test_an_hour_goes_on_over_a_finer_tick_and_lot() -> None:
    at = Followed("0.5", "1")
    at.trade("100", "60", 10)
    assert at.change_steps("0.1", "0.01") == [S]
    at.trade("99.9", "1", 610)
    candle = at.candle()
    assert (candle.start, candle.trades, candle.closed) == (HOUR, 2, False)
    assert (candle.volume, candle.open, candle.low, candle.close) == ("61.00", "100.0", "99.9", "99.9")
    ticker = at.ticker()
    assert (ticker.volume, ticker.open, ticker.low, ticker.last) == ("61.00", "100.0", "99.9", "99.9")
    assert (ticker.quote_volume, ticker.change) == ("6099.900", "-0.1")


def test_what_is_finer_than_the_new_steps_is_floored_where_shown_and_kept_inside() -> None:
    at = Followed("0.01", "0.001")
    at.trade("100.07", "0.061", 1)
    at.change_steps("0.1", "0.01")
    assert (at.candle().volume, at.candle().open) == ("0.06", "100.0")
    at.trade("100.1", "0.04", 2)
    assert at.candle().volume == "0.10"
    for second in range(3, 6):
        at.change_steps("0.01", "0.001")
        at.trade("100.07", "0.003", second)
        at.change_steps("0.1", "0.01")
    assert at.candle().volume == at.ticker().volume == "0.11", "0.110: three times 0.003 beside 0.101"
    at.change_steps("0.01", "0.001")
    assert (at.candle().volume, at.candle().open, at.ticker().last) == ("0.110", "100.07", "100.07")


def test_closed_candles_and_flat_ones_after_them_are_in_the_new_steps() -> None:
    at = Followed("0.5", "1")
    at.trade("100.5", "3", 10)
    at.clock(61)
    at.change_steps("0.1", "0.1")
    assert (at.candle("1m").close, at.candle("1m").volume, at.candle("1m").closed) == ("100.5", "3.0", True)
    at.clock(121)
    assert (at.candle("1m").close, at.candle("1m").volume) == ("100.5", "0.0")


def test_a_venues_own_candle_and_day_go_on() -> None:
    at = Followed("1", "1")
    at.say(Candle(S, 3600 * SECOND, HOUR, 5, 7, 4, 6, 61, 9, closed=False, ts_us=HOUR + SECOND))
    at.say(DayStats(S, 5, 7, 4, 61, 366, HOUR + SECOND))
    at.change_steps("2", "5")
    assert (at.candle().open, at.candle().high, at.candle().volume) == ("4", "6", "60")
    assert (at.ticker().high, at.ticker().volume, at.ticker().quote_volume) == ("6", "60", "360")
    at.say(Candle(S, 3600 * SECOND, HOUR, 3, 4, 2, 3, 13, 10, closed=False, ts_us=HOUR + 2 * SECOND))
    at.say(DayStats(S, 3, 4, 2, 13, 40, HOUR + 2 * SECOND))
    assert (at.candle().open, at.candle().high, at.candle().volume) == ("6", "8", "65")
    assert (at.ticker().high, at.ticker().volume, at.ticker().quote_volume) == ("8", "65", "400")


def test_a_book_keeps_the_levels_that_the_new_steps_can_say() -> None:
    at = Followed("0.01", "0.1")
    at.say(BookSnapshot(S, ((10_000, 25), (9_995, 10)), ((10_010, 4), (10_020, 10)), HOUR))
    at.change_steps("0.1", "1")
    book = at.book()
    assert book is not None
    assert (book.bids, book.asks) == ((("100.0", "2"),), (("100.2", "1"),)), "0.4 is less than a lot"
    at.say(BookChange(S, ((999, 7),), (), HOUR + 1))
    book = at.book()
    assert book is not None
    assert book.bids == (("100.0", "2"), ("99.9", "7"))
    assert (at.ticker().bid, at.ticker().bid_size, at.ticker().ask) == ("100.0", "2", "100.2")


def test_a_quote_between_two_ticks_of_now_is_not_shown() -> None:
    at = Followed("0.01", "0.1")
    at.say(Quote(S, 10_000, 25, 10_001, 10, HOUR))
    at.change_steps("0.1", "1")
    ticker = at.ticker()
    assert (ticker.bid, ticker.bid_size, ticker.ask, ticker.ask_size) == ("100.0", "2", None, None)
    at.say(Quote(S, 1_000, 3, 1_001, 1, HOUR + 1))
    assert (at.ticker().bid, at.ticker().ask) == ("100.0", "100.1")


def test_other_assets_under_the_name_begin_anew() -> None:
    at = Followed()
    at.trade("1.00", "1.0", 1)
    other = Instrument(S, "A2", "B", "venue", "0.01", "0.1")
    assert at.market.update_instruments(Listing((other,), HOUR)) == [S]
    assert at.state("candles", "1h") is None


def a_venues_candle(at: Followed, minute: int, seconds: float, *figures: str, closed: bool = False) -> None:
    *prices, volume = figures
    ticks = [at.steps.price.parse(price) for price in prices]
    lots = at.steps.size.parse(volume)
    start_us, ts_us = HOUR + minute * MINUTE, HOUR + round(seconds * SECOND)
    at.say(Candle(S, MINUTE, start_us, ticks[0], ticks[1], ticks[2], ticks[3], lots, 1, closed, ts_us))


def with_both_candles() -> Followed:
    """Return a symbol whose venue left its first minute open, with trades in that minute and in the next;
    the steps change after that."""
    at = Followed("0.5", "1")
    at.trade("100", "3", 10)
    a_venues_candle(at, 0, 20, "100", "101", "100", "101", "4")
    at.trade("101.5", "2", 50)
    at.trade("102", "5", 62)
    assert (at.candle("1m").start, at.candle("1m").volume) == (HOUR, "4"), "the venue's"
    at.change_steps("0.1", "0.01")
    return at


def test_ours_beside_a_venues_candle_is_in_the_new_steps_when_the_venues_end() -> None:
    at = with_both_candles()
    candle = at.candle("1m")
    assert (candle.open, candle.high, candle.volume) == ("100.0", "101.0", "4.00")
    at.trade("101.9", "0.25", 63)
    listeners = at.market.states.get(S)
    assert listeners is not None
    stream = listeners.stream("candles", "1m")
    lapse = VenueTime(HOUR + 66 * SECOND)
    listeners.apply(lapse)
    told = stream.apply(lapse, EventStamp("e", 1, 0, 0))
    said = [candle for candle in told if isinstance(candle, channel_events.Candles)]
    figures = [(bar.start, bar.open, bar.high, bar.close, bar.volume, bar.closed) for bar in said]
    assert figures == [
        (HOUR, "100.0", "101.5", "101.5", "5.00", True),
        (HOUR + MINUTE, "102.0", "102.0", "101.9", "5.25", False),
    ]
    assert [bar.incomplete for bar in said] == [UNSET, UNSET]


def test_a_venues_candle_goes_on_in_the_new_steps() -> None:
    at = with_both_candles()
    a_venues_candle(at, 0, 63, "100", "101.5", "99.9", "101.5", "5.01", closed=True)
    candle = at.candle("1m")
    assert (candle.low, candle.high, candle.volume, candle.closed) == ("99.9", "101.5", "5.01", True)
    a_venues_candle(at, 1, 64, "102", "102", "101.9", "101.9", "5.25")
    at.change_steps("1", "0.5")
    candle = at.candle("1m")
    assert (candle.start, candle.low, candle.volume, candle.closed) == (HOUR + MINUTE, "101", "5.0", False)


def test_relisted_while_stale_all_is_kept_and_stays_stale_until_the_feed_is_live() -> None:
    at = Followed("0.5", "1")
    at.say(BookSnapshot(S, ((200, 2),), ((202, 3),), HOUR))
    at.trade("100", "3", 10)
    at.turn("stale")
    assert at.change_steps("0.1", "0.01") == [S]
    book = at.book()
    assert book is not None
    assert {book.feed, at.candle().feed, at.ticker().feed} == {"stale"}
    assert (book.bids, at.candle().volume, at.ticker().last) == ((("100.0", "2.00"),), "3.00", "100.0")
    assert at.market.update_feed("venue", FeedStatus(None, "stale", "test", HOUR)) == [], "that was told"
    at.turn("live")
    at.trade("99.9", "0.5", 30)
    candle = at.candle()
    assert (candle.feed, candle.incomplete, candle.volume, candle.low) == (UNSET, True, "3.50", "99.9")
    assert at.ticker().feed is UNSET


def test_other_assets_listed_while_stale_begin_stale() -> None:
    at = Followed()
    at.turn("stale")
    at.market.update_instruments(Listing((Instrument(S, "A2", "B", "venue", "0.01", "0.1"),), HOUR))
    at.trade("1.00", "1.0", 1)
    assert (at.candle().feed, at.candle().incomplete, at.ticker().feed) == ("stale", True, "stale")


def test_trades_are_written_in_the_new_steps_with_what_the_feed_is() -> None:
    at = Followed("0.5", "1")
    at.turn("stale")
    at.change_steps("0.1", "0.01")
    listeners = at.market.states.get(S)
    assert listeners is not None
    trade = Trade(S, "1", 1_001, 25, "buy", HOUR)
    [told] = listeners.stream("trades", None).apply(trade, EventStamp("e", 1, 0, 0))
    assert isinstance(told, channel_events.Trades)
    assert (told.price, told.size, told.feed) == ("100.1", "0.25", "stale")


STEPS = ("1", "0.5", "0.25", "0.1", "0.05", "0.01", "2")
Trades = list[tuple[int, int, int, int]]


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(st.sampled_from(STEPS), st.sampled_from(STEPS), st.integers(1, 500), st.integers(1, 99)),
        min_size=1,
        max_size=12,
    )
)
def test_however_the_steps_change_every_figure_is_the_exact_one_floored(
    prints: list[tuple[str, str, int, int]],
) -> None:
    at = Followed(*prints[0][:2])
    sums: list[tuple[Decimal, Decimal]] = []
    for second, (tick, lot, ticks, lots) in enumerate(prints):
        at.change_steps(tick, lot)
        price, size = Decimal(tick) * ticks, Decimal(lot) * lots
        at.trade(str(price), str(size), second)
        sums.append((price, size))
    candle, ticker = at.candle(), at.ticker()
    prices, volume = [price for price, _ in sums], sum(size for _, size in sums)
    tick, lot = prints[-1][:2]

    def shown(exact: Decimal | int, step: Decimal) -> Decimal:
        return (Decimal(exact) / step).to_integral_value(ROUND_FLOOR) * step

    for told, exact in (
        (candle.open, prices[0]),
        (candle.high, max(prices)),
        (candle.low, min(prices)),
        (candle.close, prices[-1]),
        (ticker.open, prices[0]),
        (ticker.high, max(prices)),
        (ticker.low, min(prices)),
        (ticker.last, prices[-1]),
    ):
        assert told is not None
        assert Decimal(told) == shown(exact, Decimal(tick))
    assert ticker.volume is not None
    assert ticker.quote_volume is not None
    assert Decimal(candle.volume) == Decimal(ticker.volume) == shown(volume, Decimal(lot))
    turnover = sum(price * size for price, size in sums)
    assert Decimal(ticker.quote_volume) == shown(turnover, Decimal(tick) * Decimal(lot))
    assert candle.trades == len(prints)


@pytest.fixture
def harness(authenticator: Authenticator) -> HubHarness:
    return HubHarness(authenticator)


def last(messages: list[Message], channel: str) -> Message:
    return [message for message in messages if message.get("channel") == channel][-1]


def test_a_subscriber_gets_the_same_candle_and_day_with_a_new_epoch(harness: HubHarness) -> None:
    wire = harness.connect()
    wire.ask("subscribe", channel="candles", symbol="BTC-USDT", interval="1h")
    wire.ask("subscribe", channel="ticker", symbol="BTC-USDT")
    wire.ask("subscribe", channel="book", symbol="BTC-USDT", depth=5)
    harness.tick(times=5)
    harness.end_turn()
    before = wire.messages()
    finer = msgspec.structs.replace(listing("BTC-USDT"), tick_size="0.001", lot_size="0.01")
    harness.publish(Listing((finer,), harness.now_us))
    harness.end_turn()
    after = wire.messages()
    for channel, names in (
        ("candles", ("volume", "open", "high", "low", "close", "start", "trades")),
        ("ticker", ("volume", "open", "last", "bid", "ask", "quote_volume", "change")),
    ):
        old, new = last(before, channel), last(after, channel)
        assert old["epoch"] != new["epoch"]
        for name in names:
            assert Decimal(str(old[name])) == Decimal(str(new[name])), (channel, name)
    assert last(after, "book")["type"] == "snapshot"


def recorded(tick_later: str) -> Iterator[VenueOutput]:
    """Play eleven minutes of an hour: a trade of one each ten seconds, another list after ten minutes."""
    frames = [(second, trade(second, "10.5")) for second in range(10, 661, 10)]
    lists = [(-1, LIST, listed("0.5")), (600.5, LIST, listed(tick_later))]
    replay = Replay(lambda: binance.venue(["ABC-USDT"], recorded=True), Session(frames, lists), None)
    out = list(replay.start(0))
    yield from out
    while every(out[-1:], Wake):
        out = list(replay.receive(Woke(), 0))
        yield from out


@pytest.mark.parametrize("tick", ["0.5", "0.25", "0.01", "10.5"])
def test_a_recording_whose_tick_changes_keeps_the_volume_of_its_hour(tick: str) -> None:
    market = MarketState(channels.discover())
    for event in recorded(tick):
        if isinstance(event, Listing):
            market.update_instruments(event)
        elif isinstance(event, Trade):
            listeners = market.states.get(event.symbol)
            assert listeners is not None
            listeners.apply(event)
    listeners = market.states.get("ABC-USDT")
    assert listeners is not None
    for channel, option in (("candles", "1h"), ("ticker", None)):
        state = listeners.stream(channel, option).state(EventStamp("e", 1, 0, 0))
        assert isinstance(state, channel_events.Candles | channel_events.Ticker)
        assert state.volume == "66.0"
        assert Decimal(state.open or 0) == Decimal("10.5")

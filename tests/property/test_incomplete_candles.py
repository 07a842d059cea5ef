"""A candle that is not called incomplete is the true one, whatever was missed and whichever stream ended."""

from __future__ import annotations

from typing import Literal, TypeAlias

from hypothesis import given
from hypothesis import strategies as st

from floorwire.channels.candles import CHANNEL
from floorwire.channels.interval_candles import VENUE_LATE_US
from floorwire.core.candle_state import CandleState
from floorwire.core.market_events import Candle, Feed, Trade, VenueTime
from floorwire.core.microseconds import SECOND_US
from floorwire.core.notices import SymbolFeedChanged
from floorwire.protocol.channel_events import Candles
from tests.channels.stream_driver import BTC, Drive

from .market_event_strategies import MIDNIGHT_US

MINUTE_US = 60 * SECOND_US
CLOCK_LATE_US = SECOND_US // 2
PUSH_S = 2

Step: TypeAlias = Literal["trade", "lose", "find", "end_candles", "begin_candles"]


class Exchange:
    """Trades for ever, and tells it as long as it is heard, with candles of its own as long as these come."""

    def __init__(self) -> None:
        self.now_us = MIDNIGHT_US
        self.trades: list[Trade] = []
        self.drive = Drive(CHANNEL, "1m")
        self.said: list[Candles] = []
        self.closed_us: list[int] = []
        """The starts of the candles that were closed, in turn."""
        self.is_heard = False
        self.has_candles = False
        self.turn("connecting")
        self.turn("live")

    def turn(self, feed: Feed) -> None:
        self.is_heard = feed == "live"
        self.tell(SymbolFeedChanged("BTC-USDT", feed, "test", self.now_us))

    def tell(self, event: Trade | VenueTime | Candle | SymbolFeedChanged) -> None:
        told = [message for message in self.drive.feed(event) if isinstance(message, Candles)]
        self.said += told
        if not isinstance(event, SymbolFeedChanged):  # then the last one is told again
            self.closed_us += [candle.start for candle in told if candle.closed]

    def wait(self, seconds: int) -> None:
        for _ in range(seconds):
            self.now_us += SECOND_US
            self.tell(VenueTime(self.now_us - CLOCK_LATE_US))
            second = self.now_us // SECOND_US
            if self.is_heard and self.has_candles and second % PUSH_S == 0:
                self.push()

    def push(self) -> None:
        start_us = self.now_us // MINUTE_US * MINUTE_US
        for candle_us, closed in ((start_us - MINUTE_US, True), (start_us, False)):
            bar = self.truth(candle_us)
            if bar is not None and (not closed or self.now_us == start_us):
                figures = (bar.open_ticks, bar.high_ticks, bar.low_ticks, bar.close_ticks, bar.volume_lots)
                self.tell(Candle("BTC-USDT", MINUTE_US, candle_us, *figures, bar.trades, closed, self.now_us))

    def trade(self, price_ticks: int) -> None:
        self.now_us += 1_000
        trade = Trade("BTC-USDT", str(len(self.trades)), price_ticks, 1, "buy", self.now_us)
        self.trades.append(trade)
        if self.is_heard:
            self.tell(trade)
        self.now_us -= 1_000

    def truth(self, start_us: int) -> CandleState | None:
        """Return the true candle, None before the first trade."""
        bar: CandleState | None = None
        for trade in self.trades:
            if trade.ts_us < start_us:
                bar = CandleState.flat(start_us, trade.price_ticks)
            elif trade.ts_us < start_us + MINUTE_US:
                one = CandleState.from_trade(trade)
                one.start_us = start_us
                bar = one if bar is None or not bar.trades else bar.merged(one)
        return bar


def figures(candle: Candles) -> tuple[str, ...]:
    return (candle.open, candle.high, candle.low, candle.close, candle.volume, str(candle.trades))


def written(bar: CandleState) -> tuple[str, ...]:
    prices = (bar.open_ticks, bar.high_ticks, bar.low_ticks, bar.close_ticks)
    texts = [BTC.price.format(price) for price in prices]
    return (*texts, BTC.size.format(bar.volume_lots), str(bar.trades))


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["trade", "trade", "trade", "lose", "find", "end_candles", "begin_candles"]),
            st.integers(0, 25),
            st.integers(90, 110),
        ),
        max_size=40,
    )
)
def test_what_is_closed_as_whole_is_the_truth(steps: list[tuple[Step, int, int]]) -> None:
    exchange = Exchange()
    for step, seconds, price_ticks in steps:
        match step:
            case "trade":
                exchange.trade(price_ticks)
            case "lose" if exchange.is_heard:
                exchange.turn("stale")
            case "find" if not exchange.is_heard:
                exchange.turn("live")
            case "end_candles" | "begin_candles":
                exchange.has_candles = step == "begin_candles"
            case _:
                pass
        exchange.wait(seconds)
    exchange.wait(61 + VENUE_LATE_US // SECOND_US)
    closed = [candle for candle in exchange.said if candle.closed]
    assert exchange.closed_us == sorted(set(exchange.closed_us)), "each is closed once, in order"
    told: dict[int, Candles] = {}
    for candle in closed:
        assert told.setdefault(candle.start, candle).open == candle.open, "what was closed does not change"
        if candle.incomplete is not True:
            bar = exchange.truth(candle.start)
            assert bar is not None
            assert figures(candle) == written(bar)
    now_open = exchange.drive.state()
    assert isinstance(now_open, Candles | None)
    if now_open is not None and not now_open.closed:
        late_us = exchange.now_us - (now_open.start + MINUTE_US)
        assert late_us <= VENUE_LATE_US + 2 * SECOND_US, "no candle is open for ever"

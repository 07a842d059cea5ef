"""Candles equal those computed from all trades at once by a naive reference."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from floorwire.channels.candles import CHANNEL
from floorwire.channels.interval_candles import MAX_FLAT
from floorwire.core.candle_intervals import INTERVALS, CandleInterval
from floorwire.core.market_events import Trade, VenueTime
from floorwire.core.microseconds import DAY_US
from floorwire.protocol.channel_events import AnyEvent, Candles
from tests.channels.stream_driver import Drive

from .market_event_strategies import MIDNIGHT_US, prices, sizes, trade

Figures = tuple[int, str, str, str, str, str, int]


def figures(message: AnyEvent) -> Figures:
    assert isinstance(message, Candles)
    prices = (message.open, message.high, message.low, message.close)
    return (message.start, *prices, message.volume, message.trades)


class NaiveCandles:
    """Keeps every trade that came in time, and computes every candle anew for every look."""

    def __init__(self, interval: CandleInterval) -> None:
        self._interval = interval
        self._trades: list[Trade] = []
        self.now_us = 0

    def apply(self, event: Trade | VenueTime) -> None:
        self.now_us = max(self.now_us, event.ts_us)
        if isinstance(event, Trade) and event.ts_us >= self._start(self.now_us):
            self._trades.append(event)

    def _start(self, ts_us: int) -> int:
        return self._interval.start_of(ts_us)

    def open(self) -> Figures | None:
        start_us = self._start(self.now_us)
        return self._figures(start_us) if self._of(start_us) else None

    def closed(self) -> list[Figures]:
        """Return every candle that is over, without holes."""
        if not self._trades:
            return []
        rows, start_us = [], self._start(self._trades[0].ts_us)
        while start_us < self._start(self.now_us):
            rows.append(self._figures(start_us))
            start_us = self._interval.end_of(start_us)
        return rows

    def _of(self, start_us: int) -> list[Trade]:
        ours = [trade for trade in self._trades if self._start(trade.ts_us) == start_us]
        return sorted(ours, key=lambda trade: trade.ts_us)

    def _figures(self, start_us: int) -> Figures:
        ours = self._of(start_us)
        if not ours:
            before = [trade for trade in self._trades if trade.ts_us < start_us]
            price = f"{sorted(before, key=lambda trade: trade.ts_us)[-1].price_ticks / 100:.2f}"
            return (start_us, price, price, price, price, "0.000", 0)
        prices = [trade.price_ticks for trade in ours]
        shown = (prices[0], max(prices), min(prices), prices[-1])
        opened, high, low, close = (f"{price / 100:.2f}" for price in shown)
        volume = sum(trade.size_lots for trade in ours) / 1000
        return (start_us, opened, high, low, close, f"{volume:.3f}", len(ours))


@given(st.sampled_from(["1s", "1m", "3m", "1h", "1d", "1w", "1M"]), st.data())
def test_candles_equal_the_naive_ones(interval: str, data: st.DataObject) -> None:
    # Long enough, in quarters of an interval, for silences that are too long to fill.
    quarters = st.integers(0, 4 * 2 * MAX_FLAT)
    length_us = INTERVALS[interval].length_us or 31 * DAY_US
    moments = quarters.map(lambda quarter: MIDNIGHT_US + quarter * length_us // 4)
    trades = st.builds(trade, prices, sizes, moments)
    happened = data.draw(st.lists(st.one_of(trades, st.builds(VenueTime, moments)), max_size=25))
    drive, naive = Drive(CHANNEL, interval), NaiveCandles(INTERVALS[interval])
    last_closed = -1
    for event in happened:
        open_before = naive.open()
        naive.apply(event)
        said = drive.feed(event)
        closed = [figures(message) for message in said if isinstance(message, Candles) and message.closed]
        # Of what a jump in time closes, there are the candle that was open and the latest flat ones.
        due = [row for row in naive.closed() if row[0] > last_closed]
        was_open = due[:1] if open_before else []
        assert closed == was_open + due[len(was_open) :][-MAX_FLAT:]
        if closed:
            last_closed = closed[-1][0]
        still_open = [figures(message) for message in said[len(closed) :]]
        assert len(still_open) <= 1
        if isinstance(event, Trade) and naive.open() != open_before:
            assert still_open == [naive.open()]
        shown = drive.state()
        known = [*naive.closed(), *filter(None, [naive.open()])][-1:]
        assert [figures(shown)] == known if shown else not known

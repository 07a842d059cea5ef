"""The ticker's 24 hours and last price equal those of a naive sum over every trade."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from floorwire.channels.ticker import CHANNEL
from floorwire.core.market_events import Trade, VenueTime
from floorwire.core.microseconds import MINUTE_US
from floorwire.core.rolling_day import DAY_MINUTES
from floorwire.protocol.channel_events import Ticker
from tests.channels.stream_driver import Drive

from .market_event_strategies import clocks, trades

Shown = tuple[str | None, ...]


def naive(seen: list[Trade], now_us: int) -> Shown:
    """Return last, open, high, low, volume, quote volume and change of the trades seen so far."""
    oldest_us = (now_us // MINUTE_US - DAY_MINUTES) * MINUTE_US
    by_time = sorted(seen, key=lambda trade: trade.ts_us)
    last = by_time[-1].price_ticks
    counted = [trade for trade in by_time if trade.ts_us >= oldest_us]
    prices = [trade.price_ticks for trade in counted] or [last]
    volume = sum(trade.size_lots for trade in counted)
    turnover = sum(trade.size_lots * trade.price_ticks for trade in counted)
    shown = (last, prices[0], max(prices), min(prices))
    return (
        *(f"{price / 100:.2f}" for price in shown),
        f"{volume / 1000:.3f}",
        f"{turnover / 100_000:.5f}",
        f"{(last - prices[0]) / 100:.2f}",
    )


def visible(message: Ticker) -> Shown:
    day = (message.open, message.high, message.low, message.volume, message.quote_volume, message.change)
    return (message.last, *day)


@given(st.lists(st.one_of(trades, clocks), max_size=30))
def test_the_day_equals_the_naive_one_and_is_said_only_when_it_changes(
    happened: list[Trade | VenueTime],
) -> None:
    drive, seen, now_us = Drive(CHANNEL), list[Trade](), 0
    before: Ticker | None = None
    for event in happened:
        now_us = max(now_us, event.ts_us)
        if isinstance(event, Trade):
            seen.append(event)
        said = drive.feed(event)
        state = drive.state()
        if not seen:
            assert (said, state) == ([], None)
            continue
        assert isinstance(state, Ticker)
        assert visible(state) == naive(seen, now_us)
        same = before is not None and (visible(state), state.last_size) == (visible(before), before.last_size)
        assert said == ([] if same else [state])
        before = state

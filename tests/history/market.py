"""A venue in memory that tells what it does to a store, and counts the same plainly."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from floorwire.core.candle_intervals import INTERVALS
from floorwire.core.instrument import Instrument
from floorwire.core.market_events import FeedStatus, Listing, MarketEvent, Trade, VenueTime
from floorwire.core.market_history import StoredCandle, StoredTrade
from floorwire.core.units import Scale
from floorwire.history.market_store import MarketStore
from floorwire.history.retention import Bound, Kind

VENUE = "v"
SYMBOL = "v:BTC-USDT"
SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
START_US = 1_700_000_000_000_000
ALL: dict[Kind, Bound] = {
    "trades": Bound(0, 1 << 40),
    "seconds": Bound(0, 1 << 40),
    "minutes": Bound(0, 1 << 40),
    "longer": Bound(0, 1 << 40),
}


def instrument(tick: str = "0.5", lot: str = "0.001", symbol: str = SYMBOL) -> Instrument:
    """Return an instrument with these steps."""
    return Instrument(symbol, "BTC", "USDT", VENUE, tick, lot)


def opened(path: Path | None, waiting: int = 1_000_000, bounds: dict[Kind, Bound] = ALL) -> MarketStore:
    """Return an open store."""
    store = MarketStore(path, bounds, waiting)
    store.open()
    return store


def begin(store: MarketStore, at_us: int = START_US, *instruments: Instrument) -> None:
    """List, and be live."""
    publish(store, Listing(instruments or (instrument(),), at_us), FeedStatus(None, "live", "synced", at_us))
    publish(store, VenueTime(at_us))


def publish(store: MarketStore, *events: MarketEvent) -> None:
    """Publish events of the venue."""
    store.publish(VENUE, events, START_US)


def trade(at_us: int, price: int = 100, size: int = 1, number: int = 0, symbol: str = SYMBOL) -> Trade:
    """Return a trade."""
    return Trade(symbol, str(number or at_us), price, size, "buy" if price % 2 else "sell", at_us)


async def all_trades(store: MarketStore, symbol: str = SYMBOL, limit: int = 1_000) -> list[StoredTrade]:
    """Return all trades, the oldest first, page by page."""
    found: list[StoredTrade] = []
    after = 0
    while page := await store.trades(symbol, after_row=after, newest_first=False, limit=limit):
        found += page
        after = page[-1].row
    return found


def units(scale: Scale, steps: int, decimals: int = 18) -> int:
    """Return steps in units of ten to the power ``-decimals``."""
    unit: int = 10 ** (decimals - scale.decimals)
    return steps * scale.step * unit


Figures = tuple[int, int, int, int, int, int, int]


def counted(trades: Sequence[StoredTrade], interval: str) -> list[Figures]:
    """Return start, open, high, low, close, volume and number of the candles with trades, counted plainly."""
    by_start: dict[int, list[StoredTrade]] = {}
    for one in trades:
        by_start.setdefault(INTERVALS[interval].start_of(one.ts_us), []).append(one)
    candles = []
    for start_us, inside in sorted(by_start.items()):
        inside = sorted(inside, key=lambda one: (one.ts_us, one.row))
        prices = [units(one.units.price, one.price_ticks) for one in inside]
        volume = sum(units(one.units.size, one.size_lots) for one in inside)
        candles.append((start_us, prices[0], max(prices), min(prices), prices[-1], volume, len(inside)))
    return candles


def spans(starts_us: Sequence[int], interval: str) -> list[tuple[int, int]]:
    """Return spans of time with all of these starts, without long times between them."""
    found: list[tuple[int, int]] = []
    for start_us in starts_us:
        end_us = INTERVALS[interval].end_of(start_us)
        if found and start_us - found[-1][1] < 20 * (end_us - start_us):
            found[-1] = found[-1][0], end_us
        else:
            found.append((start_us, end_us))
    return found


async def stored(
    store: MarketStore, interval: str, starts_us: Sequence[int], *, newest_first: bool = False
) -> list[Figures]:
    """Return the same of the store's candles about these starts, without flat ones, page by page."""
    found: list[Figures] = []
    for from_us, to_us in spans(starts_us, interval):
        while page := await store.candles(
            SYMBOL, interval, from_us=from_us, to_us=to_us, limit=25, newest_first=newest_first
        ):
            found += [_figures(one) for one in page if one.trades]
            from_us, to_us = (from_us, page[-1].start_us) if newest_first else (page[-1].end_us, to_us)
    return sorted(found) if newest_first else found


def _figures(one: StoredCandle) -> Figures:
    price, size = one.units.price, one.units.size
    prices = [
        units(price, figure) for figure in (one.open_units, one.high_units, one.low_units, one.close_units)
    ]
    volume = units(size, one.volume_units)
    return one.start_us, prices[0], prices[1], prices[2], prices[3], volume, one.trades

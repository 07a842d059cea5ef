"""Single recorded frames through an adapter, and what comes of them as short texts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from floorwire.connectors import recording
from floorwire.core.instrument import Instrument
from floorwire.core.market_events import (
    BookChange,
    BookSnapshot,
    Candle,
    DayStats,
    FeedStatus,
    Level,
    Listing,
    MarketEvent,
    MissingTrade,
    Quote,
    Trade,
)
from floorwire.core.units import trim
from tests.venues.driver import Driver, every

NOW = 1_793_491_200_000_000
"""Later than all recorded frames: 2026-11-01."""
BLOCK = re.compile(r"^(?P<kind>[<>=])[0-9]? ?", re.MULTILINE)
PLACEHOLDER = re.compile(r"\|[a-z0-9*_]+\|")


def frames(path: Path) -> list[str]:
    """Return what the exchange sent, from a file with one frame or from a client's test transcript."""
    text = path.read_text()
    if path.suffix != ".txt":
        return [text]
    text = PLACEHOLDER.sub("1", text)
    starts = list(BLOCK.finditer(text))
    ends = [start.start() for start in starts[1:]] + [len(text)]
    return [
        text[start.end() : end]
        for start, end in zip(starts, ends, strict=True)
        if start["kind"] == "=" and text[start.end() : end].strip()
    ]


def told(exchange: str, texts: Sequence[str]) -> list[str]:
    """Return what an adapter without a list of instruments makes of frames, each as a text."""
    adapter = recording.exchanges()[exchange].venue((), recorded=True)
    driver = Driver(adapter, NOW)
    driver.answer(driver.fetches()[0], {}, status=0)
    driver.up()
    left_out = dict(adapter.skipped)
    out = [output for text in texts for output in driver.frame(text)]
    listed = {of.symbol: of for listing in every(out, Listing) for of in listing.instruments}
    said = [text for event in out if isinstance(event, MarketEvent) and (text := _text(event, listed))]
    counts = ((reason, count - left_out.get(reason, 0)) for reason, count in sorted(adapter.skipped.items()))
    return [*said, *(f"left out: {reason} {count}" for reason, count in counts if count)]


def _text(event: MarketEvent, listed: dict[str, Instrument]) -> str:
    """Return prices and sizes in decimals; nothing for lists and for the venue's status."""
    if isinstance(event, FeedStatus):
        return f"{event.symbol} {event.feed} {event.reason}" if event.symbol else ""
    if not isinstance(event, Trade | Quote | BookSnapshot | BookChange | DayStats | Candle | MissingTrade):
        return ""
    of = listed[event.symbol]
    at = "" if event.ts_us == NOW else f" at {event.ts_us}"
    match event:
        case Trade():
            size, price = _size(of, event.size_lots), _price(of, event.price_ticks)
            return f"{of.symbol} trade {event.trade_id} {event.side} {size} for {price}{at}"
        case Quote():
            bid = f"{_size(of, event.bid_lots)} for {_price(of, event.bid_ticks)}"
            ask = f"{_size(of, event.ask_lots)} for {_price(of, event.ask_ticks)}"
            return f"{of.symbol} quote {bid}, {ask}{at}"
        case BookSnapshot() | BookChange():
            kind = "book" if isinstance(event, BookSnapshot) else "change"
            return f"{of.symbol} {kind} {_levels(of, event.bids)} | {_levels(of, event.asks)}{at}"
        case DayStats():
            prices = (event.open_ticks, event.high_ticks, event.low_ticks)
            shown = " ".join(_price(of, ticks) for ticks in prices)
            return f"{of.symbol} day {shown} volume {_size(of, event.volume_lots)}{at}"
        case Candle():
            ohlc = (event.open_ticks, event.high_ticks, event.low_ticks, event.close_ticks)
            shown = " ".join(_price(of, ticks) for ticks in ohlc)
            length = f"{event.interval_us // 1_000_000}s from {event.start_us // 1_000_000}"
            return f"{of.symbol} candle {length}: {shown} volume {_size(of, event.volume_lots)}{at}"
        case _:
            return f"{of.symbol} missing trade{at}"


def _levels(of: Instrument, levels: tuple[Level, ...]) -> str:
    return ", ".join(f"{_size(of, lots)} for {_price(of, ticks)}" for ticks, lots in levels) or "-"


def _price(of: Instrument, ticks: int) -> str:
    return trim(of.price.format(ticks))


def _size(of: Instrument, lots: int) -> str:
    return trim(of.size.format(lots))

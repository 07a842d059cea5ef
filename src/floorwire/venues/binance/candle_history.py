"""Candles of Binance's past: ``GET /api/v3/klines``, the oldest first, the open one among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import quote

import msgspec

from floorwire.core.candle_intervals import INTERVALS, CandleInterval
from floorwire.core.instrument import Instrument
from floorwire.venues.binance import limits
from floorwire.venues.common.candle_history import CandleRow
from floorwire.venues.common.decimals import epoch_us

URL = "https://api.binance.com/api/v3/klines"


class Kline(msgspec.Struct, array_like=True):
    """A row. What comes after the number of trades is not read."""

    start: int
    open: str
    high: str
    low: str
    close: str
    volume: str
    end: int
    quote_volume: str
    trades: int


class BinanceCandles:
    """What differs at Binance."""

    weight = limits.CANDLES_WEIGHT
    most_rows = limits.CANDLES_PER_REQUEST
    has_all_rows = True
    is_latest_only = False
    intervals: Mapping[str, CandleInterval] = {name: INTERVALS[name] for name in ("1m", "15m", "2h", "1d")}

    def url(self, instrument: Instrument, native: str, interval: str, from_us: int, to_us: int) -> str:
        """Return the address. Both ends belong to the range, in milliseconds."""
        time = f"startTime={from_us // 1_000}&endTime={to_us // 1_000 - 1}"
        return f"{URL}?symbol={quote(native)}&interval={interval}&{time}&limit={self.most_rows}"

    def rows(self, body: bytes) -> Sequence[CandleRow]:
        """Return the rows. Raises ValueError, RecursionError."""
        return [
            CandleRow(epoch_us(row.start), row.open, row.high, row.low, row.close, row.volume, row.trades)
            for row in msgspec.json.decode(body, type=list[Kline])
        ]

"""Candles of Bybit's past: ``GET /v5/market/kline``, the latest first, the open one among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import quote

import msgspec

from floorwire.core.candle_intervals import INTERVALS, CandleInterval
from floorwire.core.instrument import Instrument
from floorwire.venues.bybit import limits, public_answers
from floorwire.venues.common.candle_history import CandleRow

URL = "https://api.bybit.com/v5/market/kline?category=spot"
NAMES = {"1m": "1", "15m": "15", "2h": "120", "1d": "D"}


class Kline(msgspec.Struct, array_like=True):
    """A row. What comes after the volume, which is in the base asset, is not read."""

    start: str
    open: str
    high: str
    low: str
    close: str
    volume: str


class BybitCandles:
    """What differs at Bybit. It does not say how many trades a candle has."""

    weight = 1
    most_rows = limits.CANDLES_PER_REQUEST
    has_all_rows = True
    is_latest_only = False
    intervals: Mapping[str, CandleInterval] = {name: INTERVALS[name] for name in NAMES}

    def url(self, instrument: Instrument, native: str, interval: str, from_us: int, to_us: int) -> str:
        """Return the address. Both ends belong to the range, in milliseconds."""
        time = f"start={from_us // 1_000}&end={to_us // 1_000 - 1}"
        return f"{URL}&symbol={quote(native)}&interval={NAMES[interval]}&{time}&limit={self.most_rows}"

    def rows(self, body: bytes) -> Sequence[CandleRow]:
        """Return the rows. Raises ValueError, RecursionError, TooManyRequestsError."""
        return [
            CandleRow(int(row.start) * 1_000, row.open, row.high, row.low, row.close, row.volume)
            for row in msgspec.json.decode(public_answers.rows(body), type=list[Kline])
        ]

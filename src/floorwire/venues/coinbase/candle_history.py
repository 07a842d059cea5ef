"""Candles of Coinbase's past: those of a product, the latest first, the open one among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import quote

import msgspec

from floorwire.core.candle_intervals import INTERVALS, CandleInterval
from floorwire.core.instrument import Instrument
from floorwire.core.microseconds import SECOND_US
from floorwire.venues.coinbase import limits
from floorwire.venues.common.candle_history import CandleRow

URL = "https://api.coinbase.com/api/v3/brokerage/market/products"
GRANULARITIES = {"1m": "ONE_MINUTE", "15m": "FIFTEEN_MINUTE", "2h": "TWO_HOUR", "1d": "ONE_DAY"}


class Candle(msgspec.Struct):
    """A row. Its start is in seconds, as text."""

    start: str
    low: str
    high: str
    open: str
    close: str
    volume: str


class Answer(msgspec.Struct):
    """The answer. Refusals have another status than 200."""

    candles: list[Candle]


class CoinbaseCandles:
    """What differs at Coinbase. It does not say how many trades a candle has."""

    weight = 1
    most_rows = limits.CANDLES_PER_REQUEST
    has_all_rows = False
    is_latest_only = False
    intervals: Mapping[str, CandleInterval] = {name: INTERVALS[name] for name in GRANULARITIES}

    def url(self, instrument: Instrument, native: str, interval: str, from_us: int, to_us: int) -> str:
        """Return the address. Both ends belong to the range, in seconds."""
        time = f"start={from_us // SECOND_US}&end={to_us // SECOND_US - 1}"
        named = f"granularity={GRANULARITIES[interval]}&limit={self.most_rows}"
        return f"{URL}/{quote(native, safe='')}/candles?{time}&{named}"

    def rows(self, body: bytes) -> Sequence[CandleRow]:
        """Return the rows. Raises ValueError, RecursionError."""
        return [
            CandleRow(int(row.start) * SECOND_US, row.open, row.high, row.low, row.close, row.volume)
            for row in msgspec.json.decode(body, type=Answer).candles
        ]

"""Candles of OKX's past: ``GET /api/v5/market/history-candles``, closed ones, the latest first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import quote

import msgspec

from floorwire.core.candle_intervals import INTERVALS, CandleInterval
from floorwire.core.instrument import Instrument
from floorwire.venues.common.candle_history import CandleRow
from floorwire.venues.okx import limits, public_answers

URL = "https://www.okx.com/api/v5/market/history-candles"
BARS = {"1m": "1m", "15m": "15m", "2h": "2H", "1d": "1Dutc"}
"""OKX: days begin at midnight in Hong Kong, unless their name ends with utc."""
CLOSED = "1"


class Candle(msgspec.Struct, array_like=True):
    """A row. Volume is in the base asset."""

    start: str
    open: str
    high: str
    low: str
    close: str
    volume: str
    volume_currency: str
    volume_quote: str
    confirm: str


class OkxCandles:
    """What differs at OKX. It does not say how many trades a candle has."""

    weight = 1
    most_rows = limits.CANDLES_PER_REQUEST
    has_all_rows = True
    is_latest_only = False
    intervals: Mapping[str, CandleInterval] = {name: INTERVALS[name] for name in BARS}

    def url(self, instrument: Instrument, native: str, interval: str, from_us: int, to_us: int) -> str:
        """Return the address. OKX: rows older than ``after`` and newer than ``before``, in milliseconds."""
        time = f"after={to_us // 1_000}&before={from_us // 1_000 - 1}"
        return f"{URL}?instId={quote(native)}&bar={BARS[interval]}&{time}&limit={self.most_rows}"

    def rows(self, body: bytes) -> Sequence[CandleRow]:
        """Return the rows. Raises ValueError, RecursionError, TooManyRequestsError."""
        return [
            CandleRow(int(row.start) * 1_000, row.open, row.high, row.low, row.close, row.volume)
            for row in msgspec.json.decode(public_answers.rows(body), type=list[Candle])
            if row.confirm == CLOSED
        ]

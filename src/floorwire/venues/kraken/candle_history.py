"""Candles of Kraken's past: ``GET /0/public/OHLC``, the latest 720 up to the open one, and none before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import quote

import msgspec

from floorwire.core.candle_intervals import INTERVALS, CandleInterval
from floorwire.core.instrument import Instrument
from floorwire.core.microseconds import MINUTE_US, SECOND_US
from floorwire.venues.common.candle_history import CandleRow
from floorwire.venues.kraken import limits, pair_names, public_answers

URL = "https://api.kraken.com/0/public/OHLC"
LAST = "last"
"""In the result, beside the pair: from where on to ask next."""
OLD_NAMES = {now: before for before, now in pair_names.RENAMED.items()}


class Candle(msgspec.Struct, array_like=True):
    """A row. Its start is in seconds."""

    start: int
    open: str
    high: str
    low: str
    close: str
    average: str
    volume: str
    trades: int


class KrakenCandles:
    """What differs at Kraken."""

    weight = 1
    most_rows = limits.CANDLES_PER_REQUEST
    has_all_rows = True
    is_latest_only = True
    intervals: Mapping[str, CandleInterval] = {
        "1m": INTERVALS["1m"],
        "15m": INTERVALS["15m"],
        "2h": INTERVALS["1h"],
        "1d": INTERVALS["1d"],
    }
    """Kraken has none of two hours."""

    def url(self, instrument: Instrument, native: str, interval: str, from_us: int, to_us: int) -> str:
        """Return the address. ``since`` is in seconds, and does not belong to the range."""
        coins = (OLD_NAMES.get(coin, coin) for coin in (instrument.base, instrument.quote))
        minutes = (self.intervals[interval].length_us or 0) // MINUTE_US
        since = from_us // SECOND_US - 1
        return f"{URL}?pair={quote(''.join(coins))}&interval={minutes}&since={since}"

    def rows(self, body: bytes) -> Sequence[CandleRow]:
        """Return the rows. Raises ValueError, RecursionError, TooManyRequestsError."""
        (found,) = (rows for name, rows in public_answers.result(body).items() if name != LAST)
        return [
            CandleRow(row.start * SECOND_US, row.open, row.high, row.low, row.close, row.volume, row.trades)
            for row in msgspec.json.decode(found, type=list[Candle])
        ]

"""Candles of Bybit's past: ``GET /v5/market/kline``, the latest first, the open one among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import quote

import msgspec

from floorwire.core.candle_intervals import INTERVALS, CandleInterval
from floorwire.core.instrument import Instrument
from floorwire.venues.bybit import limits
from floorwire.venues.common.candle_history import CandleRow
from floorwire.venues.common.rate_limits import TooManyRequestsError

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


class Klines(msgspec.Struct):
    """The result."""

    rows: list[Kline] = msgspec.field(name="list", default_factory=list)


class Answer(msgspec.Struct, rename="camel"):
    """The answer. Any other ``retCode`` than 0 is a refusal, also with status 200."""

    ret_code: int
    ret_msg: str = ""
    result: Klines = msgspec.field(default_factory=Klines)


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
        answer = msgspec.json.decode(body, type=Answer)
        if answer.ret_code == limits.TOO_MANY_CODE:
            raise TooManyRequestsError(answer.ret_msg)
        if answer.ret_code != 0:
            raise ValueError(answer.ret_msg)
        return [
            CandleRow(int(row.start) * 1_000, row.open, row.high, row.low, row.close, row.volume)
            for row in answer.result.rows
        ]

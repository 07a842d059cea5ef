"""Candles of Bybit's past: addresses and answers as the exchange documents them."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from floorwire.core.instrument import Instrument
from floorwire.venues.bybit.candle_history import BybitCandles
from floorwire.venues.common.candle_history import CandleRow
from floorwire.venues.common.rate_limits import TooManyRequestsError

OF = Instrument("bybit:BTC-USDT", "BTC", "USDT", "bybit", "0.01", "0.00001")
FROM_US, TO_US = 1_700_000_040_000_000, 1_700_000_160_000_000


def query(interval: str) -> tuple[str, dict[str, list[str]]]:
    url = urlsplit(BybitCandles().url(OF, "BTCUSDT", interval, FROM_US, TO_US))
    return f"{url.netloc}{url.path}", parse_qs(url.query)


def test_the_address_names_both_ends_in_milliseconds() -> None:
    assert query("2h") == (
        "api.bybit.com/v5/market/kline",
        {
            "category": ["spot"], "symbol": ["BTCUSDT"], "interval": ["120"], "start": ["1700000040000"],
            "end": ["1700000159999"], "limit": ["1000"],
        },
    )  # fmt: skip


def test_a_row() -> None:
    body = (
        b'{"retCode":0,"retMsg":"OK","result":{"category":"spot","symbol":"BTCUSDT","list":['
        b'["1700000040000","36999","37000.5","36998.9","37000.1","1.234","45658"]]},"time":1}'
    )
    assert BybitCandles().rows(body) == [
        CandleRow(FROM_US, "36999", "37000.5", "36998.9", "37000.1", "1.234")
    ]


def test_a_refusal_has_a_code_and_status_200() -> None:
    with pytest.raises(TooManyRequestsError):
        BybitCandles().rows(b'{"retCode":10006,"retMsg":"Too many visits!","result":{}}')
    with pytest.raises(ValueError, match="params"):
        BybitCandles().rows(b'{"retCode":10001,"retMsg":"params error","result":{}}')

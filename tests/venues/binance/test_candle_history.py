"""Candles of Binance's past: addresses and answers as the exchange documents them."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from floorwire.core.instrument import Instrument
from floorwire.venues.binance.candle_history import BinanceCandles
from floorwire.venues.common.candle_history import CandleRow

OF = Instrument("binance:BTC-USDT", "BTC", "USDT", "binance", "0.01", "0.00001")
FROM_US, TO_US = 1_700_000_040_000_000, 1_700_000_160_000_000


def query(interval: str) -> tuple[str, dict[str, list[str]]]:
    url = urlsplit(BinanceCandles().url(OF, "BTCUSDT", interval, FROM_US, TO_US))
    return f"{url.netloc}{url.path}", parse_qs(url.query)


def test_the_address_names_both_ends_in_milliseconds() -> None:
    assert query("1m") == (
        "api.binance.com/api/v3/klines",
        {
            "symbol": ["BTCUSDT"], "interval": ["1m"], "startTime": ["1700000040000"],
            "endTime": ["1700000159999"], "limit": ["1000"],
        },
    )  # fmt: skip


def test_a_row() -> None:
    body = (
        b'[[1700000040000,"37000.01","37000.50","36999.99","37000.10","1.23400000",1700000099999,'
        b'"45658.00",42,"0.60000000","22200.00","0"]]'
    )
    assert BinanceCandles().rows(body) == [
        CandleRow(FROM_US, "37000.01", "37000.50", "36999.99", "37000.10", "1.23400000", 42)
    ]


@pytest.mark.parametrize("body", [b'{"code":-1121,"msg":"Invalid symbol."}', b"[[1]]", b"", b"<html>"])
def test_a_refusal_is_no_rows(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        BinanceCandles().rows(body)

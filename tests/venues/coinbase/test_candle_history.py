"""Candles of Coinbase's past: addresses and answers as the exchange documents them."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from floorwire.core.instrument import Instrument
from floorwire.venues.coinbase.candle_history import CoinbaseCandles
from floorwire.venues.common.candle_history import CandleRow

OF = Instrument("coinbase:BTC-USD", "BTC", "USD", "coinbase", "0.01", "0.00001")
FROM_US, TO_US = 1_700_000_040_000_000, 1_700_000_160_000_000


def query(interval: str) -> tuple[str, dict[str, list[str]]]:
    url = urlsplit(CoinbaseCandles().url(OF, "BTC-USD", interval, FROM_US, TO_US))
    return f"{url.netloc}{url.path}", parse_qs(url.query)


def test_the_address_names_both_ends_in_seconds() -> None:
    assert query("15m") == (
        "api.coinbase.com/api/v3/brokerage/market/products/BTC-USD/candles",
        {
            "start": ["1700000040"], "end": ["1700000159"], "granularity": ["FIFTEEN_MINUTE"],
            "limit": ["350"],
        },
    )  # fmt: skip


def test_a_row() -> None:
    body = (
        b'{"candles":[{"start":"1700000040","low":"36998.9","high":"37000.5","open":"36999",'
        b'"close":"37000.1","volume":"1.234"}]}'
    )
    assert CoinbaseCandles().rows(body) == [
        CandleRow(FROM_US, "36999", "37000.5", "36998.9", "37000.1", "1.234")
    ]


@pytest.mark.parametrize("body", [b'{"error":"INVALID_ARGUMENT"}', b'{"candles":[{}]}', b"[]"])
def test_a_refusal_is_no_rows(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        CoinbaseCandles().rows(body)

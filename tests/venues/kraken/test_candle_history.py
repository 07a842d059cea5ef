"""Candles of Kraken's past: addresses and answers as the exchange documents them."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from floorwire.core.instrument import Instrument
from floorwire.venues.common.candle_history import CandleRow
from floorwire.venues.common.rate_limits import TooManyRequestsError
from floorwire.venues.kraken.candle_history import KrakenCandles

OF = Instrument("kraken:BTC-USD", "BTC", "USD", "kraken", "0.01", "0.00001")
FROM_US, TO_US = 1_700_000_040_000_000, 1_700_000_160_000_000


def query(interval: str) -> tuple[str, dict[str, list[str]]]:
    url = urlsplit(KrakenCandles().url(OF, "BTC/USD", interval, FROM_US, TO_US))
    return f"{url.netloc}{url.path}", parse_qs(url.query)


def test_the_address_has_the_names_of_rest_and_begins_before_the_first_candle() -> None:
    assert query("1m") == (
        "api.kraken.com/0/public/OHLC",
        {"pair": ["XBTUSD"], "interval": ["1"], "since": ["1700000039"]},
    )


def test_two_hours_are_asked_for_as_single_ones() -> None:
    assert query("2h")[1]["interval"] == ["60"]


def test_a_row() -> None:
    body = (
        b'{"error":[],"result":{"XXBTZUSD":['
        b'[1700000040,"36999.0","37000.5","36998.9","37000.1","36999.5","1.23400000",42]],"last":1700000040}}'
    )
    assert KrakenCandles().rows(body) == [
        CandleRow(FROM_US, "36999.0", "37000.5", "36998.9", "37000.1", "1.23400000", 42)
    ]


def test_a_refusal_has_status_200() -> None:
    with pytest.raises(TooManyRequestsError):
        KrakenCandles().rows(b'{"error":["EAPI:Rate limit exceeded"]}')
    with pytest.raises(ValueError, match="EQuery"):
        KrakenCandles().rows(b'{"error":["EQuery:Unknown asset pair"]}')
    with pytest.raises(ValueError, match=r"\S"):
        KrakenCandles().rows(b'{"error":[],"result":{"last":1}}')

"""Trades of Kraken's past: addresses and answers as the exchange documents them."""

from __future__ import annotations

import pytest

from floorwire.core.instrument import Instrument
from floorwire.core.past_candles import PastWanted
from floorwire.venues.common.rate_limits import TooManyRequestsError
from floorwire.venues.common.trade_history import TradeRow
from floorwire.venues.kraken.trade_history import KrakenTrades

OF = Instrument("kraken:BTC-USD", "BTC", "USD", "kraken", "0.1", "0.00000001")
WANTED = PastWanted(OF.symbol, None, 1_700_000_040_000_000, 1_700_000_160_000_000)


def test_the_address_begins_just_before_the_time() -> None:
    history = KrakenTrades()
    assert history.url(OF, "BTC/USD", WANTED, history.first_cursor(WANTED)) == (
        "https://api.kraken.com/0/public/Trades?pair=XBTUSD&since=1700000039999999999&count=1000"
    )


def test_rows() -> None:
    body = (
        b'{"error":[],"result":{"XXBTZUSD":[["30243.40000","0.34507674",1688669597.8277369,"b","m","",61044952],'
        b'["30243.30000","0.00376960",1688669598.2804112,"s","l","",61044953]],"last":"1688671969993150842"}}'
    )
    assert KrakenTrades().rows(body, "1") == (
        [
            TradeRow("61044952", 1_688_669_597_827_736, "30243.40000", "0.34507674", "buy"),
            TradeRow("61044953", 1_688_669_598_280_411, "30243.30000", "0.00376960", "sell"),
        ],
        "1688671969993150842",
        True,
    )


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b'{"error":["EQuery:Unknown asset pair"]}', ValueError),
        (b'{"error":["EAPI:Rate limit exceeded"]}', TooManyRequestsError),
        (b'{"error":[],"result":{"X":[["1","1",1e99,"b","m","",1]],"last":"1"}}', ValueError),
        (b'{"error":[],"result":{"X":[["1","1",1,"x","m","",1]],"last":"1"}}', ValueError),
        (b'{"error":[],"result":{}}', ValueError),
        (b"", ValueError),
    ],
)
def test_a_refusal_is_no_rows(body: bytes, error: type[ValueError]) -> None:
    with pytest.raises(error):
        KrakenTrades().rows(body, "1")

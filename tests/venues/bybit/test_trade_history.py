"""The latest trades of Bybit: the address and answers as the exchange documents them."""

from __future__ import annotations

import pytest

from floorwire.core.instrument import Instrument
from floorwire.core.past_candles import PastWanted
from floorwire.venues.bybit.trade_history import BybitTrades
from floorwire.venues.common.rate_limits import TooManyRequestsError
from floorwire.venues.common.trade_history import TradeRow

OF = Instrument("bybit:BTC-USDT", "BTC", "USDT", "bybit", "0.01", "0.00001")
WANTED = PastWanted(OF.symbol, None, 0, 9)


def test_the_address() -> None:
    assert BybitTrades().url(OF, "BTCUSDT", WANTED, BybitTrades().first_cursor(WANTED)) == (
        "https://api.bybit.com/v5/market/recent-trade?category=spot&symbol=BTCUSDT&limit=60"
    )


def test_rows_are_the_oldest_first() -> None:
    body = (
        b'{"retCode":0,"retMsg":"OK","result":{"category":"spot","list":['
        b'{"execId":"2100000000007764263","symbol":"BTCUSDT","price":"16618.49","size":"0.00012","side":"Buy",'
        b'"time":"1672052955758","isBlockTrade":false},'
        b'{"execId":"2100000000007764262","symbol":"BTCUSDT","price":"16618.4","size":"1","side":"Sell",'
        b'"time":"1672052955757","isBlockTrade":false}]},"retExtInfo":{},"time":1672053054358}'
    )
    assert BybitTrades().rows(body, "") == (
        [
            TradeRow("2100000000007764262", 1_672_052_955_757_000, "16618.4", "1", "sell"),
            TradeRow("2100000000007764263", 1_672_052_955_758_000, "16618.49", "0.00012", "buy"),
        ],
        "",
        True,
    )


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b'{"retCode":10001,"retMsg":"params error"}', ValueError),
        (b'{"retCode":10006,"retMsg":"Too many visits!"}', TooManyRequestsError),
        (b"", ValueError),
        (
            b'{"retCode":0,"result":{"list":[{"execId":"1","price":"1","size":"1","side":"x","time":"1"}]}}',
            ValueError,
        ),
    ],
)
def test_a_refusal_is_no_rows(body: bytes, error: type[ValueError]) -> None:
    with pytest.raises(error):
        BybitTrades().rows(body, "")

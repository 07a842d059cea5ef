"""Trades of OKX's past: addresses and answers as the exchange documents them."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from floorwire.core.instrument import Instrument
from floorwire.core.past_candles import PastWanted
from floorwire.venues.common.rate_limits import TooManyRequestsError
from floorwire.venues.common.trade_history import TradeRow
from floorwire.venues.okx.trade_history import OkxTrades

OF = Instrument("okx:BTC-USDT", "BTC", "USDT", "okx", "0.1", "0.00000001")
WANTED = PastWanted(OF.symbol, None, 1_700_000_040_000_000, 1_700_000_160_000_500, "77")


@pytest.mark.parametrize(
    ("cursor", "kind", "after"), [("", "2", "1700000160001"), ("242720720", "1", "242720720")]
)
def test_the_address_names_the_end_and_then_an_id(cursor: str, kind: str, after: str) -> None:
    assert OkxTrades().first_cursor(WANTED) == "78"
    assert OkxTrades().first_cursor(PastWanted(OF.symbol, None, 0, 9)) == ""
    url = urlsplit(OkxTrades().url(OF, "BTC-USDT", WANTED, cursor))
    assert f"{url.netloc}{url.path}" == "www.okx.com/api/v5/market/history-trades"
    assert parse_qs(url.query) == {
        "instId": ["BTC-USDT"], "type": [kind], "after": [after], "limit": ["100"],
    }  # fmt: skip


def test_rows_are_the_oldest_first() -> None:
    body = (
        b'{"code":"0","msg":"","data":[{"instId":"BTC-USDT","side":"sell","sz":"0.00001","px":"29963.2",'
        b'"source":"0","tradeId":"242720720","ts":"1654161646974"},{"instId":"BTC-USDT","side":"buy",'
        b'"sz":"0.1","px":"29964.1","source":"0","tradeId":"242720719","ts":"1654161641568"}]}'
    )
    assert OkxTrades().rows(body, "") == (
        [
            TradeRow("242720719", 1_654_161_641_568_000, "29964.1", "0.1", "buy"),
            TradeRow("242720720", 1_654_161_646_974_000, "29963.2", "0.00001", "sell"),
        ],
        "242720719",
        True,
    )
    assert OkxTrades().rows(body, "242720721").is_all
    with pytest.raises(ValueError, match="not there yet"):
        OkxTrades().rows(body, "242720722")
    assert OkxTrades().rows(b'{"code":"0","data":[]}', "") == ([], "", True)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b'{"code":"51001","msg":"Instrument ID does not exist","data":[]}', ValueError),
        (b'{"code":"50011","msg":"Too Many Requests","data":[]}', TooManyRequestsError),
        (b'{"code":"0","data":[{"tradeId":"1","px":"1","sz":"1","side":"x","ts":"1"}]}', ValueError),
        (b"", ValueError),
    ],
)
def test_a_refusal_is_no_rows(body: bytes, error: type[ValueError]) -> None:
    with pytest.raises(error):
        OkxTrades().rows(body, "")

"""Trades of Binance's past: addresses and answers as the exchange documents them."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from floorwire.core.instrument import Instrument
from floorwire.core.past_candles import PastWanted
from floorwire.venues.binance.trade_history import BinanceTrades
from floorwire.venues.common.trade_history import TradeRow

OF = Instrument("binance:BTC-USDT", "BTC", "USDT", "binance", "0.01", "0.00001")
WANTED = PastWanted(OF.symbol, None, 1_700_000_040_000_000, 1_700_000_160_000_000, "28500")


@pytest.mark.parametrize(
    ("cursor", "path", "query"),
    [
        ("", "trades", {"limit": ["1000"]}),
        ("28500", "historicalTrades", {"fromId": ["27500"], "limit": ["1000"]}),
        ("300", "historicalTrades", {"fromId": ["0"], "limit": ["300"]}),
    ],
)
def test_the_address_names_ids(cursor: str, path: str, query: dict[str, list[str]]) -> None:
    url = urlsplit(BinanceTrades().url(OF, "BTCUSDT", WANTED, cursor))
    assert f"{url.netloc}{url.path}" == f"api.binance.com/api/v3/{path}"
    assert parse_qs(url.query) == {"symbol": ["BTCUSDT"], **query}
    assert BinanceTrades().first_cursor(WANTED) == "28500"


def test_rows() -> None:
    body = (
        b'[{"id":28457,"price":"4.00000100","qty":"12.00000000","quoteQty":"48.000012","time":1499865549590,'
        b'"isBuyerMaker":true,"isBestMatch":true},{"id":28458,"price":"4.1","qty":"1","quoteQty":"4.1",'
        b'"time":1499865549590,"isBuyerMaker":false,"isBestMatch":true}]'
    )
    rows, cursor, is_all = BinanceTrades().rows(body, "")
    assert rows == [
        TradeRow("28457", 1_499_865_549_590_000, "4.00000100", "12.00000000", "sell"),
        TradeRow("28458", 1_499_865_549_590_000, "4.1", "1", "buy"),
    ]
    assert (cursor, is_all) == ("28457", True)
    assert BinanceTrades().rows(body, "28459") == (rows, "28457", False)
    assert BinanceTrades().rows(b"[]", "") == ([], "", True)


@pytest.mark.parametrize("body", [b"[]", b'[{"id":7,"price":"4","qty":"1","time":1,"isBuyerMaker":true}]'])
def test_an_answer_that_lags_is_not_used(body: bytes) -> None:
    with pytest.raises(ValueError, match="not there yet"):
        BinanceTrades().rows(body, "9")


def test_the_first_trades_of_all_are_the_end() -> None:
    body = b'[{"id":7,"price":"4","qty":"1","time":1,"isBuyerMaker":true}]'
    assert BinanceTrades().rows(body, "8").is_all


@pytest.mark.parametrize("body", [b'{"code":-1121,"msg":"Invalid symbol."}', b"[[1]]", b"", b"<html>"])
def test_a_refusal_is_no_rows(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        BinanceTrades().rows(body, "")

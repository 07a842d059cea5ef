"""Trades of Coinbase's past: addresses and answers as the exchange documents them."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from floorwire.core.instrument import Instrument
from floorwire.core.past_candles import PastWanted
from floorwire.venues.coinbase.trade_history import CoinbaseTrades
from floorwire.venues.common.trade_history import TradeRow

OF = Instrument("coinbase:BTC-USD", "BTC", "USD", "coinbase", "0.01", "0.00000001")
WANTED = PastWanted(OF.symbol, None, 1_700_000_040_500_000, 1_700_000_160_500_000)


def test_the_address_names_the_seconds() -> None:
    history = CoinbaseTrades()
    url = urlsplit(history.url(OF, "BTC-USD", WANTED, history.first_cursor(WANTED)))
    assert f"{url.netloc}{url.path}" == "api.coinbase.com/api/v3/brokerage/market/products/BTC-USD/ticker"
    assert parse_qs(url.query) == {"limit": ["1000"], "start": ["1700000040"], "end": ["1700000161"]}


def test_rows_are_the_oldest_first_with_the_side_of_the_taker() -> None:
    body = (
        b'{"trades":[{"trade_id":"34b","product_id":"BTC-USD","price":"1","size":"1",'
        b'"time":"2023-11-14T22:14:01Z","side":"BUY"}]}'
    )
    with pytest.raises(ValueError, match="trade_id"):
        CoinbaseTrades().rows(body, "9")
    body = (
        b'{"trades":[{"trade_id":"34","product_id":"BTC-USD","price":"140.91","size":"4",'
        b'"time":"2023-11-14T22:14:01.234567Z","side":"BUY","bid":"","ask":""},'
        b'{"trade_id":"33","product_id":"BTC-USD","price":"140.9","size":"0.1",'
        b'"time":"2023-11-14T22:14:00.2Z","side":"SELL"}],"best_bid":"1","best_ask":"2"}'
    )
    assert CoinbaseTrades().rows(body, "9") == (
        [
            TradeRow("33", 1_700_000_040_200_000, "140.9", "0.1", "buy"),
            TradeRow("34", 1_700_000_041_234_567, "140.91", "4", "sell"),
        ],
        "1700000040",
        True,
    )
    assert CoinbaseTrades().rows(b'{"trades":[]}', "9") == ([], "", True)


@pytest.mark.parametrize("body", [b'{"error":"NOT_FOUND"}', b"[]", b"", b"<html>"])
def test_a_refusal_is_no_rows(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        CoinbaseTrades().rows(body, "9")

"""Candles of OKX's past: addresses and answers as the exchange documents them."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from floorwire.core.instrument import Instrument
from floorwire.venues.common.candle_history import CandleRow
from floorwire.venues.common.rate_limits import TooManyRequestsError
from floorwire.venues.okx.candle_history import OkxCandles

OF = Instrument("okx:BTC-USDT", "BTC", "USDT", "okx", "0.01", "0.00001")
FROM_US, TO_US = 1_700_000_040_000_000, 1_700_000_160_000_000


def query(interval: str) -> tuple[str, dict[str, list[str]]]:
    url = urlsplit(OkxCandles().url(OF, "BTC-USDT", interval, FROM_US, TO_US))
    return f"{url.netloc}{url.path}", parse_qs(url.query)


def test_the_address_names_both_ends_which_are_exclusive() -> None:
    assert query("1d") == (
        "www.okx.com/api/v5/market/history-candles",
        {
            "instId": ["BTC-USDT"], "bar": ["1Dutc"], "after": ["1700000160000"],
            "before": ["1700000039999"], "limit": ["300"],
        },
    )  # fmt: skip


def test_rows_that_are_closed() -> None:
    body = (
        b'{"code":"0","msg":"","data":['
        b'["1700000100000","37000.1","37000.2","37000","37000.1","0.5","18500","18500","0"],'
        b'["1700000040000","36999","37000.5","36998.9","37000.1","1.234","45658","45658","1"]]}'
    )
    assert OkxCandles().rows(body) == [CandleRow(FROM_US, "36999", "37000.5", "36998.9", "37000.1", "1.234")]


def test_a_refusal_has_a_code_and_status_200() -> None:
    with pytest.raises(TooManyRequestsError):
        OkxCandles().rows(b'{"code":"50011","msg":"Rate limit reached.","data":[]}')
    with pytest.raises(ValueError, match="Instrument"):
        OkxCandles().rows(b'{"code":"51001","msg":"Instrument ID does not exist","data":[]}')

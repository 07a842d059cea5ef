"""What one unit is worth, by the last message of any channel."""

from __future__ import annotations

from decimal import Decimal

import pytest

from floorwire.bot import Book, Candles
from floorwire.bot.price_marks import Priced, PriceMarks
from tests.bot.rows import ticker, trade

BOOK = Book("ABC-USDT", 5, "e", 1, 0, 0, (("99", "1"),), (("101", "1"),))
CANDLE = Candles(
    epoch="e",
    seq=1,
    ts=0,
    recv=0,
    sent=0,
    symbol="ABC-USDT",
    interval="1m",
    start=0,
    open="1",
    high="9",
    low="1",
    close="8",
    volume="1",
    trades=1,
    closed=True,
)


@pytest.mark.parametrize(
    ("message", "price"),
    [
        (ticker(), "100"),
        (ticker(bid=None, last="98"), "98"),
        (trade("97.5"), "97.5"),
        (BOOK, "100"),
        (CANDLE, "8"),
    ],
)
def test_price_of_a_message(message: Priced, price: str) -> None:
    marks = PriceMarks()
    marks.last["ABC-USDT"] = message
    assert marks.mark("ABC-USDT") == Decimal(price)


def test_without_a_price_the_last_known_one_counts() -> None:
    marks = PriceMarks()
    assert marks.mark("ABC-USDT") is None
    marks.last["ABC-USDT"] = ticker(bid=None)
    assert marks.mark("ABC-USDT") is None
    marks.filled("ABC-USDT", Decimal(5))
    assert marks.mark("ABC-USDT") == 5
    marks.last["ABC-USDT"] = trade("6")
    assert marks.mark("ABC-USDT") == 6
    marks.last["ABC-USDT"] = ticker(ask=None)
    assert marks.mark("ABC-USDT") == 6
    marks.filled("ABC-USDT", Decimal(5))
    assert marks.mark("ABC-USDT") == 6

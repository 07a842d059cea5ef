"""What Bybit's messages mean: instruments, trades, books, candles and the last 24 hours."""

from __future__ import annotations

import pytest

from floorwire.core.instrument import Instrument
from floorwire.core.market_events import Candle, DayStats, Trade
from floorwire.venues.bybit import mapping, messages
from floorwire.venues.common.decimals import OffTickError
from floorwire.venues.common.event_mapping import BookLevels
from floorwire.venues.common.level_reader import LevelReader

ABC = Instrument("ABC-USDT", "ABC", "USDT", "bybit", "0.1", "0.001", min_notional="5")


def listed(
    status: str = "Trading", tick: str = "0.10", lot: str = "0.001", base: str = "ABC"
) -> messages.InstrumentRow:
    return messages.InstrumentRow(
        "ABCUSDT", base, "USDT", status, messages.LotSizeFilter(lot, "5"), messages.PriceFilter(tick)
    )


def test_an_instrument() -> None:
    assert mapping.instrument(listed(), "") == ABC
    assert mapping.instrument(listed(), "bybit:").symbol == "bybit:ABC-USDT"


@pytest.mark.parametrize(
    ("status", "means"),
    [("Trading", "open"), ("PreLaunch", "halted"), ("Delivering", "halted"), ("Closed", "closed")],
)
def test_the_status_of_an_instrument(status: str, means: str) -> None:
    assert mapping.instrument(listed(status), "").state == means


@pytest.mark.parametrize(
    ("row", "part"),
    [(listed(tick="0"), "'0'"), (listed(lot=""), "''"), (listed(base=""), "-USDT is no symbol")],
)
def test_what_is_no_instrument(row: messages.InstrumentRow, part: str) -> None:
    with pytest.raises(ValueError, match=part):
        mapping.instrument(row, "")


def test_an_unlisted_instrument() -> None:
    unlisted = mapping.unlisted_instrument("ABCUSDC", "x:")
    assert unlisted is not None
    assert (unlisted.symbol, unlisted.lot_size) == ("x:ABC-USDC", "0.00000001")
    assert mapping.unlisted_instrument("USDT", "") is None
    assert mapping.unlisted_instrument("ABC", "") is None


def test_a_trade_has_the_takers_side() -> None:
    message = messages.Trade(1_720_000_000_123, "ABCUSDT", "Sell", "0.0129", "10.5", "a-1")
    assert mapping.trade(message, ABC, LevelReader(ABC)) == Trade(
        "ABC-USDT", "a-1", 105, 12, "sell", 1_720_000_000_123_000
    )
    with pytest.raises(ValueError, match="sell"):
        mapping.trade(messages.Trade(1, "ABCUSDT", "sell", "1", "10.5", "a-1"), ABC, LevelReader(ABC))
    with pytest.raises(OffTickError):
        mapping.trade(messages.Trade(1, "ABCUSDT", "Buy", "1", "10.55", "a-1"), ABC, LevelReader(ABC))


def test_a_book_leaves_out_what_is_between_two_ticks() -> None:
    book = messages.Book("ABCUSDT", 5, [("10.4", "1"), ("10.35", "9")], [("10.5", "0")])
    assert mapping.book(messages.BookFrame("200", True, 3, book), ABC, LevelReader(ABC)) == BookLevels(
        ((104, 1_000),),
        ((105, 0),),
        1,
        3_000,
    )


def test_the_last_24_hours() -> None:
    ticker = messages.Ticker("ABCUSDT", "11", "9.5", "10.05", "100", "1000.5")
    assert mapping.day(messages.TickerFrame(3, ticker), ABC) == DayStats(
        "ABC-USDT", 100, 110, 95, 100_000, 10_005_000, 3_000
    )


def test_candles() -> None:
    kline = messages.Kline(120_000, "10", "12", "9", "11", "5", True, 150_000)
    frame = messages.KlineFrame("ABCUSDT", "1", 180_005, [kline])
    assert mapping.candle(kline, frame, ABC) == Candle(
        "ABC-USDT", 60_000_000, 120_000_000, 100, 120, 90, 110, 5_000, 0, closed=True, ts_us=180_005_000
    )
    assert mapping.candle(kline, messages.KlineFrame("ABCUSDT", "W", 1, [kline]), ABC) is None
    assert mapping.candle(kline, messages.KlineFrame("ABCUSDT", "5", 1, [kline]), ABC) is None

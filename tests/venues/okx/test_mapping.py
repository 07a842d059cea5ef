"""What OKX's messages mean: instruments, trades, books, quotes, candles and the last 24 hours."""

from __future__ import annotations

import pytest

from floorwire.core.instrument import Instrument
from floorwire.core.market_events import Candle, DayStats, Quote, Trade
from floorwire.venues.common.decimals import OffTickError
from floorwire.venues.common.level_reader import LevelReader
from floorwire.venues.common.price_levels import WrittenLevel
from floorwire.venues.okx import mapping, messages

ABC = Instrument("ABC-USDT", "ABC", "USDT", "okx", "0.1", "0.001")
ROW = messages.InstrumentRow("SPOT", "ABC-USDT", "ABC", "USDT", "0.10", "0.001", "live")


def test_an_instrument() -> None:
    assert mapping.instrument(ROW, "") == ABC
    assert mapping.instrument(ROW, "okx:").symbol == "okx:ABC-USDT"


@pytest.mark.parametrize(
    ("state", "means"),
    [
        ("live", "open"),
        ("suspend", "halted"),
        ("preopen", "halted"),
        ("test", "halted"),
        ("expired", "closed"),
    ],
)
def test_the_state_of_an_instrument(state: str, means: str) -> None:
    row = messages.InstrumentRow("SPOT", "ABC-USDT", "ABC", "USDT", "0.1", "0.001", state)
    assert mapping.instrument(row, "").state == means


@pytest.mark.parametrize(
    ("row", "part"),
    [
        (messages.InstrumentRow("SWAP", "ABC-USDT-SWAP", "ABC", "USDT", "0.1", "1", "live"), "SWAP"),
        (messages.InstrumentRow("SPOT", "ABC-USDT", "", "USDT", "0.1", "1", "live"), "-USDT is no symbol"),
        (messages.InstrumentRow("SPOT", "ABC-USDT", "ABC", "USDT", "0", "1", "live"), "'0'"),
        (messages.InstrumentRow("SPOT", "ABC-USDT", "ABC", "USDT", "0.1", "", "live"), "''"),
    ],
)
def test_what_is_no_spot_instrument(row: messages.InstrumentRow, part: str) -> None:
    with pytest.raises(ValueError, match=part):
        mapping.instrument(row, "")


def test_an_unlisted_instrument_is_spot() -> None:
    unlisted = mapping.unlisted_instrument("ABC-USDT", "x:")
    assert unlisted is not None
    assert (unlisted.symbol, unlisted.tick_size) == ("x:ABC-USDT", "0.00000001")
    assert mapping.unlisted_instrument("ABC-USD-SWAP", "") is None
    assert mapping.unlisted_instrument("ABC", "") is None


def test_a_trade_has_the_takers_side() -> None:
    message = messages.Trade("ABC-USDT", 906, "10.5", "0.0129", "sell", 1_720_000_000_123)
    assert mapping.trade(message, ABC, LevelReader(ABC)) == Trade(
        "ABC-USDT", "906", 105, 12, "sell", 1_720_000_000_123_000
    )
    with pytest.raises(ValueError, match="both"):
        mapping.trade(messages.Trade("ABC-USDT", 906, "10.5", "1", "both", 1), ABC, LevelReader(ABC))
    with pytest.raises(OffTickError):
        mapping.trade(messages.Trade("ABC-USDT", 906, "10.55", "1", "buy", 1), ABC, LevelReader(ABC))


def test_a_quote_of_an_empty_side_is_zero() -> None:
    message = messages.Book(3, bids=[], asks=[WrittenLevel("10.5", "2")], seq_id=9)
    assert mapping.quote(message, ABC, LevelReader(ABC)) == Quote("ABC-USDT", 0, 0, 105, 2_000, 3_000)


def test_the_last_24_hours() -> None:
    message = messages.Ticker(3, "10.05", "11", "9.5", "100", "1000.5")
    assert mapping.day(message, ABC) == DayStats("ABC-USDT", 100, 110, 95, 100_000, 10_005_000, 3_000)


def row(start: int, confirm: str = "0") -> messages.CandleRow:
    return messages.CandleRow(start, "10", "12", "9", "11", "5", "50", "50", confirm)


def test_a_candle() -> None:
    assert mapping.candle(row(120_000, "1"), "candle1m", ABC, 7) == Candle(
        "ABC-USDT", 60_000_000, 120_000_000, 100, 120, 90, 110, 5_000, 0, closed=True, ts_us=7
    )


@pytest.mark.parametrize(("channel", "start"), [("candle1M", 0), ("candle1D", 0), ("candle5m", 60_000)])
def test_a_candle_of_another_interval_or_start_is_left_out(channel: str, start: int) -> None:
    assert mapping.candle(row(start), channel, ABC, 7) is None

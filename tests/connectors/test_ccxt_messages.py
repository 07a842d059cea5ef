"""From ccxt's structures to the messages of its adapter."""

from __future__ import annotations

import msgspec
import pytest

from floorwire.connectors.ccxt_messages import DECIMAL_PLACES, TICK_SIZE, book, day, markets
from floorwire.venues.ccxt.messages import DEPTH, BookRow, DayRow, MarketRow


@pytest.mark.parametrize(
    ("mode", "precision", "step"),
    [(TICK_SIZE, 0.5, "0.5"), (TICK_SIZE, 1e-05, "0.00001"), (TICK_SIZE, None, None), (TICK_SIZE, 0, None),
     (DECIMAL_PLACES, 2, "0.01"), (DECIMAL_PLACES, 0, "1"), (DECIMAL_PLACES, -1, "10"), (3, 5, None)],
)  # fmt: skip
def test_steps(mode: int, precision: object, step: str | None) -> None:
    market = {"symbol": "A/B", "base": "A", "quote": "B", "spot": True, "precision": {"price": precision}}
    found = msgspec.json.decode(markets({"A/B": market}, mode), type=list[MarketRow])
    assert found == [MarketRow("A/B", "A", "B", step)]


def test_a_book_is_cut_to_its_best_levels() -> None:
    bids = [[200 - place, 1] for place in range(DEPTH + 5)]
    found = msgspec.json.decode(book({"bids": bids, "asks": [], "timestamp": 7}), type=BookRow)
    assert (len(found.bids), found.bids[-1], found.ts_ms) == (DEPTH, (str(200 - DEPTH + 1), "1"), 7)


def test_a_day_has_what_the_exchange_says() -> None:
    assert msgspec.json.decode(day({"high": 2.5}), type=DayRow) == DayRow(high="2.5")


@pytest.mark.parametrize("broken", [None, [], {"bids": 1, "asks": []}, {"bids": [[None, 1]], "asks": []}])
def test_what_is_no_book_raises(broken: object) -> None:
    with pytest.raises(TypeError):
        book(broken)

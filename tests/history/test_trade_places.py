"""Trades that were fetched get rows between those that are stored, or the page is not used."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise

from hypothesis import given
from hypothesis import strategies as st

from floorwire.core.market_events import Trade
from floorwire.core.market_history import StoredTrade, StoredUnits
from floorwire.core.past_trades import PastTradesPage
from floorwire.core.units import Scale
from floorwire.history.stored_trades import EARLY_US
from floorwire.history.trade_places import placed

UNITS = StoredUnits(Scale.of("0.5"), Scale.of("1"))
BASE_US = 1_000_000
MS = 1_000
END_ROW = BASE_US * 10


def trade(number: int, at_us: int, price: int = 5, size: int = 1) -> Trade:
    return Trade("v:A-B", str(number), price, size, "buy", at_us)


def stored(trades: Sequence[Trade]) -> list[StoredTrade]:
    """As they are stored when they come in this order."""
    rows = accumulate((one.ts_us for one in trades), lambda row, at_us: max(at_us, row + 1), initial=0)
    return [
        StoredTrade(row, one.ts_us, one.trade_id, one.price_ticks, one.size_lots, one.side, UNITS)
        for row, one in zip(list(rows)[1:], trades, strict=True)
    ]


def page(trades: Sequence[Trade], from_us: int, to_us: int, *, are_parts: bool = False) -> PastTradesPage:
    inside = [one for one in trades if from_us <= one.ts_us < to_us]
    return PastTradesPage("v:A-B", from_us, to_us, inside, (), UNITS, are_parts)


@given(
    times=st.lists(st.sampled_from([0, 0, 0, 1, 2, 30]), min_size=1, max_size=60),
    first=st.integers(0, 60),
    lost=st.integers(0, 60),
    from_ms=st.integers(0, 50),
)
def test_what_was_lost_in_between_is_put_in_between(
    times: Sequence[int], first: int, lost: int, from_ms: int
) -> None:
    every = [trade(n, BASE_US + at * MS) for n, at in enumerate(accumulate(times))]
    kept = stored([*every[:first], *every[first + lost :]])
    of_page = page(every, BASE_US + from_ms * MS, BASE_US + 10_000 * MS)
    new = placed(of_page, kept, END_ROW)
    assert new is not None
    together = sorted([*kept, *new], key=lambda one: one.row)
    in_page = [int(one.trade_id) for one in together if one.ts_us >= of_page.from_us]
    assert in_page == [int(one.trade_id) for one in of_page.trades]
    assert all(one.row < later.row for one, later in pairwise(together))
    assert all(one.ts_us - one.row <= EARLY_US for one in new)


def test_a_page_without_a_trade_that_came_live_is_not_used() -> None:
    every = [trade(n, BASE_US + n) for n in range(4)]
    of_page = page(every[:2], BASE_US, BASE_US + 10)
    assert placed(of_page, stored(every[3:]), END_ROW) is None
    assert placed(of_page, stored([trade(77, BASE_US + 20)]), END_ROW) is not None


def test_the_parts_of_a_live_trade_are_that_trade() -> None:
    parts = [
        trade(1, 10, 5, 3),
        trade(2, 20, 7, 1),
        trade(3, 20, 7, 2),
        trade(4, 20, 7, 4),
        trade(5, 30, 5, 1),
    ]
    whole = trade(4, 20, 7, 6)
    new = placed(page(parts, 0, 40, are_parts=True), stored([whole]), END_ROW)
    assert new is not None
    assert [(one.trade_id, one.row) for one in new] == [("1", 10), ("2", 19), ("5", 30)]
    for size, price in ((5, 7), (6, 8), (60, 7)):
        strange = stored([trade(4, 20, price, size)])
        assert placed(page(parts, 0, 40, are_parts=True), strange, END_ROW) is None


def test_too_little_room_is_not_used() -> None:
    before, after = trade(1, 10), trade(9, 11)
    lost = [trade(number, 10) for number in range(2, 9)]
    assert placed(page([before, *lost, after], 0, 20), stored([before, after]), END_ROW) is None
    many = [trade(number, 50 * MS) for number in range(2, EARLY_US + 5)]
    last = trade(99_999, 50 * MS)
    assert placed(page([*many, last], 0, 60 * MS), stored([last]), END_ROW) is None

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from floorwire.venues.common.trade_ids import MAX_IDS, RecentTradeIds, TradeIds


def test_a_lower_id_with_a_later_time_is_a_restart() -> None:
    ids = TradeIds()
    assert [
        ids.check(*trade) for trade in ((7, 10), (8, 20), (8, 20), (7, 10), (1, 21), (2, 21), (1, 21))
    ] == [
        "new",
        "new",
        "repeated",
        "repeated",
        "restarted",
        "new",
        "repeated",
    ]


def test_after_a_restart_an_old_trade_is_still_repeated() -> None:
    ids = TradeIds()
    for trade in ((70, 10), (71, 20), (1, 30)):
        ids.check(*trade)
    assert ids.check(71, 20) == "repeated"
    assert ids.check(2, 40) == "new"
    assert ids.check(72, 50) == "new", "the venue may skip ids"


@given(st.lists(st.integers(1, 5), min_size=1, max_size=4), st.data())
def test_each_trade_is_new_only_once(lengths: list[int], data: st.DataObject) -> None:
    """Runs of ids from 1 on, in time; before its last trade, any earlier trade of a run may come again."""
    ids, now_us = TradeIds(), 0
    for run in lengths:
        seen: list[tuple[int, int]] = []
        for number in range(1, run + 1):
            now_us += data.draw(st.integers(1, 3))
            assert ids.check(number, now_us) != "repeated" or not seen
            seen.append((number, now_us))
            for again in data.draw(st.lists(st.sampled_from(seen), max_size=2)):
                assert ids.check(*again) == "repeated"


def test_ids_in_any_order_are_remembered() -> None:
    ids = RecentTradeIds()
    assert ids.add("a-1")
    assert ids.add("a-2")
    assert not ids.add("a-1")


def test_beyond_the_limit_the_oldest_is_forgotten() -> None:
    ids = RecentTradeIds()
    for number in range(MAX_IDS + 1):
        assert ids.add(str(number))
    assert not ids.add("1")
    assert ids.add("0")

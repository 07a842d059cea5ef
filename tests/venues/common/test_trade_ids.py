from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from floorwire.venues.common.trade_ids import TradeIds


def test_a_lower_id_of_a_later_time_is_a_restart() -> None:
    ids = TradeIds()
    assert [
        ids.take(*trade) for trade in ((7, 10), (8, 20), (8, 20), (7, 10), (1, 21), (2, 21), (1, 21))
    ] == [
        "new",
        "new",
        "repeated",
        "repeated",
        "restarted",
        "new",
        "repeated",
    ]


def test_after_a_restart_an_old_trade_is_still_known() -> None:
    ids = TradeIds()
    for trade in ((70, 10), (71, 20), (1, 30)):
        ids.take(*trade)
    assert ids.take(71, 20) == "repeated"
    assert ids.take(2, 40) == "new"
    assert ids.take(72, 50) == "new", "the venue may skip ids"


@given(st.lists(st.integers(1, 5), min_size=1, max_size=4), st.data())
def test_each_trade_is_told_once_however_often_it_comes(lengths: list[int], data: st.DataObject) -> None:
    """Runs of ids from 1 on, in time; up to the last of a run any earlier trade of it may come again."""
    ids, now_us = TradeIds(), 0
    for run in lengths:
        told: list[tuple[int, int]] = []
        for number in range(1, run + 1):
            now_us += data.draw(st.integers(1, 3))
            assert ids.take(number, now_us) != "repeated" or not told
            told.append((number, now_us))
            for again in data.draw(st.lists(st.sampled_from(told), max_size=2)):
                assert ids.take(*again) == "repeated"

"""The latest trade ids of a symbol: what came before is known, within a limit."""

from __future__ import annotations

from floorwire.venues.common.recent_trade_ids import MAX_IDS, RecentTradeIds


def test_a_repeated_trade_is_known() -> None:
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

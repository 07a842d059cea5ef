"""What levels lost and no trade explains, on its own."""

from __future__ import annotations

from floorwire.engine.unattributed_decreases import MAX_DECREASES, LevelDecrease, UnattributedDecreases


def noted(*shrinks: tuple[int, int, int]) -> UnattributedDecreases:
    """Return some that were told as (key, time, lots)."""
    unexplained = UnattributedDecreases()
    for key, us, lots in shrinks:
        unexplained.add(LevelDecrease(key, us, lots, 100))
    return unexplained


def settled(unexplained: UnattributedDecreases, since_us: int, until_us: int) -> list[tuple[int, int]]:
    return [(decrease.us, decrease.lots) for decrease in unexplained.pop_settled(since_us, until_us)]


def test_a_trade_explains_what_is_no_older_at_its_price() -> None:
    unexplained = noted((7, 1, 5), (7, 2, 5), (8, 2, 5), (7, 3, 5))
    assert unexplained.attribute(7, 7, 2) == 7
    assert unexplained.attribute(7, 7, 2) == 3
    assert unexplained.attribute(9, 7, 2) == 0
    assert (unexplained.lots_at(7), unexplained.lots_at(8), unexplained.lots_at(9)) == (5, 5, 0)
    assert settled(unexplained, 9, 9) == [(1, 5), (2, 5)]


def test_what_is_no_longer_explained_is_settled_once_in_order() -> None:
    unexplained = noted((7, 1, 5), (8, 2, 4), (7, 3, 3))
    assert settled(unexplained, 1, 3) == []
    assert settled(unexplained, 3, 3) == [(1, 5), (2, 4)]
    assert settled(unexplained, 3, 3) == []
    assert (unexplained.lots_at(7), unexplained.lots_at(8)) == (3, 0)


def test_a_time_that_has_not_come_is_none_to_wait_for() -> None:
    assert settled(noted((7, 90, 5), (7, 3, 4)), 2, 3) == [(90, 5)]


def test_of_too_many_the_oldest_are_settled() -> None:
    unexplained = noted(*((key, 1, 1 + key) for key in range(MAX_DECREASES + 2)))
    assert settled(unexplained, 1, 1) == [(1, 1), (1, 2)]

"""What levels lost and no trade explains, on its own."""

from __future__ import annotations

from floorwire.core.order_book import Ladder
from floorwire.engine.unattributed_decreases import MAX_CHANGES, SideChange, UnattributedDecreases
from floorwire.engine.visible_book import VisibleSide

SIZE = 100


def noted(*shrinks: tuple[int, int, int], worst_key: int = 0) -> UnattributedDecreases:
    """Return some that were told as (key, time, lots); each level has ``SIZE`` lots after all of them."""
    ladder = Ladder(1)
    sizes = {key: SIZE for key, _, _ in shrinks}
    ladder.replace(sizes.items())
    unexplained = UnattributedDecreases(VisibleSide(ladder))
    for key, _, lots in shrinks:
        sizes[key] += lots
    for key, us, lots in shrinks:
        unexplained.add(SideChange(us, {key: sizes[key]}, worst_key, {}))
        sizes[key] -= lots
    return unexplained


def settled(
    unexplained: UnattributedDecreases, since_us: int, until_us: int, keys: frozenset[int]
) -> list[tuple[int, int, int]]:
    return [
        (decrease.change.us, decrease.lots, decrease.left_lots)
        for decrease in unexplained.pop_settled(since_us, until_us, keys)
    ]


def test_a_trade_explains_what_is_no_older_at_its_price() -> None:
    unexplained = noted((7, 1, 5), (7, 2, 5), (8, 2, 5), (7, 3, 5))
    assert unexplained.attribute(7, 7, 2) == 7
    assert unexplained.attribute(7, 7, 2) == 3
    assert unexplained.attribute(9, 7, 2) == 0
    assert (unexplained.lots_at(7), unexplained.lots_at(8), unexplained.lots_at(9)) == (5, 5, 0)
    assert settled(unexplained, 9, 9, frozenset((7, 8))) == [(1, 5, SIZE + 10), (2, 5, SIZE)]


def test_what_is_no_longer_explained_is_settled_once_in_order() -> None:
    unexplained = noted((7, 1, 5), (8, 2, 4), (7, 3, 3))
    both = frozenset((7, 8))
    assert settled(unexplained, 1, 3, both) == []
    assert settled(unexplained, 3, 3, both) == [(1, 5, SIZE + 3), (2, 4, SIZE)]
    assert settled(unexplained, 3, 3, both) == []
    assert (unexplained.lots_at(7), unexplained.lots_at(8)) == (3, 0)


def test_only_the_levels_that_are_asked_for_are_told() -> None:
    unexplained = noted((7, 1, 5), (8, 2, 4))
    assert settled(unexplained, 9, 9, frozenset((8, 9))) == [(2, 4, SIZE)]
    assert settled(unexplained, 9, 9, frozenset((7,))) == []


def test_a_level_that_grew_lost_nothing() -> None:
    unexplained = noted((7, 1, 5), (7, 2, -20), (7, 3, 4))
    assert unexplained.lots_at(7) == 9
    assert settled(unexplained, 3, 3, frozenset((7,))) == [(1, 5, SIZE + 4 - 20)]


def test_what_went_out_of_sight_is_no_decrease() -> None:
    assert noted((7, 1, 5), (8, 2, 4), worst_key=8).lots_at(7) == 0
    assert noted((7, 1, 5), (8, 2, 4), worst_key=8).lots_at(8) == 4


def test_a_time_that_has_not_come_is_none_to_wait_for() -> None:
    assert settled(noted((7, 90, 5), (7, 3, 4)), 2, 3, frozenset((7,))) == [(90, 5, SIZE + 4)]


def test_of_too_many_the_oldest_are_settled() -> None:
    unexplained = noted(*((key, 1, 1 + key) for key in range(MAX_CHANGES + 2)))
    assert settled(unexplained, 1, 1, frozenset(range(MAX_CHANGES))) == [(1, 1, SIZE), (1, 2, SIZE)]

"""A key that is narrowed to symbols: which part of an event it may see."""

from __future__ import annotations

from floorwire.core.account_events import Balance, Deposited, Position, PositionsChanged
from floorwire.core.authorization import Principal, Scope
from floorwire.trading.visibility import Visibility
from tests.engine.market import BTC, CROSS, ETH

CHANGED = PositionsChanged(
    "ann", (Position(ETH.symbol, 1, 0, 0, 0, 8, 8), Position(CROSS.symbol, 1, 0, 0, 0, 8, 8)), 5
)


def visibility(*symbols: str) -> Visibility:
    narrowed = frozenset(symbols) or None
    principal = Principal("ann", "k", frozenset((Scope.ACCOUNT,)), symbols=narrowed)
    return Visibility(principal, lambda: (BTC, ETH, CROSS))


def test_of_several_positions_it_sees_those_of_its_symbols() -> None:
    assert visibility().part_of(CHANGED) is CHANGED
    part = visibility(ETH.symbol).part_of(CHANGED)
    assert part == PositionsChanged("ann", CHANGED.positions[:1], 5)
    assert visibility(BTC.symbol).part_of(CHANGED) is None


def test_a_deposit_is_seen_by_who_sees_its_asset() -> None:
    deposited = Deposited("ann", 1, 5, Balance("ETH", 5, 0, 8), 5)
    assert visibility(ETH.symbol).part_of(deposited) is deposited
    assert visibility(BTC.symbol).part_of(deposited) is None

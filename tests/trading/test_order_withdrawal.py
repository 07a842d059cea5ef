"""Orders leave the venues in turns of the event loop, when the journal has failed."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from floorwire.clock import Clock
from floorwire.core.order_commands import Cancel, Command
from floorwire.trading import order_withdrawal
from floorwire.trading.order_withdrawal import OrderWithdrawal
from floorwire.trading.venue_router import VenueRouter
from tests.engine.market import BTC, Market, order_manager
from tests.engine.test_mass_cancel_scan import place

CANCELS_A_TURN = 2
ORDERS = 7


class Router:
    """Counts the cancels of each turn of the loop."""

    def __init__(self) -> None:
        self.turns: list[int] = []
        self._is_counting = False

    def execute(self, command: Command, _stamp_us: int) -> None:
        assert isinstance(command, Cancel)
        if not self._is_counting:
            self._is_counting = True
            self.turns.append(0)
            asyncio.get_running_loop().call_soon(self._end_turn)
        self.turns[-1] += 1

    def _end_turn(self) -> None:
        self._is_counting = False


async def test_no_turn_cancels_more_than_its_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order_withdrawal, "CANCELS_A_TURN", CANCELS_A_TURN)
    monkeypatch.setattr(order_withdrawal, "EXAMINED_A_STEP", 1)
    market, router = Market(BTC), Router()
    manager = order_manager(market, BTC)
    manager.deposit("ann", "USDT", "100000", 1, 0)
    for number in range(ORDERS):
        place(manager, "ann", "k", BTC.symbol, str(number))
    withdrawal = OrderWithdrawal(cast("VenueRouter", router), Clock())
    withdrawal.start(manager)
    await withdrawal.finished()
    assert sum(router.turns) == ORDERS
    assert max(router.turns) <= CANCELS_A_TURN

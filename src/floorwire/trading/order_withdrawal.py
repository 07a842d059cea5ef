"""Order withdrawal: the journal has failed, so all open orders are cancelled at the venues, in turns.

Nothing of it is journalled or booked. The accounts are read again, and the orders go back, after its end.
"""

from __future__ import annotations

import asyncio

import structlog

from floorwire.clock import Clock
from floorwire.core.account_events import MassCancel
from floorwire.engine.mass_cancel_scan import MassCancelScan
from floorwire.engine.order_manager import OrderManager
from floorwire.trading.venue_router import VenueRouter

CANCELS_A_TURN = 100
EXAMINED_A_STEP = 10
"""Open orders examined and cancelled between two looks at the clock."""
TURN_US = 1_500
"""After this time a turn ends, with fewer cancels."""

log = structlog.get_logger("floorwire.desk")


class OrderWithdrawal:
    """There is at most one at a time: recovery waits for its end."""

    def __init__(self, router: VenueRouter, clock: Clock) -> None:
        self._router = router
        self._clock = clock
        self._is_over = asyncio.Event()
        self._is_over.set()

    def start(self, order_manager: OrderManager) -> None:
        """Cancel every order at the venues, the first ones at once. Never raises."""
        self._is_over.clear()
        self._turn(order_manager, order_manager.scan(order_manager.mass_cancel(MassCancel(), 0)))

    async def finished(self) -> None:
        """Return when no order is left at a venue."""
        await self._is_over.wait()

    def _turn(self, order_manager: OrderManager, scan: MassCancelScan) -> None:
        until_us, left = self._clock.monotonic_us() + TURN_US, CANCELS_A_TURN
        try:
            while not scan.is_done and left > 0 and self._clock.monotonic_us() < until_us:
                for command in order_manager.cancels(scan.find(EXAMINED_A_STEP), None):
                    left -= 1
                    self._router.execute(command, self._clock.stamp_us())
        except Exception:  # a venue's bug, maybe the one that made the committer fail
            log.exception("orders may still be in the market")
            self._is_over.set()
            return
        if scan.is_done:
            self._is_over.set()
        else:
            asyncio.get_running_loop().call_soon(self._turn, order_manager, scan)

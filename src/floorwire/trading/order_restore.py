"""Order restore: sends the open orders to markets that have none of them, in turns of the event loop.

``docs/design.md`` has the states of a symbol. An order that was not sent yet is at no venue, and the router
books its cancel at once. A kill needs no care: the journal has what an order is, and each start begins anew.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass
from functools import partial

import structlog

from floorwire.clock import Clock
from floorwire.core.orders import Order
from floorwire.engine.open_order_merge import OpenOrderMerge
from floorwire.trading.committer import Committer
from floorwire.trading.decision_executor import DecisionExecutor
from floorwire.trading.mass_cancels import MassCancels
from floorwire.trading.venue_router import VenueRouter

COLLECTED_A_STEP = 1_000
"""Ids collected between two looks at the clock, or those of one account. An id takes some 0.01 us."""
PLACES_A_TURN = 100
TURN_US = 1_500
"""After this time a turn ends, with fewer orders. What they show on the market is published after it."""
STEP = 10
"""Orders sent between two looks at the clock."""

log = structlog.get_logger("floorwire.desk")


@dataclass(eq=False)
class _Restore:
    """Symbols whose orders go back together."""

    symbols: set[str]
    """Symbols that begin anew meanwhile are removed."""
    merge: OpenOrderMerge | None = None
    """None: mass cancels have to end first."""
    sent: int = 0


class OrderRestore:
    """The symbols whose open orders go back. They end without a word when the journal fails."""

    def __init__(
        self, executor: DecisionExecutor, router: VenueRouter, mass_cancels: MassCancels, clock: Clock
    ) -> None:
        self._executor = executor
        self._router = router
        self._mass_cancels = mass_cancels
        self._clock = clock
        self._committer: Committer | None = None
        """The one that the others belong to."""
        self._held: list[_Restore] = []
        """Those that wait for mass cancels. Bounded, with ``_restoring``, by the venues and listings."""
        self._restoring: deque[_Restore] = deque()
        self._is_turn_scheduled = False

    def hold(self, committer: Committer, symbols: Collection[str]) -> None:
        """The markets of these symbols have none of our orders. ``restore`` sends them later."""
        if committer is not self._committer:
            self._committer = committer
            self._held, self._restoring, self._is_turn_scheduled = [], deque(), False
        self._router.hold(symbols)
        for restore in (*self._held, *self._restoring):
            restore.symbols.difference_update(symbols)

    def restore(self, committer: Committer, symbols: Collection[str]) -> None:
        """Send the open orders of these symbols, when all mass cancels that run now have ended."""
        self.hold(committer, symbols)
        if symbols:
            restore = _Restore({*symbols})
            self._held.append(restore)
            self._mass_cancels.after_running(committer, partial(self._start, committer, restore))

    def stop(self) -> None:
        """The process ends: send no more. The next start sends all."""
        self._committer = None

    # --- parts --------------------------------------------------------------------------------------

    def _start(self, committer: Committer, restore: _Restore) -> None:
        if committer is not self._committer:
            return
        self._held.remove(restore)
        restore.merge = committer.store.order_manager.open_order_merge(restore.symbols)
        self._restoring.append(restore)
        if not self._is_turn_scheduled:
            self._turn(committer)

    def _turn(self, committer: Committer) -> None:
        """Send some orders of the first one, and of the next ones if it has fewer."""
        if committer is not self._committer or committer.has_failed:
            return
        self._is_turn_scheduled = False
        until_us, left = self._clock.monotonic_us() + TURN_US, PLACES_A_TURN
        with committer.fail_on_error("restoring orders"):
            while self._restoring and left > 0 and self._clock.monotonic_us() < until_us:
                restore = self._restoring[0]
                merge = restore.merge
                assert merge is not None
                if not merge.is_collected:
                    merge.collect(COLLECTED_A_STEP)
                    continue
                orders = merge.pop(STEP)
                left -= len(orders)
                self._send(committer, restore, orders)
                if merge.is_done:
                    self._restoring.popleft()
                    self._end(restore)
        if self._restoring and not committer.has_failed:
            self._is_turn_scheduled = True
            committer.when_durable(partial(self._on_durable, committer))

    def _on_durable(self, committer: Committer) -> None:
        # In the next turn of the loop, so that it reads sockets between two turns of ours.
        asyncio.get_running_loop().call_soon(self._turn, committer)

    def _send(self, committer: Committer, restore: _Restore, orders: list[Order]) -> None:
        if not orders:
            return
        stamp_us = self._clock.stamp_us()
        decision = committer.store.order_manager.place_again(orders, stamp_us)
        for order in orders:
            self._router.advance(order.ticket.symbol, order.order_id)
        restore.sent += len(decision.commands)
        self._executor.execute(committer, decision, stamp_us)

    def _end(self, restore: _Restore) -> None:
        self._router.release(restore.symbols)
        if restore.sent:
            log.info("orders are in the market again", symbols=len(restore.symbols), orders=restore.sent)

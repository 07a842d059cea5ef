"""Executes decisions of the order manager: sends commands to venues, and journals their reports."""

from __future__ import annotations

from collections.abc import Collection

import structlog

from floorwire.clock import Clock
from floorwire.core.execution_reports import Report
from floorwire.core.instrument import Instrument
from floorwire.core.order_commands import Cancel
from floorwire.engine.order_manager import OrderDecision
from floorwire.trading.committer import Committer
from floorwire.trading.venue_router import VenueRouter

log = structlog.get_logger("floorwire.desk")


class DecisionExecutor:
    """Connects the order manager, the venues and the committer."""

    def __init__(self, router: VenueRouter, clock: Clock) -> None:
        self._router = router
        self._clock = clock

    def execute(self, committer: Committer, decision: OrderDecision, stamp_us: int) -> list[Report]:
        """Journal the decision, run its commands, journal the venues' reports, and return the reports.

        Raises what a venue raises. What was executed is then unknown, so the caller must fail the committer.
        """
        committer.add_entries(decision.entries)
        all_reports: list[Report] = []
        for command in decision.commands:
            reports = self._router.execute(command, stamp_us)
            entries = committer.store.order_manager.settle(reports, stamp_us)
            if type(command) is Cancel:
                entries += committer.store.order_manager.mark_cancelling(command, stamp_us)
            if entries:
                committer.add_entries(entries)
            all_reports += reports
        return all_reports

    def list_instruments(
        self, committer: Committer, instruments: Collection[Instrument], *, has_orders: bool = True
    ) -> None:
        """Journal instruments that are new or have changed.

        ``has_orders``: whether any may have open orders.
        """
        order_manager, stamp_us = committer.store.order_manager, self._clock.stamp_us()
        committer.add_entries(order_manager.list_instruments(instruments, stamp_us, has_orders=has_orders))
        for instrument in instruments:
            asset = order_manager.overflow(instrument)
            if asset is not None:
                log.error(
                    "instrument not traded: its steps are too fine for what an account has of the asset",
                    symbol=instrument.symbol,
                    asset=asset,
                    tick_size=instrument.tick_size,
                    lot_size=instrument.lot_size,
                )

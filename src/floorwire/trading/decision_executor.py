"""Executes decisions: the commands on the venues, and what comes of them into the journal."""

from __future__ import annotations

from collections.abc import Iterable

import structlog

from floorwire.clock import Clock
from floorwire.core.execution_reports import Report
from floorwire.core.instrument import Instrument
from floorwire.core.order_commands import Cancel
from floorwire.engine.order_manager import OrderDecision, OrderManager
from floorwire.trading.committer import Committer
from floorwire.trading.venue_router import VenueRouter

log = structlog.get_logger("floorwire.desk")


class DecisionExecutor:
    """Between the accounts, the venues and the journal."""

    def __init__(self, floor: VenueRouter, clock: Clock) -> None:
        self._floor = floor
        self._clock = clock

    def execute(self, committer: Committer, decision: OrderDecision, stamp_us: int) -> list[Report]:
        """Journal the decision and what the venues make of it. Return the venues' reports.

        May raise whatever a venue raises: then nobody knows what was done, and the committer has to fail.
        """
        committer.book_entries(decision.entries)
        happened: list[Report] = []
        for command in decision.commands:
            reports = self._floor.execute(command, stamp_us)
            entries = committer.book.order_manager.settle(reports, stamp_us)
            if type(command) is Cancel:
                entries += committer.book.order_manager.keep_cancel(command, stamp_us)
            if entries:
                committer.book_entries(entries)
            happened += reports
        return happened

    def execute_or_fail(self, committer: Committer, decision: OrderDecision, stamp_us: int) -> bool:
        """Do the same, and let the committer fail where a venue raises. Return whether it still works."""
        try:
            self.execute(committer, decision, stamp_us)
        except Exception as fault:  # of ours or of a venue: what was done is not known
            log.exception("fault", commands=len(decision.commands))
            committer.fail(fault)
        return not committer.has_failed

    def list_instruments(self, committer: Committer, instruments: Iterable[Instrument]) -> None:
        """Journal what is new or has changed among these instruments."""
        order_manager = committer.book.order_manager
        committer.book_entries(order_manager.list_instruments(instruments, self._clock.stamp_us()))
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

    def put_back(self, committer: Committer, venue: str, symbols: set[str]) -> None:
        """Put the open orders of those of the symbols that the venue lists into its market as it is now."""
        here = symbols & self._floor.at(venue)
        if not here:
            return
        stamp_us = self._clock.stamp_us()
        decision = committer.book.order_manager.put_back(here, stamp_us)
        self.execute(committer, decision, stamp_us)
        if decision.commands:
            log.info("orders are in the market again", venue=venue, orders=len(decision.commands))

    def take_out(self, order_manager: OrderManager) -> None:
        """Cancel every order at the venues, without booking it: the journal takes nothing any more."""
        try:
            for command in order_manager.cancel_all().commands:
                self._floor.execute(command, self._clock.stamp_us())
        except Exception:  # a venue's fault, maybe the one that made the journal fail
            log.exception("orders may still be in the market")

"""Executes the house's decisions: the commands on the venues, and what comes of them into the journal."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import structlog

from floorwire.core.commands import Cancel
from floorwire.core.instrument import Instrument
from floorwire.core.reports import Report
from floorwire.engine.house import Decision, House
from floorwire.trading.commits import Commits
from floorwire.trading.floor import Floor

log = structlog.get_logger("floorwire.desk")


class DecisionExecutor:
    """Between the accounts, the venues and the journal. ``clock`` gives the time in microseconds."""

    def __init__(self, floor: Floor, clock: Callable[[], int]) -> None:
        self._floor = floor
        self._clock = clock

    def execute(self, commits: Commits, decision: Decision, now_us: int) -> list[Report]:
        """Journal the decision and what the venues make of it. Return the venues' reports.

        May raise whatever a venue raises: then nobody knows what was done, and ``commits`` has to fail.
        """
        commits.book_entries(decision.entries)
        happened: list[Report] = []
        for command in decision.commands:
            reports = self._floor.execute(command, now_us)
            entries = commits.book.house.settle(reports, now_us)
            if type(command) is Cancel:
                entries += commits.book.house.keep_cancel(command, now_us)
            if entries:
                commits.book_entries(entries)
            happened += reports
        return happened

    def execute_or_fail(self, commits: Commits, decision: Decision, now_us: int) -> bool:
        """Do the same, and let ``commits`` fail where a venue raises. Return whether it still works."""
        try:
            self.execute(commits, decision, now_us)
        except Exception as fault:  # of ours or of a venue: what was done is not known
            log.exception("fault", commands=len(decision.commands))
            commits.fail(fault)
        return not commits.has_failed

    def list_instruments(self, commits: Commits, instruments: Iterable[Instrument]) -> None:
        """Journal what is new or has changed among these instruments."""
        commits.book_entries(commits.book.house.list_instruments(instruments, self._clock()))

    def put_back(self, commits: Commits, venue: str, symbols: set[str]) -> None:
        """Put the open orders of those of the symbols that the venue lists into its market as it is now."""
        here = symbols & self._floor.at(venue)
        if not here:
            return
        now_us = self._clock()
        decision = commits.book.house.put_back(here, now_us)
        self.execute(commits, decision, now_us)
        if decision.commands:
            log.info("orders are in the market again", venue=venue, orders=len(decision.commands))

    def take_out(self, house: House) -> None:
        """Cancel every order at the venues, without booking it: the journal takes nothing any more."""
        try:
            for command in house.cancel_all().commands:
                self._floor.execute(command, self._clock())
        except Exception:  # a venue's fault, maybe the one that made the journal fail
            log.exception("orders may still be in the market")

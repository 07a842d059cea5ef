"""The floor: which venue takes the orders for which symbol."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, Protocol

from floorwire.core.codes import Code
from floorwire.core.execution_reports import Ended, Refused, Report
from floorwire.core.instrument import Instrument
from floorwire.core.order_commands import Cancel, Command, Place
from floorwire.core.ports import Prices

UNKNOWN = Prices(0, 0, 0, "connecting")


class Executor(Protocol):
    """One trading venue, run by its feed."""

    def execute(self, command: Command) -> Sequence[Report]:
        """Execute the command; what the market shows of it is published."""
        ...

    def prices(self, symbol: str) -> Prices:
        """Return the symbol's prices as of now."""
        ...


class VenueRouter:
    """The trading venues by name, and the symbols that they have listed."""

    def __init__(self) -> None:
        self._executors: Mapping[str, Executor] = {}
        self._listed: dict[str, Instrument] = {}
        self.opened: set[str] = set()
        """The venues that have opened."""

    def open(self, executors: Mapping[str, Executor]) -> None:
        """Take these for all trading venues."""
        self._executors = executors

    def list_instruments(self, instruments: Iterable[Instrument]) -> set[str]:
        """Send the symbols' orders to the venues that listed them, from now on; return those that are new."""
        new = set()
        for instrument in instruments:
            if instrument.symbol not in self._listed:
                new.add(instrument.symbol)
            self._listed[instrument.symbol] = instrument
        return new

    def instruments(self) -> list[Instrument]:
        """Return everything that is listed."""
        return list(self._listed.values())

    def at(self, venue: str) -> set[str]:
        """Return the symbols that the venue has listed."""
        return {symbol for symbol, instrument in self._listed.items() if instrument.venue == venue}

    def prices(self, symbol: str) -> Prices:
        """Return the symbol's prices; none where no venue has listed it since the start."""
        instrument = self._listed.get(symbol)
        return UNKNOWN if instrument is None else self._executors[instrument.venue].prices(symbol)

    def execute(self, command: Command, stamp_us: int) -> Sequence[Report]:
        """Execute the command where its symbol is listed.

        Where no venue has listed it since the start, its orders are in no market: they can only be cancelled.
        """
        instrument = self._listed.get(command.symbol)
        if instrument is not None:
            return self._executors[instrument.venue].execute(command)
        if isinstance(command, Cancel):
            return (Ended(command.order_id, 0, "cancelled", command.code, stamp_us),)
        action: Literal["place", "amend"] = "place" if isinstance(command, Place) else "amend"
        return (Refused(command.order_id, action, Code.VENUE_UNAVAILABLE, stamp_us),)

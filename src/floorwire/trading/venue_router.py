"""Routes orders: by symbol to the venue that lists it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, Protocol

from floorwire.core.codes import Code
from floorwire.core.execution_reports import Ended, Refused, Report
from floorwire.core.instrument import Instrument
from floorwire.core.order_commands import Cancel, Command, Place
from floorwire.core.ports import Prices

NO_PRICES = Prices(0, 0, 0, "connecting")


class VenueExecutor(Protocol):
    """One trading venue. Its feed implements this."""

    def execute(self, command: Command) -> Sequence[Report]:
        """Execute the command and return the reports. The feed publishes the market data that comes of it."""
        ...

    def prices(self, symbol: str) -> Prices:
        """Return the current prices of the symbol."""
        ...


class VenueRouter:
    """The trading venues by name, and the instruments that they have listed."""

    def __init__(self) -> None:
        self._venues: Mapping[str, VenueExecutor] = {}
        self._instruments: dict[str, Instrument] = {}
        self.open_venues: set[str] = set()
        """Names of venues that have opened and take orders."""

    def set_venues(self, venues: Mapping[str, VenueExecutor]) -> None:
        """Set all trading venues, by name. Called once, before any order."""
        self._venues = venues

    def list_instruments(self, instruments: Iterable[Instrument]) -> set[str]:
        """Route the symbols to the venues that list them, from now on. Return symbols that are new."""
        new = set()
        for instrument in instruments:
            if instrument.symbol not in self._instruments:
                new.add(instrument.symbol)
            self._instruments[instrument.symbol] = instrument
        return new

    def instruments(self) -> list[Instrument]:
        """Return all listed instruments."""
        return list(self._instruments.values())

    def symbols_of(self, venue: str) -> set[str]:
        """Return the symbols that the venue lists."""
        return {symbol for symbol, instrument in self._instruments.items() if instrument.venue == venue}

    def prices(self, symbol: str) -> Prices:
        """Return the prices of the symbol; ``NO_PRICES`` where no venue has listed it since the start."""
        instrument = self._instruments.get(symbol)
        return NO_PRICES if instrument is None else self._venues[instrument.venue].prices(symbol)

    def execute(self, command: Command, stamp_us: int) -> Sequence[Report]:
        """Execute the command on the venue that lists its symbol.

        Where no venue has listed it since the start, its orders are at no venue: they can only be cancelled.
        """
        instrument = self._instruments.get(command.symbol)
        if instrument is not None:
            return self._venues[instrument.venue].execute(command)
        if isinstance(command, Cancel):
            return (Ended(command.order_id, 0, "cancelled", command.code, stamp_us),)
        action: Literal["place", "amend"] = "place" if isinstance(command, Place) else "amend"
        return (Refused(command.order_id, action, Code.VENUE_UNAVAILABLE, stamp_us),)

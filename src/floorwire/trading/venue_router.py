"""Routes orders: by symbol to the venue that lists it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Literal, Protocol

from msgspec.structs import replace

from floorwire.core.codes import Code
from floorwire.core.execution_reports import Ended, Refused, Report
from floorwire.core.instrument import Instrument
from floorwire.core.order_commands import Cancel, Command, Place
from floorwire.core.ports import Prices
from floorwire.core.venue_names import venue_of

NO_PRICES = Prices(0, 0, 0, "connecting")
ALL = 1 << 62
"""Above the id of any order."""


class VenueExecutor(Protocol):
    """One trading venue. Its feed implements this."""

    def execute(self, command: Command) -> Sequence[Report]:
        """Execute the command and return the reports. The feed publishes the market data that comes of it."""
        ...

    def prices(self, symbol: str) -> Prices:
        """Return the current prices of the symbol."""
        ...


NO_EXECUTORS: Mapping[str, VenueExecutor] = MappingProxyType({})


class VenueRouter:
    """The trading venues by name, and the instruments that they have listed."""

    def __init__(self) -> None:
        self._venues: Mapping[str, VenueExecutor] = {}
        self._instruments: dict[str, Instrument] = {}
        self._listed_venues: set[str] = set()
        """Venues that have listed anything since the start."""
        self.open_venues: set[str] = set()
        """Names of venues that have opened and take orders."""
        self._sent_up_to: dict[str, int] = {}
        """Symbols whose markets were not sent all our open orders yet, with the highest id that was sent.
        Orders with higher ids are at no venue."""
        self._remote: Mapping[str, VenueExecutor] = {}
        self._absent: frozenset[str] = frozenset()

    def set_venues(
        self, venues: Mapping[str, VenueExecutor], remote: Mapping[str, VenueExecutor] = NO_EXECUTORS
    ) -> None:
        """Set all trading venues, by name. Called once, before any order.

        ``remote``: those outside this process. They keep our orders, so that none is sent to them again.
        """
        self._venues = {**venues, **remote}
        self._remote = remote

    def set_live(self, venues: Collection[str]) -> None:
        """Set the venues with live orders, those included that do not run: their orders stay there."""
        self._absent = frozenset(venues) - self._venues.keys()

    def is_remote(self, symbol: str) -> bool:
        """Return whether the symbol's venue is outside this process."""
        venue = venue_of(symbol)
        return venue in self._remote or venue in self._absent

    def list_instruments(self, instruments: Iterable[Instrument]) -> set[str]:
        """Route the symbols to the venues that list them, from now on. Return symbols that are new."""
        new = set()
        for instrument in instruments:
            if instrument.symbol not in self._instruments:
                new.add(instrument.symbol)
            self._instruments[instrument.symbol] = instrument
            self._listed_venues.add(instrument.venue)
        return new

    def is_waiting_for(self, symbol: str) -> bool:
        """Return whether the symbol's venue has listed nothing since the start: it may list this one."""
        venue = venue_of(symbol)
        return venue in self._venues and venue not in self._listed_venues

    def instruments(self) -> list[Instrument]:
        """Return all listed instruments."""
        return list(self._instruments.values())

    def symbols_of(self, venue: str) -> set[str]:
        """Return the symbols that the venue lists."""
        return {symbol for symbol, instrument in self._instruments.items() if instrument.venue == venue}

    def prices(self, symbol: str) -> Prices:
        """Return the prices of the symbol; ``NO_PRICES`` where no venue has listed it since the start.

        They are not current while its market lacks open orders. So new orders are refused until then: they
        would come before older ones.
        """
        instrument = self._instruments.get(symbol)
        if instrument is None:
            return NO_PRICES
        prices = self._venues[instrument.venue].prices(symbol)
        return replace(prices, feed="connecting") if symbol in self._sent_up_to else prices

    # --- symbols whose markets lack open orders -----------------------------------------------------

    def hold(self, symbols: Iterable[str]) -> None:
        """The symbols' markets have none of our orders. One outside this process keeps those that it has."""
        self._sent_up_to.update((symbol, ALL if self.is_remote(symbol) else 0) for symbol in symbols)

    def advance(self, symbol: str, order_id: int) -> None:
        """The symbol's market is sent our open orders up to this id."""
        self._sent_up_to[symbol] = order_id

    def release(self, symbols: Iterable[str]) -> None:
        """The symbols' markets were sent all our open orders."""
        for symbol in symbols:
            self._sent_up_to.pop(symbol, None)

    # --- commands -----------------------------------------------------------------------------------

    def execute(self, command: Command, stamp_us: int) -> Sequence[Report]:
        """Execute the command on the venue that lists its symbol.

        Where no venue has listed it since the start, and where its market lacks the order, the order is at no
        venue: it can only be cancelled. One outside this process has it nevertheless.
        """
        instrument, order_id = self._instruments.get(command.symbol), command.order_id
        if instrument is not None and order_id <= self._sent_up_to.get(command.symbol, order_id):
            return self._venues[instrument.venue].execute(command)
        venue = venue_of(command.symbol)
        if venue in self._remote:
            return self._remote[venue].execute(command)
        if isinstance(command, Cancel):
            if venue in self._absent:
                return ()  # it is journalled, and sent when the venue runs again
            return (Ended(command.order_id, 0, "cancelled", command.code, stamp_us),)
        action: Literal["place", "amend"] = "place" if isinstance(command, Place) else "amend"
        return (Refused(command.order_id, action, Code.VENUE_UNAVAILABLE, stamp_us),)

"""The simulated exchange: all markets by symbol."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from floorwire.core.codes import Code
from floorwire.core.order_commands import Command
from floorwire.engine.matching import Matching
from floorwire.engine.matching_events import MatchingEvent, Rejected


class SimulatedExchange:
    """Markets by symbol. The same commands in the same order give the same events and the same state."""

    def __init__(self, symbols: Iterable[str]) -> None:
        self._markets = {symbol: Matching() for symbol in symbols}

    @property
    def markets(self) -> Mapping[str, Matching]:
        """The markets by symbol, read-only."""
        return self._markets

    def execute(self, command: Command) -> list[MatchingEvent]:
        """Execute the command in its market; return the events. Raises DuplicateOrderError."""
        market = self._markets.get(command.symbol)
        if market is None:
            return [Rejected(command.order_id, Code.UNKNOWN_SYMBOL)]
        return market.execute(command)

"""The desk of a backtest: the order manager, the checks and the venues of the server, without a journal.

It does what ``trading.desk`` does with a request of one account, at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from floorwire.core.account_events import CHANNELS, AccountEntry
from floorwire.core.authorization import Principal, Scope
from floorwire.core.dates import Moment
from floorwire.core.execution_reports import Report
from floorwire.core.instrument import Instrument
from floorwire.core.order_commands import Cancel, Command
from floorwire.core.ports import Prices, TradingVenue, VenueOutput
from floorwire.core.symbols import SymbolTable
from floorwire.engine.order_manager import OrderDecision, OrderManager
from floorwire.engine.trading_rules import TradingRules
from floorwire.protocol.event_stamps import PrivateEventStamp
from floorwire.protocol.private_events import OrdersUpdate
from floorwire.protocol.trading_requests import OrderAmend, OrderCancel, OrderPlace
from floorwire.trading import handlers
from floorwire.trading.private_event_mapping import private_event
from floorwire.trading.venue_router import VenueRouter

ACCOUNT: Final = "bot"
PRINCIPAL: Final = Principal(ACCOUNT, ACCOUNT, frozenset({Scope.MARKET, Scope.ACCOUNT, Scope.TRADE}))
"""Who the bot is: a key of its own account that may trade everything."""


class VenueExecutor:
    """Executes commands on one venue, at the time of the backtest, and keeps what else comes of them."""

    def __init__(self, venue: TradingVenue, now_us: Callable[[], int]) -> None:
        self.venue = venue
        self._now_us = now_us
        self.outputs: list[VenueOutput] = []
        """Market events and wake-ups that followed from commands. Whoever runs the venue takes them."""

    def execute(self, command: Command) -> Sequence[Report]:
        """Execute the command; return its reports."""
        execution = self.venue.execute(command, self._now_us())
        self.outputs += execution.outputs
        return execution.reports

    def prices(self, symbol: str) -> Prices:
        """Return what the venue shows."""
        return self.venue.prices(symbol)


class BacktestDesk:
    """The account of the bot, and its orders at all venues."""

    def __init__(
        self, executors: Mapping[str, VenueExecutor], symbols: SymbolTable, rules: TradingRules
    ) -> None:
        """``executors``: by the id of the venue. Symbols and assets are named as ``symbols.names`` says."""
        self._router = VenueRouter()
        self._router.set_venues(executors)
        self._symbols = symbols
        self._names = symbols.names
        self.order_manager = OrderManager(rules, self._router.prices)
        self._deposits = 0
        self._updates: list[OrdersUpdate] = []

    def deposit(self, asset: str, amount: str, now_us: int) -> None:
        """Credit money. Raises Refusal for what is no amount."""
        self._deposits += 1
        identity = self._names.identity(asset)
        self.order_manager.deposit(ACCOUNT, identity, amount, self._deposits, now_us)

    def list(self, instruments: Sequence[Instrument], now_us: int) -> None:
        """Take in what a venue lists. Open orders end where the steps of their instrument changed."""
        identified = [self._names.identified(instrument) for instrument in instruments]
        self._router.list_instruments(identified)
        self._note(self.order_manager.list_instruments(identified, now_us), now_us)

    def reported(self, reports: Sequence[Report], now_us: int) -> None:
        """Book what happened to resting orders."""
        self._note(self.order_manager.settle(reports, now_us), now_us)

    def place(self, request: OrderPlace, now_us: int) -> None:
        """Place an order. Raises Refusal."""
        at = Moment(now_us, now_us, now_us)
        self._execute(
            handlers.place(self.order_manager, self._symbols.resolve, PRINCIPAL, request, at), now_us
        )

    def amend(self, request: OrderAmend, now_us: int) -> None:
        """Change an order. Raises Refusal."""
        at = Moment(now_us, now_us, now_us)
        self._execute(handlers.amend(self.order_manager, PRINCIPAL, request, at), now_us)

    def cancel(self, request: OrderCancel, now_us: int) -> None:
        """Cancel an order. Raises Refusal."""
        self._execute(handlers.cancel(self.order_manager, PRINCIPAL, request, now_us), now_us)

    def pop_updates(self) -> Sequence[OrdersUpdate]:
        """Return what happened to orders since the last time, in order."""
        if not self._updates:
            return ()
        updates, self._updates = self._updates, []
        return updates

    # --- parts -------------------------------------------------------------------------------------------

    def _execute(self, decision: OrderDecision, now_us: int) -> None:
        self._note(decision.entries, now_us)
        for command in decision.commands:
            reports = self._router.execute(command, now_us)
            self._note(self.order_manager.settle(reports, now_us), now_us)
            if type(command) is Cancel:
                self._note(self.order_manager.mark_cancelling(command, now_us), now_us)

    def _note(self, entries: Sequence[AccountEntry], now_us: int) -> None:
        for entry in entries:
            if entry.event.account == ACCOUNT and "orders" in CHANNELS[type(entry.event)]:
                stamp = PrivateEventStamp("backtest", entry.seqs.orders, now_us)
                update = private_event(
                    "orders", entry.event, self.order_manager.instrument_of, stamp, self._names
                )
                assert isinstance(update, OrdersUpdate)
                self._updates.append(update)

"""Handlers of requests about the history of an account: authorise, check the fields, and begin to read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import TypeAlias

from msgspec import UNSET, UnsetType

from floorwire.core.authorization import Action, Principal
from floorwire.core.codes import Code
from floorwire.core.instrument import Instrument
from floorwire.core.orders import Order
from floorwire.core.refusal import Refusal
from floorwire.core.venue_names import VenueNames, bare
from floorwire.engine.order_manager import OrderManager
from floorwire.protocol.desk_ports import Reply, Turns
from floorwire.protocol.trading_requests import AccountSummary, Fills, Ledger, Orders
from floorwire.trading import account_history_pages, account_summary, handlers
from floorwire.trading.account_history_indexer import AccountHistoryIndexer
from floorwire.trading.account_history_pages import HistoryView
from floorwire.trading.fill_search import FillSearch
from floorwire.trading.handlers import Resolve
from floorwire.trading.valuation import PricesOf
from floorwire.trading.visibility import Visibility

Read: TypeAlias = Callable[[int], Awaitable[Reply]]
"""Returns the reply. It is given the number of the last record that the reply has to have."""


def is_of_open_orders(request: Orders) -> bool:
    """Return whether the request is for open orders alone, which are in memory. Raises Refusal."""
    is_open = request.state is UNSET or request.state == "open"
    wrong = ("before", "from", "to") if is_open else ("after",)
    given = {
        "after": request.after,
        "before": request.before,
        "from": request.from_us,
        "to": request.to_us,
    }
    for field in wrong:
        if given[field] is not UNSET:
            goes = "a state other than open" if is_open else "open orders"
            raise Refusal(Code.BAD_REQUEST, f"{field}: goes with {goes}", {"field": field})
    return is_open


class AccountHistoryHandlers:
    """Makes what reads the reply to each kind of request."""

    def __init__(
        self,
        indexer: AccountHistoryIndexer,
        turns: Turns,
        resolve: Resolve,
        instruments: Callable[[], Iterable[Instrument]],
        prices: PricesOf,
        currency: str,
    ) -> None:
        """``currency``: what an account is valued in unless a client names another."""
        self._prices = prices
        self._currency = currency
        self._indexer = indexer
        self._turns = turns
        self._resolve = resolve
        self._instruments = instruments

    def orders(
        self,
        order_manager: OrderManager,
        principal: Principal,
        visibility: Visibility,
        request: Orders,
        wall_us: int,
    ) -> Read:
        """Return what reads a page of orders. Open ones are as they are now. Raises Refusal."""
        symbol = handlers.symbol_of(self._resolve, principal, Action.ORDERS, request.symbol, wall_us)
        open_orders: Sequence[Order] = (
            order_manager.open_orders(principal.account) if request.state == "all" else ()
        )
        view = self._view(order_manager, principal, visibility, symbol)
        return partial(account_history_pages.orders, view, request, open_orders)

    def fills(
        self,
        order_manager: OrderManager,
        principal: Principal,
        visibility: Visibility,
        request: Fills,
        wall_us: int,
        searched: FillSearch | None,
    ) -> Read:
        """Return what reads a page of fills. ``searched``: the search in memory. Raises Refusal."""
        symbol = handlers.symbol_of(self._resolve, principal, Action.FILLS, request.symbol, wall_us)
        view = self._view(order_manager, principal, visibility, symbol)
        return partial(account_history_pages.fills, view, request, searched)

    def ledger(
        self,
        order_manager: OrderManager,
        principal: Principal,
        visibility: Visibility,
        request: Ledger,
        wall_us: int,
    ) -> Read:
        """Return what reads a page of changes of balances. Raises Refusal."""
        handlers.authorise(principal, Action.LEDGER, wall_us)
        asset = self._asset(order_manager, principal.account, visibility.names, request.asset)
        view = self._view(order_manager, principal, visibility, None)
        return partial(account_history_pages.ledger, view, request, asset)

    def account(
        self,
        order_manager: OrderManager,
        principal: Principal,
        visibility: Visibility,
        request: AccountSummary,
        wall_us: int,
    ) -> Read:
        """Return what reads the summary of the account. Raises Refusal."""
        handlers.authorise(principal, Action.ACCOUNT, wall_us)
        view = self._view(order_manager, principal, visibility, None)
        return partial(account_summary.account, view, self._prices, self._currency, request, wall_us)

    def _asset(
        self, order_manager: OrderManager, account: str, names: VenueNames, text: str | UnsetType
    ) -> str | None:
        """Return the identity of the asset that a client names; None for all.

        Raises Refusal where the account never had it, and nothing trades it.
        """
        if text is UNSET:
            return None
        venue, _, asset = text.rpartition(":")
        identity = names.identity(f"{venue.lower()}:{asset.upper()}" if venue else asset.upper())
        traded = (
            names.asset(one.venue, bare(part))
            for one in self._instruments()
            for part in (one.base, one.quote)
        )
        if identity not in {balance.asset for balance in order_manager.balances(account)}.union(traded):
            raise Refusal(Code.BAD_REQUEST, f"asset: nothing trades {text!r}", {"field": "asset"})
        return identity

    def _view(
        self, order_manager: OrderManager, principal: Principal, visibility: Visibility, symbol: str | None
    ) -> HistoryView:
        return HistoryView(order_manager, self._indexer, self._turns, principal.account, visibility, symbol)

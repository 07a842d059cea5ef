"""Coinbase's user channel: orders with the sums of their fills, and no fills."""

from collections.abc import Iterator

from tests.fake_exchange.coinbase.connection import Connection
from tests.fake_exchange.coinbase.keys import CoinbaseAccount
from tests.fake_exchange.coinbase.messages import CoinbaseViews
from tests.fake_exchange.faults import Faults
from tests.fake_exchange.matching import MatchingCore
from tests.fake_exchange.orders import SELF_TRADE, WOULD_TAKE, Event, Order, OrderChanged

BATCH = 50
# What Coinbase says first of a new order, of a cancel and of an edit.
FIRST = {"NEW": "PENDING", "CANCELED": "CANCEL_QUEUED", "REPLACED": "EDIT_QUEUED"}


class CoinbaseUser:
    names = frozenset({"user"})

    def __init__(
        self, core: MatchingCore, views: CoinbaseViews, accounts: list[CoinbaseAccount],
        connections: set[Connection], faults: Faults,
    ) -> None:  # fmt: skip
        self._core = core
        self._views = views
        self._accounts = {account.name: account for account in accounts}
        self._connections = connections
        self._faults = faults
        core.listeners.append(self._on_event)

    def start(self, connection: Connection, channel: str, product_ids: list[str]) -> None:
        """All open orders, in batches. At least one snapshot comes."""
        account = connection.account
        assert account is not None
        orders = [
            self._views.user_order(order, "OPEN", account.portfolio)
            for order in self._core.open_orders(account.name)
            if self._is_wanted(connection, order)
        ]
        for start in range(0, max(1, len(orders)), BATCH):
            batch = orders[start : start + BATCH]
            connection.send(channel, [{"type": "snapshot", "orders": batch, "positions": {}}])

    def _on_event(self, event: Event) -> None:
        if not isinstance(event, OrderChanged) or event.order.account not in self._accounts:
            return
        order, account = event.order, self._accounts[event.order.account]
        # Only a client that asked for a cancel sees it queued.
        is_queued = event.kind in FIRST and order.end_reason not in (WOULD_TAKE, SELF_TRADE)
        statuses = [FIRST[event.kind]] if is_queued else []
        statuses.append(self._views.state_of(order))
        followers = list(self._followers(order))
        if event.fill is not None and followers and self._faults.repeat_fills:
            self._faults.repeat_fills -= 1
            statuses *= 2
        for status in statuses:
            row = self._views.user_order(order, status, account.portfolio)
            for connection in followers:
                connection.send("user", [{"type": "update", "orders": [row]}])

    def _followers(self, order: Order) -> Iterator[Connection]:
        for connection in self._connections:
            account = connection.account
            is_own = account is not None and account.name == order.account
            if "user" in connection.products and is_own and self._is_wanted(connection, order):
                yield connection

    def _is_wanted(self, connection: Connection, order: Order) -> bool:
        """Without products, all orders. An order keeps the name of the product that it was sent with."""
        products = connection.products.get("user", [])
        return not products or self._views.product_id(order) in products

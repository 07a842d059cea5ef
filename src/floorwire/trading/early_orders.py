"""Early orders: an order's intent is written to the disk while the order is decided.

``docs/live-orders.md`` has the states. The disk takes as long as all checks together, so that an order leaves
sooner by the shorter of both.
"""

from __future__ import annotations

from collections.abc import Collection

from msgspec import UNSET

from floorwire.core.authorization import Principal
from floorwire.core.dates import Moment
from floorwire.core.refusal import Refusal
from floorwire.core.venue_names import venue_of
from floorwire.engine.early_orders import EarlyOrder
from floorwire.engine.order_manager import OrderDecision
from floorwire.protocol.trading_requests import OrderPlace
from floorwire.trading import handlers, order_intents
from floorwire.trading.committer import Committer
from floorwire.trading.handlers import Resolve


class EarlyOrders:
    """Decides about new orders, and has the intents of some written meanwhile.

    Of a key whose last order was refused, none is: refused orders must not keep the disk busy.
    """

    def __init__(self, resolve: Resolve, remote_venues: Collection[str]) -> None:
        """``remote_venues``: the venues outside this process, by id."""
        self._resolve = resolve
        self._remote_venues = remote_venues
        self._refused_keys: set[str] = set()
        """At most one for each key of the key store that placed an order."""

    def place(
        self, committer: Committer, principal: Principal, request: OrderPlace, at: Moment
    ) -> OrderDecision:
        """Decide about a new order. Raises Refusal."""
        order_manager = committer.store.order_manager
        if not self._remote_venues:
            return handlers.place(order_manager, self._resolve, principal, request, at)
        early = self._begin(committer, principal, request, at)
        try:
            decision = handlers.place(order_manager, self._resolve, principal, request, at)
        except Refusal:
            self._refused_keys.add(principal.key)
            if early is not None:
                committer.discard_intent()
            raise
        self._refused_keys.discard(principal.key)
        if early is not None:
            assert decision.order is not None
            assert decision.order.order_id == early.order_id, (decision.order.order_id, early.order_id)
        return decision

    def _begin(
        self, committer: Committer, principal: Principal, request: OrderPlace, at: Moment
    ) -> EarlyOrder | None:
        """Begin to write the intent, where that is possible: of orders with a price, whose hold is known."""
        if request.price is UNSET or principal.key in self._refused_keys or not committer.takes_intents:
            return None
        try:
            instrument = self._resolve(request.symbol)
        except Refusal:  # ``handlers.place`` says so
            return None
        if instrument is None or venue_of(instrument.symbol) not in self._remote_venues:
            return None
        store, symbol, account = committer.store, instrument.symbol, principal.account
        early = store.order_manager.early_order(account, symbol, request.client_order_id)
        if early is None:
            return None
        intent = order_intents.OrderIntent(
            store.epoch, early, account, principal.key, symbol, at.stamp_us, request
        )
        return early if committer.write_intent(early.order_id, order_intents.encode(intent)) else None

"""What differs at exchanges whose orders go through ccxt. ``connectors.ccxt_order_connector`` calls it.

There is one link, ``private``: it is up while the exchange takes the key. Where ccxt streams orders, it shows
them. Nothing depends on that: states and executions come by reconciling.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TypeAlias

from floorwire.core.codes import Code
from floorwire.core.microseconds import SECOND_US
from floorwire.core.order_ports import InstrumentNames, OrderSettings
from floorwire.core.ports import Answer, Fetch, Random
from floorwire.core.remote_order_messages import (
    AmendAnswer,
    AmendOrder,
    CancelOrder,
    PlaceOrder,
    QueryOrder,
    Reconcile,
    RemotePolicy,
)
from floorwire.core.venue_names import bare
from floorwire.venues.ccxt import account_requests, order_codes
from floorwire.venues.ccxt.order_messages import (
    CancelCall,
    CreateOrder,
    EditCall,
    FetchOrder,
    OrderRow,
    OrdersFrame,
    SignedInFrame,
    account_frames,
    result,
)
from floorwire.venues.ccxt.order_terms import OrderTerms
from floorwire.venues.common.limit_terms import limit_price
from floorwire.venues.common.order_adapter import ExchangeOrderAdapter
from floorwire.venues.common.order_amounts import amount as exact
from floorwire.venues.common.order_amounts import plain
from floorwire.venues.common.order_clock import OrderClock
from floorwire.venues.common.order_exchange import (
    Answered,
    OrderReading,
    RestSteps,
    ShownOrder,
    SignedIn,
    TryAgain,
    UnplaceableError,
)
from floorwire.venues.common.order_outcomes import OrderOutcome, OrderRequest
from floorwire.venues.common.order_times import PlacedTimes
from floorwire.venues.common.pending_requests import NEVER_US
from floorwire.venues.common.private_link import LinkTimes
from floorwire.venues.common.private_links import PrivateLinkKind
from floorwire.venues.common.request_budgets import BudgetRule, RequestBudgets
from floorwire.venues.common.request_sequences import LONGEST_US, MOST_SEQUENCES, HttpRequest, Steps

CALL_US = 10 * SECOND_US
"""How long a call may take, the time in ccxt's own queue included."""
LEAST_INTERVAL_US = SECOND_US // 10
AT_ONCE = 5
NOT_SENT = "stop and gtd orders are not sent through ccxt"
"""A stop order is another kind of order at most exchanges, with ids and lists of its own."""
CcxtAnswer: TypeAlias = OrderOutcome | TryAgain


class CcxtOrders:
    """What differs at one exchange of ccxt."""

    most_sent = MOST_SEQUENCES
    reading_us = 0
    patience_us = NEVER_US
    cancels_per_request = 1
    switch = None

    def __init__(self, settings: OrderSettings, names: InstrumentNames, terms: OrderTerms) -> None:
        self.name = terms.name
        self.policy = RemotePolicy(
            client_ids=terms.ids.form,
            can_amend=terms.amends,
            misses=5,
            # nobody says how late a list of such an exchange may be
            lag_us=60 * SECOND_US,
            answer_us=LONGEST_US + 5 * SECOND_US,
            query_us=5 * SECOND_US,
            fills_us=2 * SECOND_US,
            reconcile_us=15 * SECOND_US,
            queries=2,
        )
        self.clock = OrderClock()  # ccxt reads clocks and instruments by itself
        interval_us = max(terms.interval_us, LEAST_INTERVAL_US)
        # reads leave half of what ccxt lets through, so that orders and cancels wait for few of them
        self.budgets = RequestBudgets(
            {"order": BudgetRule(AT_ONCE, interval_us), "read": BudgetRule(AT_ONCE, 2 * interval_us)}
        )
        self.links = (
            PrivateLinkKind(
                "private", f"ccxt://{terms.name}", LinkTimes(silent_us=NEVER_US), takes_orders=False
            ),
        )
        self._names = names
        self._terms = terms
        self._placed = PlacedTimes()
        self._since_ms: int | None = None
        """Orders of earlier processes were placed later; None: not reconciled yet."""

    # --- links --------------------------------------------------------------------------------------

    def opened(self, link: str) -> Sequence[str]:
        """Nothing is requested: the connector signs in."""
        return ()

    def closed(self, link: str) -> None:
        """Nothing is kept of a link."""

    def read(self, link: str, data: str | bytes, *, is_up: bool) -> Sequence[OrderReading[CcxtAnswer]]:
        """Return what a frame is. Raises ValueError."""
        frame = account_frames.decode(data)
        if isinstance(frame, SignedInFrame):
            return () if is_up else (SignedIn(),)
        assert isinstance(frame, OrdersFrame)
        shown = account_requests.own(frame.orders, self._terms)
        return [ShownOrder(one.client_id, one.venue_order_id, (one,)) for one in shown]

    # --- requests about orders ----------------------------------------------------------------------

    def place(self, command: PlaceOrder, number: int, *, on_link: bool) -> RestSteps[CcxtAnswer]:
        """Return the call that places an order. Raises UnplaceableError, AmountError.

        A market order is a limit order at its worst price that takes or ends.
        """
        native = self._names.native(bare(command.symbol))
        if native is None or native not in self._terms.symbols:
            raise UnplaceableError(Code.UNKNOWN_SYMBOL, f"{self.name} has not told the instrument")
        if command.quantity is None:
            raise UnplaceableError(Code.VENUE_REJECTED, "amounts to spend are not sent through ccxt")
        if command.stop_price is not None or command.time_in_force == "gtd":
            raise UnplaceableError(Code.VENUE_REJECTED, NOT_SENT)
        params = {"clientOrderId": command.client_id, **self._time_in_force(command)}
        amount, price = _number(command.quantity), _number(limit_price(command))
        return _place(number, command, CreateOrder(native, command.side, amount, price, params))

    def _time_in_force(self, command: PlaceOrder) -> dict[str, str | bool]:
        """Return the parameters that say how long it rests. Raises UnplaceableError."""
        if command.post_only:
            needed = "PO"
        elif command.type == "market" or command.time_in_force == "ioc":
            needed = "IOC"
        elif command.time_in_force == "fok":
            needed = "FOK"
        else:
            return {}
        if needed not in self._terms.times:
            raise UnplaceableError(Code.VENUE_REJECTED, f"ccxt sends no {needed} orders to {self.name}")
        return {"postOnly": True} if command.post_only else {"timeInForce": needed}

    def amend(self, command: AmendOrder, number: int, *, on_link: bool) -> RestSteps[CcxtAnswer]:
        """Return the calls that amend an order. Raises UnplaceableError, AmountError.

        Where ccxt replaces the order by another one instead, it is refused.
        """
        if not self._terms.amends:
            raise UnplaceableError(Code.VENUE_REJECTED, f"ccxt amends no order of {self.name} in place")
        if not command.venue_order_id:
            raise UnplaceableError(Code.VENUE_UNAVAILABLE, f"{self.name} has not told the id of the order")
        native = self._names.native(bare(command.symbol)) or bare(command.symbol)
        amount, price = _number(command.quantity), _number(command.price)
        return _amend(number, command, EditCall(command.venue_order_id, native, amount, price), self._terms)

    def cancel(self, commands: Mapping[int, CancelOrder], *, on_link: bool) -> RestSteps[CcxtAnswer]:
        """Return the call that cancels an order."""
        [(number, command)] = commands.items()
        native = self._names.native(bare(command.symbol)) or bare(command.symbol)
        return _cancel(number, command, CancelCall(command.venue_order_id, native))

    def can_cancel(self, command: CancelOrder) -> bool:
        """Return whether the order has an id of the exchange: not all take ours."""
        return bool(command.venue_order_id)

    def spend(self, number: int, request: OrderRequest, *, on_link: bool) -> bool:
        """Return whether a request may be sent now. What it costs is spent when it is sent."""
        may_send = self.budgets.free_us("order", "", self.clock.now_us) <= self.clock.now_us
        if may_send and isinstance(request, PlaceOrder):
            self._placed.placed(request.client_id, self.clock.date_us)
        return may_send

    def cancel_free_us(self, symbol: str) -> int:
        """Return when the next cancel may be sent."""
        return self.budgets.free_us("order", "", self.clock.now_us)

    def outcome(self, request: OrderRequest, answer: CcxtAnswer) -> CcxtAnswer:
        """Return what an answer says of its request."""
        return answer

    # --- reads --------------------------------------------------------------------------------------

    def query(self, command: QueryOrder) -> Steps:
        """Ask for an order, with its executions."""
        native = self._names.native(bare(command.symbol)) or bare(command.symbol)
        placed_us = self._placed.get(command.client_id)
        since_ms = self._since_ms if placed_us is None else placed_us // 1_000 - account_requests.OVERLAP_MS
        return account_requests.query(command, native, since_ms, self._terms)

    def reconcile(self, command: Reconcile) -> Steps:
        """Ask for the account."""
        date_ms = self.clock.date_us // 1_000
        if self._since_ms is None:
            self._since_ms = account_requests.cursor_of(command.cursor, date_ms) - account_requests.SEARCH_MS
        return account_requests.reconcile(command, date_ms, self._terms)

    def sign(self, number: int, request: HttpRequest, date_us: int) -> Fetch:
        """Return the call. ccxt signs what it sends."""
        return Fetch(number, f"ccxt://{self.name}/{request.path}", "POST", (), request.body, CALL_US)

    def look_at(self, answer: Answer) -> None:
        """Do nothing: ccxt keeps the limits by itself."""


def order_adapter(
    terms: OrderTerms, settings: OrderSettings, names: InstrumentNames, random: Random
) -> ExchangeOrderAdapter[CcxtAnswer]:
    """Return the order adapter of an exchange of ccxt."""
    return ExchangeOrderAdapter(CcxtOrders(settings, names, terms), random)


def _place(number: int, command: PlaceOrder, call: CreateOrder) -> RestSteps[CcxtAnswer]:
    answer = yield account_requests.request(call, "order")
    return (Answered(number, order_codes.placed(command, answer)),)


def _amend(number: int, command: AmendOrder, call: EditCall, terms: OrderTerms) -> RestSteps[CcxtAnswer]:
    """Amend an order, once, then look whether it is as it was asked for: it may only be queued."""
    answer = yield account_requests.request(call, "order")
    refused = order_codes.edited(command, answer)
    if refused is not None:
        return (Answered(number, refused),)
    answer = yield account_requests.request(FetchOrder(call.id, call.symbol))
    seen = account_requests.seen(result(answer, OrderRow), terms, command.client_id)
    is_done = (
        seen is not None
        and seen.price is not None
        and seen.quantity is not None
        and exact(seen.price) == exact(command.price)
        and exact(seen.quantity) == exact(command.quantity)
    )
    updated = seen.updated if seen is not None else 0
    outcome = AmendAnswer(command.client_id, "amended", updated=updated) if is_done else None
    return (Answered(number, outcome or AmendAnswer(command.client_id, "unknown")),)


def _cancel(number: int, command: CancelOrder, call: CancelCall) -> RestSteps[CcxtAnswer]:
    answer = yield account_requests.request(call, "order")
    return (Answered(number, order_codes.cancelled(command, answer)),)


def _number(text: str) -> str:
    """Return the amount. Raises UnplaceableError where a float, which ccxt takes, is another one."""
    written = plain(text)
    if Decimal(repr(float(written))) != Decimal(written):
        raise UnplaceableError(Code.VENUE_REJECTED, f"{written} has more digits than ccxt keeps")
    return written

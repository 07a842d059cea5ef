"""Orders of one account at Coinbase Advanced Trade: by REST, while a private stream shows them.

Source: the guide of Coinbase, "Advanced Trade". ``docs/venues.md`` says what is believed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, TypeAlias

import msgspec

from floorwire.core.codes import Code
from floorwire.core.microseconds import SECOND_US
from floorwire.core.order_ports import InstrumentNames, OrderSettings
from floorwire.core.ports import Answer, Fetch, Random
from floorwire.core.remote_order_messages import (
    AmendOrder,
    CancelAnswer,
    CancelOrder,
    PlaceOrder,
    QueryOrder,
    Reconcile,
    RemotePolicy,
)
from floorwire.core.venue_names import bare
from floorwire.venues.coinbase import account_requests, limits, order_codes, order_requests
from floorwire.venues.coinbase import order_messages as messages
from floorwire.venues.coinbase.order_instruments import OrderInstruments
from floorwire.venues.coinbase.signing import Signer
from floorwire.venues.common.order_adapter import ExchangeOrderAdapter
from floorwire.venues.common.order_amounts import AmountError
from floorwire.venues.common.order_clock import RETRY_US, DateRequest, OrderClock
from floorwire.venues.common.order_exchange import (
    Answered,
    OrderReading,
    RestSteps,
    ShownOrder,
    SignedIn,
    TryAgain,
    UnplaceableError,
    UselessLink,
)
from floorwire.venues.common.order_outcomes import OrderOutcome, OrderRequest
from floorwire.venues.common.order_times import PlacedTimes
from floorwire.venues.common.pending_requests import NEVER_US
from floorwire.venues.common.private_link import LinkTimes
from floorwire.venues.common.private_links import PrivateLinkKind
from floorwire.venues.common.request_budgets import RequestBudgets
from floorwire.venues.common.request_sequences import LONGEST_US, MOST_SEQUENCES, HttpRequest, Steps

TIME = DateRequest(HttpRequest("/api/v3/brokerage/time", budget="public", is_signed=False), messages.date_us)
PLACE = "/api/v3/brokerage/orders"
CANCEL = "/api/v3/brokerage/orders/batch_cancel"
CHANNELS = ("heartbeats", "user")
"""Coinbase: without heartbeats a quiet channel is closed."""
REFUSED_US = 10 * SECOND_US
"""The least wait after Coinbase refused a subscription."""

FrameOrder: TypeAlias = Literal["next", "late", "gap"]
CoinbaseAnswer: TypeAlias = OrderOutcome | TryAgain
"""What an answer by REST says."""


class FrameNumbers:
    """The numbers of the frames of one connection, of all channels. Any number may be the first."""

    def __init__(self) -> None:
        self._last: int | None = None

    def take(self, number: int | None) -> FrameOrder:
        """Return whether a frame is the next one, was known before, or comes after a lost one."""
        last = self._last
        if number is None:
            return "next"
        if last is not None and number <= last:
            return "late"
        self._last = number
        return "next" if last is None or number == last + 1 else "gap"


class CoinbaseOrders:
    """What differs at Coinbase. Cancels that wait go together, a hundred in a request."""

    name = "Coinbase"
    policy = RemotePolicy(
        client_ids="uuid",  # Coinbase advises UUIDs
        can_amend=True,
        amends_stops=False,  # Coinbase: an edit of one has to name its stop price again
        misses=3,
        # Coinbase: orders on their way into the book may not be in the list at first
        lag_us=20 * SECOND_US,
        answer_us=LONGEST_US + 5 * SECOND_US,
        query_us=3 * SECOND_US,
        fills_us=SECOND_US,
        queries=4,
    )
    most_sent = MOST_SEQUENCES
    reading_us = 0
    patience_us = NEVER_US
    cancels_per_request = limits.CANCELS_PER_REQUEST
    switch = None
    """Coinbase has none."""

    def __init__(self, settings: OrderSettings, names: InstrumentNames, random: Random) -> None:
        """Raises ValueError if the secret cannot be one of Coinbase."""
        self._names = names
        self._signer = Signer(settings, random)
        self._instruments = OrderInstruments()
        self.clock = OrderClock(TIME, self._instruments.read)
        self.budgets = RequestBudgets(limits.ORDER_BUDGETS, settings.limits)
        times = LinkTimes(limits.SILENT_US)
        self.links = (PrivateLinkKind("private", self._signer.ws_url, times, takes_orders=False),)
        self._placed = PlacedTimes()
        self._numbers: dict[str, FrameNumbers] = {}
        """By link."""

    # --- links --------------------------------------------------------------------------------------

    def opened(self, link: str) -> Sequence[str]:
        """Subscribe within five seconds, one channel a message, each with a token of its own."""
        self._numbers[link] = FrameNumbers()
        token = self._signer.token
        return [_subscription(name, token(self.clock.venue_us)) for name in CHANNELS]

    def closed(self, link: str) -> None:
        """Forget the numbers of its frames."""
        self._numbers.pop(link, None)

    def read(self, link: str, data: str | bytes, *, is_up: bool) -> Sequence[OrderReading[CoinbaseAnswer]]:
        """Return what a frame is. Raises ValueError, RecursionError."""
        frame = messages.read(data)
        if frame.type == "error":
            self.clock.read_soon(RETRY_US)  # a token may be refused because of the clock
            return (UselessLink(f"refused: {frame.message[:80]}", REFUSED_US),)
        match self._numbers[link].take(frame.sequence_num):
            case "gap":  # a frame of any channel is lost: the account is reconciled anew
                return (UselessLink("sequence_gap"),)
            case "next" if frame.channel == "subscriptions":
                # a frame of subscriptions names all of the connection
                names = {name for event in frame.events for name in event.subscriptions}
                return (SignedIn(),) if not is_up and names.issuperset(CHANNELS) else ()
            case "next" if frame.channel == "user":
                shown = map(self._order, messages.orders(frame))
                return [order for order in shown if order is not None]
        return ()

    def _order(self, row: messages.UserOrder) -> ShownOrder | None:
        """Return what the channel says of an order."""
        try:
            seen = account_requests.user_order_seen(row)
        except AmountError:
            return None
        if seen is None:
            return None  # a new status: the reconciliation asks for the order
        if seen.state != "open":
            self._placed.ended(seen.client_id)
        return ShownOrder(seen.client_id, seen.venue_order_id, (seen,))

    # --- requests about orders ----------------------------------------------------------------------

    def place(self, command: PlaceOrder, number: int, *, on_link: bool) -> RestSteps[CoinbaseAnswer]:
        """Return the request that places an order. Raises UnplaceableError, AmountError."""
        native = self._names.native(bare(command.symbol))
        product = None if native is None else self._instruments.product(native)
        if product is None:
            raise UnplaceableError(Code.UNKNOWN_SYMBOL, "Coinbase has not told the instrument")
        body = order_requests.place(command, product.product_id, product.base_increment)
        return _place(number, command, body)

    def amend(self, command: AmendOrder, number: int, *, on_link: bool) -> RestSteps[CoinbaseAnswer]:
        """Return the requests that amend an order. Raises UnplaceableError: it has no id of Coinbase yet."""
        if not command.venue_order_id:
            raise UnplaceableError(Code.VENUE_UNAVAILABLE, "Coinbase has not told the id of the order")
        return account_requests.amend(command, number)

    def cancel(self, commands: Mapping[int, CancelOrder], *, on_link: bool) -> RestSteps[CoinbaseAnswer]:
        """Return the request that cancels orders."""
        return _cancel(commands)

    def can_cancel(self, command: CancelOrder) -> bool:
        """Return whether the order has an id of Coinbase: our id does not name it."""
        return bool(command.venue_order_id)

    def spend(self, number: int, request: OrderRequest, *, on_link: bool) -> bool:
        """Return whether a request may be sent now. What it costs is spent when it is sent."""
        may_send = self.budgets.free_us("order", "", self.clock.now_us) <= self.clock.now_us
        if may_send and isinstance(request, PlaceOrder):
            self._placed.placed(request.client_id, self.clock.venue_us)
        return may_send

    def cancel_free_us(self, symbol: str) -> int:
        """Return when the next cancels may be sent."""
        return self.budgets.free_us("order", "", self.clock.now_us)

    def outcome(self, request: OrderRequest, answer: CoinbaseAnswer) -> CoinbaseAnswer:
        """Return what an answer says of its request."""
        return answer

    # --- reads --------------------------------------------------------------------------------------

    def query(self, command: QueryOrder) -> Steps:
        """Ask for an order, with its executions."""
        native = self._names.native(bare(command.symbol)) or bare(command.symbol)
        placed_us = self._placed.get(command.client_id)
        if placed_us is None:  # another process placed it
            since_us = self.clock.venue_us - account_requests.LOOK_BACK_US
        else:
            since_us = placed_us - account_requests.MARGIN_US
        return account_requests.query(command, native, since_us, self._instruments)

    def reconcile(self, command: Reconcile) -> Steps:
        """Ask for the account."""
        return account_requests.reconcile(command, self._instruments, self.clock.venue_us)

    def sign(self, number: int, request: HttpRequest, date_us: int) -> Fetch:
        """Return what is sent for a request by REST."""
        return self._signer.fetch(number, request, self.clock.venue_us)

    def look_at(self, answer: Answer) -> None:
        """Take in what an answer says about the rate limit and the clock."""
        if answer.status == 429:
            self.budgets.block(self.clock.now_us + limits.TOO_MANY_US)
        elif answer.status == 401:
            self.clock.read_soon(RETRY_US)


def order_adapter(
    settings: OrderSettings, names: InstrumentNames, random: Random
) -> ExchangeOrderAdapter[CoinbaseAnswer]:
    """Return the order adapter of Coinbase. Raises ValueError if the secret cannot be one of Coinbase."""
    return ExchangeOrderAdapter(CoinbaseOrders(settings, names, random), random)


def _place(number: int, command: PlaceOrder, body: bytes) -> RestSteps[CoinbaseAnswer]:
    answer = yield HttpRequest(PLACE, "", "POST", body, "order")
    return (Answered(number, order_codes.placed(command, answer)),)


def _cancel(commands: Mapping[int, CancelOrder]) -> RestSteps[CoinbaseAnswer]:
    body = order_requests.cancel(commands.values())
    answer = yield HttpRequest(CANCEL, "", "POST", body, "order")
    if answer.status == 429:
        return _of_all(commands, [TryAgain()] * len(commands))
    if answer.status != 200:
        is_refused = order_codes.refusal(answer) is not None
        outcome: Literal["refused", "unknown"] = "refused" if is_refused else "unknown"
        return _of_all(commands, (CancelAnswer(one.client_id, outcome) for one in commands.values()))
    results = {one.order_id: one for one in messages.result(answer, messages.Cancelled).results}
    told = (order_codes.cancelled(one, results.get(one.venue_order_id)) for one in commands.values())
    return _of_all(commands, told)


def _of_all(
    commands: Mapping[int, CancelOrder], answers: Iterable[CoinbaseAnswer]
) -> Sequence[Answered[CoinbaseAnswer]]:
    return [Answered(number, answer) for number, answer in zip(commands, answers, strict=True)]


def _subscription(channel: str, token: str) -> str:
    return msgspec.json.encode({"type": "subscribe", "channel": channel, "jwt": token}).decode()

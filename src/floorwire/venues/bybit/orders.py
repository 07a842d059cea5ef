"""Orders of one account at Bybit (spot): sent on the trade WebSocket or by REST, told on the private one.

Source: the API guide of Bybit, version 5. ``docs/venues.md`` says what is believed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import msgspec

from floorwire.core.codes import Code
from floorwire.core.microseconds import SECOND_US
from floorwire.core.order_ports import InstrumentNames, OrderSettings
from floorwire.core.ports import Answer, Fetch, Random
from floorwire.core.remote_order_messages import (
    AmendAnswer,
    AmendOrder,
    CancelOrder,
    OrderAnswer,
    OrderSeen,
    PlaceOrder,
    QueryOrder,
    Reconcile,
    RemotePolicy,
)
from floorwire.core.venue_names import bare
from floorwire.venues.bybit import account_requests, limits, order_requests
from floorwire.venues.bybit import order_messages as messages
from floorwire.venues.bybit.order_amends import OrderAmends
from floorwire.venues.bybit.order_codes import (
    ALREADY_SIGNED_IN,
    BAD_CLOCK,
    DONE,
    TOO_MANY,
    TRADE_SERVICE_RESTARTS,
    outcome,
    verdict,
)
from floorwire.venues.bybit.signing import Signer, window_ms
from floorwire.venues.common.cancel_all_switch import CancelAllSwitch
from floorwire.venues.common.order_adapter import ExchangeOrderAdapter
from floorwire.venues.common.order_clock import DateRequest, OrderClock
from floorwire.venues.common.order_exchange import (
    Answered,
    LinkEndsSoon,
    OrderCall,
    OrderReading,
    RestSteps,
    ShownOrder,
    SignedIn,
    SignInStep,
    TryAgain,
    UnplaceableError,
    UselessLink,
)
from floorwire.venues.common.order_outcomes import OrderOutcome, OrderRequest, kind_of
from floorwire.venues.common.private_link import LinkTimes
from floorwire.venues.common.private_links import PrivateLinkKind
from floorwire.venues.common.request_budgets import RequestBudgets
from floorwire.venues.common.request_sequences import (
    LONGEST_US,
    MOST_SEQUENCES,
    BadAnswerError,
    HttpRequest,
    Steps,
)

PRIVATE = "private"
TRADE = "trade"
TOPICS = ("order.spot", "execution.spot")
DCP_TOPIC = "dcp.spot"
DCP = "dcp"
"""The id of the request for this topic."""
PATHS = {"place": "/v5/order/create", "amend": "/v5/order/amend", "cancel": "/v5/order/cancel"}
OPS = {"place": "order.create", "amend": "order.amend", "cancel": "order.cancel"}
PING = '{"op":"ping"}'
TIME = DateRequest(HttpRequest("/v5/market/time", budget="time", is_signed=False), messages.date_us)
RETRY_CANCEL_US = SECOND_US // 2
MOST_TRIES = 3
"""How often a cancel is sent that Bybit asks to send again."""
MOST_RETRIED = 1_000
REFUSED_US = 10 * SECOND_US
"""The least wait after Bybit refused a sign-in or a subscription."""
SHORT = 2_000
"""Refusals are shorter than this."""

BybitAnswer: TypeAlias = messages.PlacedRow | OrderSeen
"""The answer to a request, or the state of an order that shows that its amend is done."""


class BybitOrders:
    """What differs at Bybit."""

    name = "Bybit"
    policy = RemotePolicy(
        client_ids="text",  # Bybit: at most 36 of letters, digits, - and _
        can_amend=True,
        misses=3,
        # Bybit: an order may be in no list for some ten seconds; and it may be accepted for two
        lag_us=15 * SECOND_US,
        answer_us=LONGEST_US + 5 * SECOND_US,
    )
    most_sent = MOST_SEQUENCES
    reading_us = 0
    patience_us = 10 * SECOND_US
    cancels_per_request = 1

    def __init__(self, settings: OrderSettings, names: InstrumentNames) -> None:
        """Raises ValueError where the secret is none that Bybit has."""
        self._names = names
        self._signer = Signer(settings)
        self.clock = OrderClock(TIME)
        self.budgets = RequestBudgets(limits.ORDER_BUDGETS, settings.limits)
        times = LinkTimes(limits.PRIVATE_SILENT_US, limits.PRIVATE_PING_US)
        self.links = [
            PrivateLinkKind(PRIVATE, self._signer.private_url, times, takes_orders=False, ping=PING)
        ]
        if self._signer.trade_url is not None:
            self.links.append(
                PrivateLinkKind(TRADE, self._signer.trade_url, times, takes_orders=True, ping=PING)
            )
        after_s = settings.cancel_all_after_s
        self.switch = None if after_s is None else CancelAllSwitch(after_s, self._cancel_on_disconnect)
        self._dcp_refusal = ""
        """Why Bybit refused its topic: without that it does not act."""
        self._amends = OrderAmends()
        self._cancel_tries: dict[str, int] = {}
        """By client id: how often a cancel was sent that is sent again. At most ``MOST_RETRIED``."""

    # --- links --------------------------------------------------------------------------------------

    def opened(self, link: str) -> Sequence[str]:
        """Sign in."""
        return (self._signer.sign_in(self.clock.venue_us),)

    def closed(self, link: str) -> None:
        """Forget how often cancels were sent on a trade link."""
        if not link.startswith(PRIVATE):
            self._cancel_tries.clear()

    def read(self, link: str, data: str | bytes, *, is_up: bool) -> Sequence[OrderReading[BybitAnswer]]:
        """Return what a frame is. Raises ValueError, RecursionError."""
        frame = messages.read(data)
        if not link.startswith(PRIVATE):
            return _trade_frame(frame) if is_up else _trade_sign_in(frame)
        if frame.req_id == DCP:
            self._dcp_refusal = "" if frame.success else f"Bybit refused the topic: {frame.ret_msg[:100]}"
            return ()
        topic = frame.topic.partition(".")[0]
        if topic == "order":
            orders = messages.usable_rows(frame, messages.ORDER)
            return [reading for row in orders for reading in self._order_row(row)]
        if topic == "execution":
            executions = messages.usable_rows(frame, messages.EXECUTION)
            return [reading for row in executions for reading in self._execution_row(row)]
        return () if is_up else self._sign_in(frame)

    def _sign_in(self, frame: messages.PrivateFrame) -> Sequence[OrderReading[BybitAnswer]]:
        if frame.op not in ("auth", "subscribe"):
            return ()
        if not frame.success:
            self.clock.read_soon()
            return (UselessLink(f"refused: {frame.ret_msg[:100]}", REFUSED_US),)
        if frame.op == "auth":
            topics = [_subscription(TOPICS)]
            if self.switch is not None:  # alone: a topic that Bybit refuses refuses all of a request
                topics.insert(0, _subscription((DCP_TOPIC,), DCP))
            return (SignInStep(topics),)
        return (SignedIn(),)

    def _cancel_on_disconnect(self, seconds: int) -> Steps:
        reports = yield from account_requests.cancel_on_disconnect(seconds)
        if self._dcp_refusal:
            raise BadAnswerError(self._dcp_refusal)
        return reports

    def _order_row(self, row: messages.OrderRow) -> Sequence[OrderReading[BybitAnswer]]:
        """Return what an order in the topic says, and the amend that it shows to be done."""
        try:
            seen = account_requests.order_seen(row)
        except ValueError:
            return ()
        if row.category != "spot" or seen is None:
            return ()
        shown = ShownOrder(row.order_link_id, row.order_id, (seen,))
        number = self._amends.seen(seen)
        return (shown,) if number is None else (Answered(number, seen), shown)

    def _execution_row(self, row: messages.ExecutionRow) -> Sequence[ShownOrder]:
        try:
            found = account_requests.executed(row, self._names)
        except ValueError:
            return ()
        return () if found is None else (ShownOrder(row.order_link_id, row.order_id, (found,)),)

    # --- requests about orders ----------------------------------------------------------------------

    def place(self, command: PlaceOrder, number: int, *, on_link: bool) -> OrderCall[BybitAnswer]:
        """Return the request that places an order. Raises UnplaceableError."""
        native = self._names.native(bare(command.symbol))
        if native is None:
            raise UnplaceableError(Code.UNKNOWN_SYMBOL, "Bybit does not list it")
        return self._call("place", number, order_requests.place(command, native), on_link=on_link)

    def amend(self, command: AmendOrder, number: int, *, on_link: bool) -> OrderCall[BybitAnswer]:
        """Return the request that amends an order. Raises UnplaceableError."""
        native = self._names.native(bare(command.symbol))
        if native is None:
            raise UnplaceableError(Code.VENUE_UNAVAILABLE, "Bybit does not list it")
        argument = self._amends.argument(command, native)
        if argument is None:
            raise UnplaceableError(Code.VENUE_REJECTED, "Bybit refuses an amend that changes nothing")
        return self._call("amend", number, argument, on_link=on_link)

    def cancel(self, commands: Mapping[int, CancelOrder], *, on_link: bool) -> OrderCall[BybitAnswer]:
        """Return the request that cancels an order."""
        [(number, command)] = commands.items()
        native = self._names.native(bare(command.symbol)) or bare(command.symbol)
        return self._call("cancel", number, order_requests.cancel(command, native), on_link=on_link)

    def _call(
        self, kind: str, number: int, argument: order_requests.Argument, *, on_link: bool
    ) -> OrderCall[BybitAnswer]:
        if not on_link:
            return _by_rest(kind, number, argument)
        request_id = f"{self.clock.date_us}-{number}"  # none comes again in another process
        return messages.request(request_id, OPS[kind], argument, self.clock.venue_us, window_ms(kind))

    def can_cancel(self, command: CancelOrder) -> bool:
        """Return whether the instrument is listed."""
        return self._names.native(bare(command.symbol)) is not None

    def spend(self, number: int, request: OrderRequest, *, on_link: bool) -> bool:
        """Take what the request costs, if it may be sent now, and remember the limit of its order."""
        kind = kind_of(request)
        if self.budgets.free_us(kind, "", self.clock.now_us) > self.clock.now_us:
            return False
        if on_link:
            self.budgets.spend(kind, "", self.clock.now_us)
        if isinstance(request, PlaceOrder):
            self._amends.limit(request.client_id, request.price, request.quantity)
        elif isinstance(request, AmendOrder):
            self._amends.sent(request, number)
        return True

    def cancel_free_us(self, symbol: str) -> int:
        """Return when the next cancel may be sent."""
        return self.budgets.free_us("cancel", "", self.clock.now_us)

    def outcome(self, request: OrderRequest, answer: BybitAnswer) -> OrderOutcome | TryAgain | None:
        """Return what an answer says of its request."""
        if isinstance(answer, OrderSeen):
            return AmendAnswer(request.client_id, "amended", updated=answer.updated)
        if answer.code in TOO_MANY:
            self.budgets.block(self.clock.now_us + limits.TOO_MANY_US)
        if answer.code == BAD_CLOCK:
            self.clock.read_soon()
        if isinstance(request, CancelOrder) and self._may_try_again(request, answer):
            return TryAgain(RETRY_CANCEL_US)
        if isinstance(request, AmendOrder):
            if answer.code == DONE:
                return None  # Bybit: it is accepted for processing. The stream has the result
            self._amends.ended(request.client_id)
        return outcome(request, answer)

    def _may_try_again(self, cancel: CancelOrder, row: messages.PlacedRow) -> bool:
        tries = self._cancel_tries.pop(cancel.client_id, 1)
        had_no_effect = row.code == BAD_CLOCK or verdict(row.code, row.text) == "again"
        if not had_no_effect or tries >= MOST_TRIES or len(self._cancel_tries) >= MOST_RETRIED:
            return False
        self._cancel_tries[cancel.client_id] = tries + 1
        return True

    # --- reads --------------------------------------------------------------------------------------

    def query(self, command: QueryOrder) -> Steps:
        """Ask for an order, with its executions."""
        reports = yield from account_requests.query(command, self._names)
        for report in reports:
            if isinstance(report, OrderAnswer) and report.seen is not None:
                self._amends.seen(report.seen)
        return reports

    def reconcile(self, command: Reconcile) -> Steps:
        """Ask for the account."""
        return account_requests.reconcile(command, self._names, self.clock.venue_us)

    def sign(self, number: int, request: HttpRequest, date_us: int) -> Fetch:
        """Return what is sent for a request by REST."""
        return self._signer.fetch(number, request, self.clock.venue_us)

    def look_at(self, answer: Answer) -> None:
        """Take in what an answer says about rate limits and clocks."""
        if answer.status == 403:  # Bybit: too many requests of the address; stop for ten minutes
            self.budgets.block_address(self.clock.now_us + limits.BANNED_US)
            return
        code = messages.code_of(answer) if len(answer.body) < SHORT else None
        if answer.status == 429 or code in TOO_MANY:
            self.budgets.block(self.clock.now_us + limits.TOO_MANY_US)
        elif code == BAD_CLOCK:
            self.clock.read_soon()


def order_adapter(
    settings: OrderSettings, names: InstrumentNames, random: Random
) -> ExchangeOrderAdapter[BybitAnswer]:
    """Return the order adapter of Bybit. Raises ValueError where the secret is none that Bybit has."""
    return ExchangeOrderAdapter(BybitOrders(settings, names), random)


def _subscription(topics: Sequence[str], request_id: str = "") -> str:
    named = {"req_id": request_id} if request_id else {}
    return msgspec.json.encode({**named, "op": "subscribe", "args": topics}).decode()


def _by_rest(kind: str, number: int, argument: order_requests.Argument) -> RestSteps[BybitAnswer]:
    answer = yield HttpRequest(PATHS[kind], "", "POST", msgspec.json.encode(argument), kind)
    return (Answered(number, messages.placed(answer)),)


def _trade_sign_in(frame: messages.PrivateFrame) -> Sequence[OrderReading[BybitAnswer]]:
    if frame.op != "auth":
        return ()
    if frame.ret_code in (DONE, ALREADY_SIGNED_IN):
        return (SignedIn(),)
    return (UselessLink(f"refused: {frame.ret_code} {frame.text[:100]}", REFUSED_US),)


def _trade_frame(frame: messages.PrivateFrame) -> Sequence[OrderReading[BybitAnswer]]:
    number = frame.request_id.rpartition("-")[2]
    if not (number.isdecimal() and number.isascii()):
        return ()
    row = messages.placed_on_socket(frame)
    answered = Answered(int(number[:20]), row)
    if row.code == TRADE_SERVICE_RESTARTS:
        return (LinkEndsSoon(takes_requests=False), answered)
    return (answered,)

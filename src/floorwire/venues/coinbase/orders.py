"""Orders of one account at Coinbase Advanced Trade: by REST, while a private stream shows them.

Source: the guide of Coinbase, "Advanced Trade". ``docs/venues.md`` says what is believed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, assert_never

import msgspec

from floorwire.core.codes import Code
from floorwire.core.order_ports import InstrumentNames, OrderAdapterInput, OrderAdapterOutput, OrderSettings
from floorwire.core.ports import Answer, Closed, Fetch, Frame, Opened, Random, Send
from floorwire.core.remote_orders import (
    AmendAnswer,
    AmendOrder,
    CancelAnswer,
    CancelOrder,
    LinkDown,
    LinkUp,
    PlaceAnswer,
    PlaceOrder,
    QueryFailed,
    QueryOrder,
    Reconcile,
    ReconcileFailed,
    RemoteCommand,
    RemotePolicy,
    RemoteReport,
)
from floorwire.core.venue_names import bare
from floorwire.venues.coinbase import account, limits, order_codes, order_requests
from floorwire.venues.coinbase import order_messages as messages
from floorwire.venues.coinbase.frame_numbers import FrameNumbers
from floorwire.venues.coinbase.order_reference import OrderReference
from floorwire.venues.coinbase.signing import Signer
from floorwire.venues.common.order_amounts import AmountError
from floorwire.venues.common.order_outcomes import rejected, unknown
from floorwire.venues.common.placed_times import PlacedTimes
from floorwire.venues.common.private_link import LinkTimes, PrivateLink, PrivateLinkState
from floorwire.venues.common.request_budgets import RequestBudgets
from floorwire.venues.common.request_sequences import LONGEST_US, HttpRequest, RequestSequences, Steps
from floorwire.venues.common.socket_requests import SocketRequests
from floorwire.venues.common.unplaceable import UnplaceableError
from floorwire.venues.common.waiting_cancels import WaitingCancels
from floorwire.venues.common.wake_timer import WakeTimer

SECOND_US = 1_000_000
LINK = "private"
PLACE = "/api/v3/brokerage/orders"
CANCEL = "/api/v3/brokerage/orders/batch_cancel"
CHANNELS = ("heartbeats", "user")
"""Coinbase: without heartbeats a quiet channel is closed."""
REFUSED_US = 10 * SECOND_US
"""The least wait after Coinbase refused a subscription."""
WAIT_US = LONGEST_US + 5 * SECOND_US
"""Longer than any sequence of requests takes, with its wait for the rate limit: each ends by itself."""


class CoinbaseOrders:
    """The order adapter of Coinbase.

    ``SocketRequests`` (orders without an answer), ``WaitingCancels`` and ``RequestSequences`` are its queues,
    with their limits. Cancels that wait go together, a hundred in a request.
    """

    policy = RemotePolicy(
        client_ids="uuid",  # Coinbase advises UUIDs
        can_amend=True,
        misses=3,
        # Coinbase: orders on their way into the book may not be in the list at first
        lag_us=20 * SECOND_US,
        answer_us=WAIT_US,
        query_us=3 * SECOND_US,
        fills_us=SECOND_US,
        queries=4,
    )

    def __init__(self, settings: OrderSettings, names: InstrumentNames, random: Random) -> None:
        """Raises ValueError if the secret cannot be one of Coinbase."""
        self._names = names
        self._signer = Signer(settings, random)
        self._reference = OrderReference()
        self._budgets = RequestBudgets(limits.ORDER_BUDGETS, settings.limits)
        self._reads = RequestSequences(self._sign, self._budgets)
        self._link = PrivateLink(LINK, LinkTimes(limits.SILENT_US), random)
        self._requests = SocketRequests(WAIT_US)
        self._cancels = WaitingCancels()
        self._placed = PlacedTimes()
        self._numbers = FrameNumbers()
        self._wake = WakeTimer()
        self._now_us = 0
        self._date_us = 0

    # --- the port -----------------------------------------------------------------------------------

    def start(self, now_us: int, date_us: int) -> Sequence[OrderAdapterOutput]:
        """Ask for the venue's clock and instruments; then the private link is opened."""
        self._at(now_us, date_us)
        return self._with_due([])

    def command(self, command: RemoteCommand, now_us: int, date_us: int) -> Sequence[OrderAdapterOutput]:
        """Return what follows from a command."""
        self._at(now_us, date_us)
        outputs: list[OrderAdapterOutput] = []
        if isinstance(command, PlaceOrder):
            outputs += self._place(command)
        elif isinstance(command, AmendOrder):
            outputs += self._amend(command)
        elif isinstance(command, CancelOrder):
            outputs += self._cancel(command)
        elif isinstance(command, QueryOrder):
            placed_us = self._placed.get(command.client_id)
            steps = account.query(command, self._native(command.symbol), placed_us, self._reference)
            outputs += self._reads.begin(steps, (QueryFailed(command.query),), now_us, date_us)
        elif isinstance(command, Reconcile):
            steps = account.reconcile(command, self._reference)
            outputs += self._reads.begin(steps, (ReconcileFailed(command.request),), now_us, date_us)
        else:
            assert_never(command)
        return self._with_due(outputs)

    def receive(self, happened: OrderAdapterInput, now_us: int, date_us: int) -> Sequence[OrderAdapterOutput]:
        """Return what follows from one input. Never raises on anything that Coinbase sent."""
        self._at(now_us, date_us)
        outputs: list[OrderAdapterOutput] = []
        if isinstance(happened, Frame):
            if happened.link == LINK and self._link.received(now_us):
                outputs += self._frame(happened.data)
        elif isinstance(happened, Answer):
            self._look_at(happened)
            outputs += self._reads.answered(happened, now_us, date_us)
        elif isinstance(happened, Opened):
            if happened.link == LINK and self._link.opened(now_us):
                outputs += self._subscribe()
        elif isinstance(happened, Closed):
            if happened.link == LINK:
                outputs += self._down()
                self._link.lost(now_us)
        else:
            self._wake.woke()
        return self._with_due(outputs)

    # --- commands -----------------------------------------------------------------------------------

    def _place(self, command: PlaceOrder) -> list[OrderAdapterOutput]:
        native = self._names.native(bare(command.symbol))
        product = None if native is None else self._reference.product(native)
        if product is None:
            return [rejected(command, Code.UNKNOWN_SYMBOL, "Coinbase has not told the instrument")]
        if not self._link.is_up:
            return [rejected(command, Code.VENUE_UNAVAILABLE, "the private link is down")]
        try:
            body = order_requests.place(command, product.product_id, product.base_increment)
        except UnplaceableError as error:
            return [rejected(command, error.code, str(error))]
        except AmountError as error:
            return [rejected(command, Code.VENUE_REJECTED, str(error))]
        if self._requests.is_full or not self._may_send:
            return [rejected(command, Code.RATE_LIMITED, "the rate limit of Coinbase is used up")]
        self._placed.placed(command.client_id, self._reference.venue_us)
        number = self._requests.add(command, self._now_us)
        steps = self._place_steps(command, number, body)
        return self._reads.begin(steps, (), self._now_us, self._date_us)

    def _place_steps(self, command: PlaceOrder, number: int, body: bytes) -> Steps:
        """Place an order, once. Where the stream shows it first, the answer has nothing to add."""
        answer = yield HttpRequest(PLACE, "", "POST", body, "order")
        try:
            outcome = order_codes.placed(command, answer)
        except (ValueError, RecursionError):
            outcome = PlaceAnswer(command.client_id, "unknown")
        return () if self._requests.take(number) is None else (outcome,)

    def _amend(self, command: AmendOrder) -> list[OrderAdapterOutput]:
        if not command.venue_order_id or not self._link.is_up:
            return [AmendAnswer(command.client_id, "refused", Code.VENUE_UNAVAILABLE)]
        if not self._may_send:
            return [AmendAnswer(command.client_id, "refused", Code.RATE_LIMITED)]
        steps = account.amend(command)
        return self._reads.begin(steps, (unknown(command),), self._now_us, self._date_us)

    def _cancel(self, command: CancelOrder) -> list[OrderAdapterOutput]:
        """Let a cancel wait for those of the same turn, and for the rate limit."""
        if not command.venue_order_id or not self._cancels.add(command):
            return [unknown(command)]
        return []

    def _send_cancels(self) -> list[OrderAdapterOutput]:
        outputs: list[OrderAdapterOutput] = []
        while len(self._cancels) and self._may_send:
            commands = self._cancels.take(limits.CANCELS_PER_REQUEST)
            failed = tuple(unknown(command) for command in commands)
            outputs += self._reads.begin(self._cancel_steps(commands), failed, self._now_us, self._date_us)
        return outputs

    def _cancel_steps(self, commands: list[CancelOrder]) -> Steps:
        answer = yield HttpRequest(CANCEL, "", "POST", order_requests.cancel(commands), "order")
        if answer.status == 429:  # they had no effect, and may be sent again
            return tuple(unknown(command) for command in commands if not self._cancels.add(command))
        if answer.status != 200:
            is_refused = order_codes.refusal(answer) is not None
            outcome: Literal["refused", "unknown"] = "refused" if is_refused else "unknown"
            return tuple(CancelAnswer(command.client_id, outcome) for command in commands)
        results = {one.order_id: one for one in messages.result(answer, messages.Cancelled).results}
        return tuple(order_codes.cancelled(one, results.get(one.venue_order_id)) for one in commands)

    @property
    def _may_send(self) -> bool:
        is_free = self._budgets.free_us("order", "", self._now_us) <= self._now_us
        return is_free and not self._reads.is_full

    # --- frames -------------------------------------------------------------------------------------

    def _subscribe(self) -> list[OrderAdapterOutput]:
        """Subscribe within five seconds, one channel a message, each with a token of its own."""
        self._numbers = FrameNumbers()
        token = self._signer.token
        return [Send(LINK, _subscription(name, token(self._reference.venue_us))) for name in CHANNELS]

    def _frame(self, data: str | bytes) -> list[OrderAdapterOutput]:
        try:
            frame = messages.read(data)
            if frame.type == "error":
                self._reference.read_soon()  # a token may be refused because of the clock
                return self._close(f"refused: {frame.message[:80]}", REFUSED_US)
            match self._numbers.take(frame.sequence_num):
                case "gap":  # a frame of any channel is lost: the account is reconciled anew
                    return self._close("sequence_gap")
                case "next" if frame.channel == "subscriptions":
                    return self._subscribed(frame)
                case "next" if frame.channel == "user":
                    return [report for row in messages.orders(frame) for report in self._order(row)]
        except (ValueError, RecursionError):
            return []  # a bad frame costs a frame
        return []

    def _subscribed(self, frame: messages.UserFrame) -> list[OrderAdapterOutput]:
        """A frame of subscriptions names all of the connection."""
        names = {name for event in frame.events for name in event.subscriptions}
        if self._link.is_up or not names.issuperset(CHANNELS):
            return []
        self._link.accepted(self._now_us)
        return [LinkUp()]

    def _order(self, row: messages.UserOrder) -> list[RemoteReport]:
        """Return what the channel says of an order. That it is there answers the request that placed it."""
        try:
            seen = account.user_order_seen(row)
        except AmountError:
            return []
        if seen is None:
            return []  # a new status: the reconciliation asks for the order
        if seen.state != "open":
            self._placed.ended(seen.client_id)
        return [*self._requests.shown(seen.client_id, seen.venue_order_id), seen]

    # --- the link -----------------------------------------------------------------------------------

    def _close(self, why: str, wait_us: int = 0) -> list[OrderAdapterOutput]:
        return [*self._down(), *self._link.close(why, self._now_us, wait_us)]

    def _down(self) -> list[OrderAdapterOutput]:
        """Answers of REST still come: only the stream is down."""
        return [LinkDown()] if self._link.is_up else []

    # --- time ---------------------------------------------------------------------------------------

    def _at(self, now_us: int, date_us: int) -> None:
        self._now_us, self._date_us = now_us, date_us
        self._reference.at(now_us, date_us)

    def _with_due(self, outputs: list[OrderAdapterOutput]) -> list[OrderAdapterOutput]:
        """Return the outputs, then what is due, then the time of the next wake."""
        now_us = self._now_us
        if self._reference.is_due:
            outputs += self._reads.begin(self._reference.read(), (), now_us, self._date_us)
        outputs += self._requests.overdue(now_us)
        outputs += self._link_due()
        outputs += self._reads.wake(now_us, self._date_us)
        outputs += self._send_cancels()
        outputs += self._wake.at(self._due_us())
        return outputs

    def _link_due(self) -> list[OrderAdapterOutput]:
        match self._link.due(self._now_us):
            case "open" if self._reference.is_complete:
                return [self._link.open(self._signer.ws_url, self._now_us)]
            case "silent":
                return self._close("silent")
            case "not_accepted":
                return self._close("not_accepted")
            case "lost":
                self._link.lost(self._now_us)
        return []

    def _due_us(self) -> int:
        now_us = self._now_us
        due_us = min(self._reference.wake_us, self._requests.due_us(), self._reads.due_us(now_us))
        if self._reference.is_complete or self._link.state is not PrivateLinkState.WAITING:
            due_us = min(due_us, self._link.due_us())
        if len(self._cancels):
            free_us = self._budgets.free_us("order", "", now_us)
            due_us = min(due_us, max(free_us, now_us + limits.RETRY_CANCEL_US))
        return due_us

    # --- requests -----------------------------------------------------------------------------------

    def _sign(self, number: int, request: HttpRequest, _date_us: int) -> Fetch:
        return self._signer.fetch(number, request, self._reference.venue_us)

    def _look_at(self, answer: Answer) -> None:
        """Take in what an answer says about the rate limit and the clock."""
        if answer.status == 429:
            self._budgets.block(self._now_us + limits.TOO_MANY_US)
        elif answer.status == 401:
            self._reference.read_soon()

    def _native(self, symbol: str) -> str:
        return self._names.native(bare(symbol)) or bare(symbol)


def _subscription(channel: str, token: str) -> str:
    return msgspec.json.encode({"type": "subscribe", "channel": channel, "jwt": token}).decode()

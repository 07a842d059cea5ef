"""Orders of one account at Bybit (spot): sent on the trade WebSocket or by REST, told on the private one.

Source: the API guide of Bybit, version 5. ``docs/venues.md`` says what is believed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

import msgspec

from floorwire.core.codes import Code
from floorwire.core.order_ports import InstrumentNames, OrderAdapterInput, OrderAdapterOutput, OrderSettings
from floorwire.core.ports import Answer, Close, Closed, Fetch, Frame, Opened, Random, Send
from floorwire.core.remote_orders import (
    AmendAnswer,
    AmendOrder,
    CancelOrder,
    LinkDown,
    LinkUp,
    OrderAnswer,
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
from floorwire.venues.bybit import account, limits, order_requests, trade_link
from floorwire.venues.bybit import order_messages as messages
from floorwire.venues.bybit.order_amends import OrderAmends
from floorwire.venues.bybit.order_clock import OrderClock
from floorwire.venues.bybit.order_codes import (
    BAD_CLOCK,
    DONE,
    TOO_MANY,
    TRADE_SERVICE_RESTARTS,
    outcome,
    verdict,
)
from floorwire.venues.bybit.signing import Signer, window_ms
from floorwire.venues.bybit.trade_link import TradeLink
from floorwire.venues.common.order_outcomes import rejected, unknown
from floorwire.venues.common.placing_orders import PlacingOrders
from floorwire.venues.common.private_link import LinkTimes, PrivateLink, PrivateLinkState
from floorwire.venues.common.private_stream_watch import PrivateStreamWatch
from floorwire.venues.common.request_budgets import RequestBudgets
from floorwire.venues.common.request_sequences import HttpRequest, RequestSequences, Steps
from floorwire.venues.common.socket_requests import SocketRequests
from floorwire.venues.common.unplaceable import UnplaceableError
from floorwire.venues.common.waiting_cancels import WaitingCancels
from floorwire.venues.common.wake_timer import WakeTimer

SECOND_US = 1_000_000
LINK = "private"
TOPICS = ("order.spot", "execution.spot")
PATHS = {"place": "/v5/order/create", "amend": "/v5/order/amend", "cancel": "/v5/order/cancel"}
OPS = {"place": "order.create", "amend": "order.amend", "cancel": "order.cancel"}
RETRY_CANCEL_US = SECOND_US // 2
MOST_TRIES = 3
"""How often a cancel is sent that Bybit asks to send again."""
MOST_RETRIED = 1_000
PATIENCE_US = 10 * SECOND_US
"""So long after an order was accepted the private stream has told of it."""
SHORT = 2_000
"""Refusals are shorter than this."""
TIMES = LinkTimes(limits.PRIVATE_SILENT_US, limits.PRIVATE_PING_US)


class BybitOrders:
    """The order adapter of Bybit.

    ``SocketRequests``, ``WaitingCancels`` and ``RequestSequences`` are its queues, with their limits.
    """

    policy = RemotePolicy(
        client_ids="text",  # Bybit: at most 36 of letters, digits, - and _
        can_amend=True,
        misses=3,
        # Bybit: an order may be in no list for some ten seconds; and it may be accepted for two
        lag_us=15 * SECOND_US,
        answer_us=10 * SECOND_US,
    )

    def __init__(self, settings: OrderSettings, names: InstrumentNames, random: Random) -> None:
        """Raises ValueError where the secret is none that Bybit has."""
        self._names = names
        self._signer = Signer(settings)
        self._clock = OrderClock()
        self._budgets = RequestBudgets(limits.ORDER_BUDGETS, settings.limits)
        self._reads = RequestSequences(self._sign, self._budgets)
        self._link = PrivateLink(LINK, TIMES, random)
        self._trade = TradeLink(self._signer.trade_url, TIMES, random)
        self._requests = SocketRequests(self.policy.answer_us)
        self._placing = PlacingOrders()
        self._amends = OrderAmends()
        self._cancels = WaitingCancels()
        self._cancel_tries: dict[str, int] = {}
        """By client id: how often a cancel was sent that is sent again. At most ``MOST_RETRIED``."""
        self._watch = PrivateStreamWatch(PATIENCE_US)
        self._retry_us = 0
        """When waiting cancels are sent again."""
        self._wake = WakeTimer()
        self._first_us = 0
        """Our date at the start: it makes ids of requests that do not come again."""
        self._now_us = self._date_us = 0

    # --- the port -----------------------------------------------------------------------------------

    def start(self, now_us: int, date_us: int) -> Sequence[OrderAdapterOutput]:
        """Ask for Bybit's time; then the links are opened."""
        self._first_us = date_us
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
            steps = account.query(command, self._names)
            outputs += self._reads.begin(steps, (QueryFailed(command.query),), now_us, date_us)
        elif isinstance(command, Reconcile):
            steps = account.reconcile(command, self._names, self._clock.venue_us)
            outputs += self._reads.begin(steps, (ReconcileFailed(command.request),), now_us, date_us)
        else:
            assert_never(command)
        return self._with_due(outputs)

    def receive(self, happened: OrderAdapterInput, now_us: int, date_us: int) -> Sequence[OrderAdapterOutput]:
        """Return what follows from one input. Never raises on anything that Bybit sent."""
        self._at(now_us, date_us)
        outputs: list[OrderAdapterOutput] = []
        if isinstance(happened, Frame):
            outputs += self._frame(happened)
        elif isinstance(happened, Answer):
            self._look_at(happened)
            outputs += self._reads.answered(happened, now_us, date_us)
            for answer in outputs:
                if isinstance(answer, OrderAnswer) and answer.seen is not None:
                    self._amends.seen(answer.seen)
        elif isinstance(happened, Opened):
            link = self._trade.link if happened.link == self._trade.link.name else self._link
            if happened.link == link.name and link.opened(now_us):
                outputs.append(Send(link.name, self._signer.sign_in(self._clock.venue_us)))
        elif isinstance(happened, Closed):
            outputs += self._closed(happened.link)
        else:
            self._wake.woke()
        return self._with_due(outputs)

    # --- commands -----------------------------------------------------------------------------------

    def _place(self, command: PlaceOrder) -> list[OrderAdapterOutput]:
        native = self._names.native(bare(command.symbol))
        if not self._link.is_up:
            return [rejected(command, Code.VENUE_UNAVAILABLE, "the private link is down")]
        if native is None:
            return [rejected(command, Code.UNKNOWN_SYMBOL, "Bybit does not list it")]
        try:
            argument = order_requests.place(command, native)
        except UnplaceableError as error:
            return [rejected(command, error.code, str(error))]
        if not self._has_budget("place"):
            return [rejected(command, Code.RATE_LIMITED, "the rate limit of Bybit is used up")]
        self._placing.add(command.client_id)
        self._amends.limit(command.client_id, command.price, command.quantity)
        return self._request("place", command, argument)

    def _amend(self, command: AmendOrder) -> list[OrderAdapterOutput]:
        native = self._names.native(bare(command.symbol))
        if not self._link.is_up or native is None:
            return [AmendAnswer(command.client_id, "refused", Code.VENUE_UNAVAILABLE)]
        if not self._has_budget("amend"):
            return [AmendAnswer(command.client_id, "refused", Code.RATE_LIMITED)]
        argument = self._amends.argument(command, native)
        if argument is None:  # Bybit refuses an amend that changes nothing
            return [AmendAnswer(command.client_id, "refused", Code.VENUE_REJECTED)]
        self._amends.sent(command)
        return self._request("amend", command, argument)

    def _cancel(self, command: CancelOrder) -> list[OrderAdapterOutput]:
        """Send a cancel, or let it wait for the rate limit."""
        native = self._names.native(bare(command.symbol))
        if native is None:
            return [unknown(command)]
        if self._has_budget("cancel"):
            return self._request("cancel", command, order_requests.cancel(command, native))
        return [] if self._cancels.add(command) else [unknown(command)]

    def _has_budget(self, kind: str) -> bool:
        """Return whether a request may be sent now, and be answered."""
        is_full = self._requests.is_full if self._trade.takes_orders else self._reads.is_full
        return not is_full and self._budgets.free_us(kind, "", self._now_us) <= self._now_us

    def _request(
        self, kind: str, command: PlaceOrder | AmendOrder | CancelOrder, argument: order_requests.Argument
    ) -> list[OrderAdapterOutput]:
        """Send an order request once, now: on the trade link where it is up, else by REST."""
        if not self._trade.takes_orders:
            steps = self._by_rest(kind, command, argument)
            return self._reads.begin(steps, (unknown(command),), self._now_us, self._date_us)
        self._budgets.spend(kind, "", self._now_us)
        number = self._requests.add(command, self._now_us)
        text = messages.request(
            f"{self._first_us}-{number}", OPS[kind], argument, self._clock.venue_us, window_ms(kind)
        )
        return [Send(self._trade.link.name, text)]

    def _by_rest(
        self, kind: str, command: PlaceOrder | AmendOrder | CancelOrder, argument: order_requests.Argument
    ) -> Steps:
        answer = yield HttpRequest(PATHS[kind], "", "POST", msgspec.json.encode(argument), kind)
        return tuple(self._answered(command, messages.placed(answer)))

    def _answered(
        self, command: PlaceOrder | AmendOrder | CancelOrder, row: messages.PlacedRow
    ) -> list[RemoteReport]:
        """Return what an answer to an order request reports. A cancel may be sent again instead."""
        if row.code == BAD_CLOCK:
            self._clock.read_soon()
        if isinstance(command, CancelOrder):
            tries = self._cancel_tries.pop(command.client_id, 1)
            may_retry = row.code == BAD_CLOCK or verdict(row.code, row.text) == "again"
            may_retry = may_retry and tries < MOST_TRIES and len(self._cancel_tries) < MOST_RETRIED
            if may_retry and self._cancels.add(command):
                self._cancel_tries[command.client_id] = tries + 1
                self._retry_us = self._now_us + RETRY_CANCEL_US
                return []
        if isinstance(command, AmendOrder) and row.code == DONE:
            return []  # Bybit: it is accepted for processing. The stream has the result
        told = outcome(command, row)
        if isinstance(told, PlaceAnswer) and told.outcome == "accepted":
            self._watch.accepted(told.client_id, self._now_us)
            return [*self._placing.accepted(told.client_id, told.venue_order_id)]
        if isinstance(told, PlaceAnswer) and told.outcome == "rejected":
            self._placing.rejected(told.client_id)
        if isinstance(told, AmendAnswer):
            self._amends.ended(told.client_id)
        return [told]

    # --- frames -------------------------------------------------------------------------------------

    def _frame(self, frame: Frame) -> list[OrderAdapterOutput]:
        try:
            if frame.link == LINK and self._link.received(self._now_us):
                return self._private_frame(messages.read(frame.data))
            if frame.link == self._trade.link.name and self._trade.link.received(self._now_us):
                return self._trade_frame(messages.read(frame.data))
        except (ValueError, RecursionError):
            return []  # a bad frame costs a frame
        return []

    def _private_frame(self, frame: messages.PrivateFrame) -> list[OrderAdapterOutput]:
        topic = frame.topic.partition(".")[0]
        if topic == "order":
            rows = messages.usable_rows(frame, messages.ORDER)
            return [report for row in rows for report in self._order_row(row)]
        if topic == "execution":
            executions = messages.usable_rows(frame, messages.EXECUTION)
            return [report for row in executions for report in self._execution_row(row)]
        if self._link.is_up or frame.op not in ("auth", "subscribe"):
            return []
        if not frame.success:
            self._clock.read_soon()
            return self._close_private(f"refused: {frame.ret_msg[:100]}", trade_link.REFUSED_US)
        if frame.op == "auth":
            subscribe = {"op": "subscribe", "args": TOPICS}
            return [Send(LINK, msgspec.json.encode(subscribe).decode())]
        self._link.accepted(self._now_us)
        self._watch.clear()
        return [LinkUp()]

    def _order_row(self, row: messages.OrderRow) -> list[RemoteReport]:
        """Return what an order in the topic says. That it is there answers the request that placed it."""
        try:
            seen = account.order_seen(row)
        except ValueError:
            return []
        if row.category != "spot" or seen is None:
            return []
        self._watch.told(row.order_link_id)
        reports: list[RemoteReport] = self._shown(row.order_link_id, row.order_id)
        amended = self._amends.seen(seen)
        if amended is not None:
            reports.append(AmendAnswer(seen.client_id, "amended", updated=seen.updated))
        return [*reports, seen]

    def _execution_row(self, row: messages.ExecutionRow) -> list[RemoteReport]:
        try:
            found = account.executed(row, self._names)
        except ValueError:
            return []
        return [] if found is None else [*self._shown(row.order_link_id, row.order_id), found]

    def _shown(self, client_id: str, order_id: str) -> list[RemoteReport]:
        """The stream shows an order: return the outcome of the request that placed it, if that waits."""
        self._requests.shown(client_id, order_id)
        return [*self._placing.accepted(client_id, order_id)]

    def _trade_frame(self, frame: messages.PrivateFrame) -> list[OrderAdapterOutput]:
        if not self._trade.link.is_up:
            if frame.op == "auth":
                return list(self._trade.signed_in(frame.ret_code, frame.text, self._now_us))
            return []
        number = frame.request_id.rpartition("-")[2]
        if not (number.isdecimal() and number.isascii()):
            return []
        row = messages.placed_on_socket(frame)
        request = self._requests.take(int(number[:20]))
        if request is None:
            return []
        if row.code in TOO_MANY:
            self._budgets.block(self._now_us + limits.TOO_MANY_US)
        if row.code == TRADE_SERVICE_RESTARTS:
            self._trade.leave(self._now_us)
        return [*self._answered(request, row)]

    # --- links --------------------------------------------------------------------------------------

    def _closed(self, link: str) -> list[OrderAdapterOutput]:
        if link == LINK:
            outputs = self._private_down()
            self._link.lost(self._now_us)
            return outputs
        if link == self._trade.link.name:
            self._trade.lost(self._now_us)
            self._cancel_tries.clear()
            return [*self._requests.lost()]
        return []

    def _close_private(self, why: str, wait_us: int = 0) -> list[OrderAdapterOutput]:
        return [*self._private_down(), *self._link.close(why, self._now_us, wait_us)]

    def _private_down(self) -> list[OrderAdapterOutput]:
        self._watch.clear()
        return [LinkDown()] if self._link.is_up else []

    def _links_due(self) -> list[OrderAdapterOutput]:
        if self._watch.is_overdue(self._now_us):
            return self._close_private("its events do not come")
        outputs: list[OrderAdapterOutput] = []
        match self._link.due(self._now_us):
            case "open" if self._clock.is_known:
                outputs.append(self._link.open(self._signer.private_url, self._now_us))
            case "ping":
                outputs.append(Send(LINK, trade_link.PING))
            case "silent" | "not_accepted" as reason:
                outputs += self._close_private(reason)
            case "lost":
                self._link.lost(self._now_us)
        if self._clock.is_known:
            effects = self._trade.due(self._now_us, is_idle=not len(self._requests))
            outputs += effects
            if any(isinstance(effect, Close) for effect in effects):
                outputs += self._requests.lost()  # no answer comes on a link that is being closed
        return outputs

    # --- time ---------------------------------------------------------------------------------------

    def _at(self, now_us: int, date_us: int) -> None:
        self._now_us, self._date_us = now_us, date_us
        self._clock.at(now_us, date_us)

    def _with_due(self, outputs: list[OrderAdapterOutput]) -> list[OrderAdapterOutput]:
        """Return the outputs, then what is due, then the time of the next wake."""
        now_us = self._now_us
        if self._clock.is_due:
            outputs += self._reads.begin(self._clock.read(), (), now_us, self._date_us)
        outputs += self._requests.overdue(now_us)
        outputs += self._links_due()
        outputs += self._reads.wake(now_us, self._date_us)
        for command in self._cancels.take_all() if now_us >= self._retry_us else ():
            outputs += self._cancel(command)
        return [*outputs, *self._wake.at(self._due_us())]

    def _due_us(self) -> int:
        now_us = self._now_us
        due_us = min(self._clock.wake_us, self._requests.due_us(), self._reads.due_us(now_us))
        due_us = min(due_us, self._watch.due_us())
        if self._clock.is_known:
            due_us = min(due_us, self._link.due_us(), self._trade.due_us())
        elif self._link.state is not PrivateLinkState.WAITING:
            due_us = min(due_us, self._link.due_us())
        if self._cancels.symbols():
            free_us = self._budgets.free_us("cancel", "", now_us)
            due_us = min(due_us, max(free_us, self._retry_us, now_us + 1))
        return due_us

    # --- requests -----------------------------------------------------------------------------------

    def _sign(self, number: int, request: HttpRequest, date_us: int) -> Fetch:
        return self._signer.fetch(number, request, self._clock.venue_us)

    def _look_at(self, answer: Answer) -> None:
        """Take in what an answer says about rate limits and clocks."""
        if answer.status == 403:  # Bybit: too many requests of the address; stop for ten minutes
            self._budgets.block_address(self._now_us + limits.BANNED_US)
            return
        code = messages.code_of(answer) if len(answer.body) < SHORT else None
        if answer.status == 429 or code in TOO_MANY:
            self._budgets.block(self._now_us + limits.TOO_MANY_US)
        elif code == BAD_CLOCK:
            self._clock.read_soon()

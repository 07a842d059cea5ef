"""Orders of one account at OKX (spot): placed, amended and cancelled on the private WebSocket, read by REST.

Source: the API guide of OKX, "Order Book Trading / Trade". ``docs/venues.md`` says what is believed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import assert_never

import msgspec

from floorwire.core.codes import Code
from floorwire.core.order_ports import InstrumentNames, OrderAdapterInput, OrderAdapterOutput, OrderSettings
from floorwire.core.ports import Answer, Closed, Fetch, Frame, Opened, Random, Send
from floorwire.core.remote_orders import (
    AmendAnswer,
    AmendOrder,
    CancelOrder,
    LinkDown,
    LinkUp,
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
from floorwire.venues.common.order_amounts import AmountError
from floorwire.venues.common.order_outcomes import rejected, unknown
from floorwire.venues.common.private_link import LinkTimes, PrivateLink, PrivateLinkState
from floorwire.venues.common.request_budgets import RequestBudgets
from floorwire.venues.common.request_sequences import LONGEST_US, HttpRequest, RequestSequences, Steps
from floorwire.venues.common.socket_requests import SocketRequests
from floorwire.venues.common.unplaceable import UnplaceableError
from floorwire.venues.common.waiting_cancels import WaitingCancels
from floorwire.venues.common.wake_timer import WakeTimer
from floorwire.venues.okx import account, limits, order_requests
from floorwire.venues.okx import order_messages as messages
from floorwire.venues.okx.order_codes import BAD_CLOCK, DONE, TOO_MANY, outcome, reason
from floorwire.venues.okx.order_reference import OrderReference
from floorwire.venues.okx.signing import Signer

SECOND_US = 1_000_000
LINK = "private"
ANSWER_US = 10 * SECOND_US
"""How long to wait for an answer on the WebSocket."""
READ_US = LONGEST_US + 5 * SECOND_US
"""A read may wait that long for the rate limit. Its answer still counts then."""
CANCEL = "/api/v5/trade/cancel-order"
ORDERS_CHANNEL = {"channel": "orders", "instType": "SPOT"}
SERVICE_ENDS = "64008"
"""OKX: this service is upgraded in about a minute; connect again."""
LEAVE_US = 30 * SECOND_US
RETRY_CANCEL_US = SECOND_US // 20
SHORT = 2_000
"""Refusals are shorter than this."""
REFUSED_US = 10 * SECOND_US
"""The least wait after OKX refused a login or a subscription."""


class OkxOrders:
    """The order adapter of OKX.

    ``SocketRequests``, ``WaitingCancels`` and ``RequestSequences`` are its queues, with their limits.
    """

    policy = RemotePolicy(
        client_ids="text",  # OKX: at most 32 letters and digits
        can_amend=True,
        misses=3,
        # OKX discards an order after its expTime, so it cannot arrive later than that
        lag_us=limits.ORDER_EXPIRY_MS * 1000 + 5 * SECOND_US,
        answer_us=READ_US,
    )

    def __init__(self, settings: OrderSettings, names: InstrumentNames, random: Random) -> None:
        self._names = names
        self._signer = Signer(settings)
        self._reference = OrderReference()
        self._budgets = RequestBudgets(limits.ORDER_BUDGETS, settings.limits)
        self._reads = RequestSequences(self._sign, self._budgets)
        self._link = PrivateLink(LINK, LinkTimes(limits.PRIVATE_SILENT_US, limits.PRIVATE_PING_US), random)
        self._requests = SocketRequests(ANSWER_US)
        self._cancels = WaitingCancels()
        self._leave_us: int | None = None
        """The private service ends: close the link when nothing is pending, or at this time."""
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
            steps = account.query(command, self._native(command.symbol))
            outputs += self._reads.begin(steps, (QueryFailed(command.query),), now_us, date_us)
        elif isinstance(command, Reconcile):
            steps = account.reconcile(command)
            outputs += self._reads.begin(steps, (ReconcileFailed(command.request),), now_us, date_us)
        else:
            assert_never(command)
        return self._with_due(outputs)

    def receive(self, happened: OrderAdapterInput, now_us: int, date_us: int) -> Sequence[OrderAdapterOutput]:
        """Return what follows from one input. Never raises on anything that OKX sent."""
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
                outputs.append(Send(LINK, self._signer.login(self._reference.venue_us)))
        elif isinstance(happened, Closed):
            if happened.link == LINK:
                outputs += self._down()
                self._link.lost(now_us)
        else:
            self._wake.woke()
        return self._with_due(outputs)

    # --- commands -----------------------------------------------------------------------------------

    def _place(self, command: PlaceOrder) -> list[OrderAdapterOutput]:
        if not self._link.is_up:
            return [rejected(command, Code.VENUE_UNAVAILABLE, "the private link is down")]
        native = self._names.native(bare(command.symbol))
        instrument = None if native is None else self._reference.instrument(native)
        if instrument is None or instrument.inst_id_code is None:
            return [rejected(command, Code.UNKNOWN_SYMBOL, "OKX has not told the number of the instrument")]
        try:
            argument = order_requests.place(command, instrument.inst_id_code, instrument.lot_sz)
        except UnplaceableError as error:
            return [rejected(command, error.code, str(error))]
        except AmountError as error:
            return [rejected(command, Code.VENUE_REJECTED, str(error))]
        if self._requests.is_full or not self._budgets.spend("place", command.symbol, self._now_us):
            return [rejected(command, Code.RATE_LIMITED, "the rate limit of OKX is used up")]
        return [self._send(self._requests.add(command, self._now_us), "order", argument)]

    def _amend(self, command: AmendOrder) -> list[OrderAdapterOutput]:
        code = self._instrument_code(command.symbol)
        if not self._link.is_up or code is None:
            return [AmendAnswer(command.client_id, "refused", Code.VENUE_UNAVAILABLE)]
        if self._requests.is_full or not self._budgets.spend("amend", command.symbol, self._now_us):
            return [AmendAnswer(command.client_id, "refused", Code.RATE_LIMITED)]
        number = self._requests.add(command, self._now_us)
        return [self._send(number, "amend-order", order_requests.amend(command, code, str(number)))]

    def _cancel(self, command: CancelOrder) -> list[OrderAdapterOutput]:
        """Send a cancel, on REST where the link is down, or let it wait for the rate limit."""
        code = self._instrument_code(command.symbol)
        if not self._link.is_up or code is None:
            steps = self._cancel_by_rest(command)
            return self._reads.begin(steps, (unknown(command),), self._now_us, self._date_us)
        if not self._requests.is_full and self._budgets.spend("cancel", command.symbol, self._now_us):
            number = self._requests.add(command, self._now_us)
            return [self._send(number, "cancel-order", order_requests.cancel(command, code))]
        return [] if self._cancels.add(command) else [unknown(command)]

    def _cancel_by_rest(self, command: CancelOrder) -> Steps:
        body = msgspec.json.encode(order_requests.cancel_by_rest(command, self._native(command.symbol)))
        answer = yield HttpRequest(CANCEL, "", "POST", body, "cancel", command.symbol)
        return (outcome(command, messages.placed(answer)),)

    def _send(self, number: int, op: str, argument: order_requests.Argument) -> Send:
        is_cancel = op == "cancel-order"  # OKX: expTime is of place and amend
        expires_ms = None if is_cancel else self._reference.venue_us // 1000 + limits.ORDER_EXPIRY_MS
        return Send(LINK, messages.request(str(number), op, argument, expires_ms))

    # --- frames -------------------------------------------------------------------------------------

    def _frame(self, data: str | bytes) -> list[OrderAdapterOutput]:
        try:
            frame = messages.read(data)
            if frame.op and frame.id.isdecimal():
                return self._order_answered(int(frame.id[:20]), messages.verdict_of(frame))
            if frame.event:
                return self._event(frame)
            if frame.arg.channel == "orders":
                return [report for row in messages.orders(frame) for report in self._order_row(row)]
        except (ValueError, RecursionError):
            return []  # a bad frame costs a frame
        return []

    def _event(self, frame: messages.PrivateFrame) -> list[OrderAdapterOutput]:
        match frame.event:
            case "login" if not self._link.is_up and frame.code == "0":
                return [Send(LINK, _encode({"op": "subscribe", "args": [ORDERS_CHANNEL]}))]
            case "subscribe" if not self._link.is_up and frame.arg.channel == "orders":
                self._link.accepted(self._now_us)
                return [LinkUp()]
            case "login" | "error" if not self._link.is_up:
                if frame.code in BAD_CLOCK:
                    self._reference.read_soon()
                return self._close(f"refused_{frame.code[:10]}", REFUSED_US)
            case "channel-conn-count-error":  # OKX: then the subscription does not exist, though it was taken
                return self._close("too_many_connections", REFUSED_US)
            case "notice" if frame.code == SERVICE_ENDS:
                self._leave_us = self._now_us + LEAVE_US
        return []

    def _order_answered(self, number: int, row: messages.PlacedRow) -> list[OrderAdapterOutput]:
        request = self._requests.get(number)
        if request is None:
            return []
        if isinstance(request, AmendOrder) and row.s_code == DONE:
            return []  # OKX: the request is taken; the result comes in the channel
        self._requests.take(number)
        if row.s_code in TOO_MANY:
            self._budgets.block(self._now_us + limits.TOO_MANY_US)
            if isinstance(request, CancelOrder):
                return self._cancel(request)  # it had no effect, and may be sent again
        return [outcome(request, row)]

    def _order_row(self, row: messages.OrderRow) -> list[RemoteReport]:
        """Return what an order in the channel says. That it is there answers the request that placed it."""
        try:
            executed, seen = account.executed_now(row), account.order_seen(row)
        except AmountError:
            return []
        reports: list[RemoteReport] = [*self._requests.shown(row.cl_ord_id, row.ord_id)]
        if executed is not None:
            reports.append(executed)
        reports += self._amend_result(row)
        if seen is not None:
            reports.append(seen)
        return reports

    def _amend_result(self, row: messages.OrderRow) -> list[RemoteReport]:
        if not row.amend_result or not row.req_id.isdecimal():
            return []
        number = int(row.req_id[:20])
        request = self._requests.get(number)
        if not isinstance(request, AmendOrder) or request.client_id != row.cl_ord_id:
            return []
        self._requests.take(number)
        if row.amend_result == "0":
            return [AmendAnswer(request.client_id, "amended", updated=row.u_time)]
        return [AmendAnswer(request.client_id, "refused", reason(row.code), row.u_time)]

    # --- the link -----------------------------------------------------------------------------------

    def _close(self, why: str, wait_us: int = 0) -> list[OrderAdapterOutput]:
        return [*self._down(), *self._link.close(why, self._now_us, wait_us)]

    def _down(self) -> list[OrderAdapterOutput]:
        """The answers on the link will not come any more."""
        self._leave_us = None
        reports: list[OrderAdapterOutput] = [*self._requests.lost()]
        return [*reports, LinkDown()] if self._link.is_up else reports

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
        for command in self._cancels.take_all():
            outputs += self._cancel(command)
        outputs += self._wake.at(self._due_us())
        return outputs

    def _link_due(self) -> list[OrderAdapterOutput]:
        if self._leave_us is not None and (not len(self._requests) or self._now_us >= self._leave_us):
            return self._close("service_ends")
        match self._link.due(self._now_us):
            case "open":
                return [self._link.open(self._signer.ws_url, self._now_us)] if self._may_open else []
            case "ping":
                return [Send(LINK, "ping")]
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
        if self._may_open or self._link.state is not PrivateLinkState.WAITING:
            due_us = min(due_us, self._link.due_us())
        if self._leave_us is not None:
            due_us = min(due_us, self._leave_us)
        for symbol in self._cancels.symbols():
            free_us = self._budgets.free_us("cancel", symbol, now_us)
            due_us = min(due_us, max(free_us, now_us + RETRY_CANCEL_US))
        return due_us

    @property
    def _may_open(self) -> bool:
        """The link is of no use before the instruments are known."""
        return self._reference.is_complete

    # --- requests -----------------------------------------------------------------------------------

    def _sign(self, number: int, request: HttpRequest, date_us: int) -> Fetch:
        return self._signer.fetch(number, request, self._reference.venue_us)

    def _look_at(self, answer: Answer) -> None:
        """Take in what an answer says about rate limits and clocks."""
        code = messages.code_of(answer) if answer.status != 200 or len(answer.body) < SHORT else ""
        if answer.status == 429 or code in TOO_MANY:
            self._budgets.block(self._now_us + limits.TOO_MANY_US)
        elif code in BAD_CLOCK:
            self._reference.read_soon()

    def _native(self, symbol: str) -> str:
        return self._names.native(bare(symbol)) or bare(symbol)

    def _instrument_code(self, symbol: str) -> int | None:
        instrument = self._reference.instrument(self._native(symbol))
        return None if instrument is None else instrument.inst_id_code


def _encode(message: Mapping[str, object]) -> str:
    return msgspec.json.encode(message).decode()

"""Orders of one account at Kraken (spot): on the private WebSocket, and read by REST.

Source: the API guide of Kraken, "Spot WebSocket v2". ``docs/venues.md`` says what is believed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

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
    OrderSeen,
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
from floorwire.venues.common.order_amounts import AmountError
from floorwire.venues.common.order_outcomes import rejected, unknown
from floorwire.venues.common.placed_times import PlacedTimes
from floorwire.venues.common.private_link import LinkTimes, PrivateLink, PrivateLinkState
from floorwire.venues.common.request_budgets import RequestBudgets
from floorwire.venues.common.request_sequences import (
    LONGEST_US,
    BadAnswerError,
    HttpRequest,
    RequestSequences,
    Steps,
)
from floorwire.venues.common.socket_requests import SocketRequests
from floorwire.venues.common.unplaceable import UnplaceableError
from floorwire.venues.common.waiting_cancels import WaitingCancels
from floorwire.venues.common.wake_timer import WakeTimer
from floorwire.venues.kraken import account, limits, order_requests, rest_orders
from floorwire.venues.kraken import order_messages as messages
from floorwire.venues.kraken.cancel_weights import cancel_weight
from floorwire.venues.kraken.executions import Executions
from floorwire.venues.kraken.order_codes import LOCKOUT, RATE_LIMIT, REST_RATE_LIMIT, outcome
from floorwire.venues.kraken.order_reference import OrderReference, Pair
from floorwire.venues.kraken.signing import Signer

SECOND_US = 1_000_000
LINK = "private"
ANSWER_US = 10 * SECOND_US
"""How long to wait for an answer on the WebSocket."""
READ_US = LONGEST_US + 5 * SECOND_US
"""A read may wait that long for the rate limit. Its answer still counts then."""
PING = '{"method":"ping"}'
SHORT = 2_000
"""Refusals are shorter than this."""
REFUSED_US = 10 * SECOND_US
"""The least wait after Kraken refused a token or a subscription."""


class KrakenOrders:
    """The order adapter of Kraken.

    ``SocketRequests``, ``WaitingCancels`` and ``RequestSequences`` are its queues, with their limits. One
    request of REST is on its way at a time: Kraken wants nonces to rise in the order of arrival.
    """

    policy = RemotePolicy(
        client_ids="hex",  # Kraken: a UUID with or without dashes, or at most 18 characters
        can_amend=True,
        misses=2,  # each costs two of the few reads that Kraken allows
        lag_us=65 * SECOND_US,  # Kraken: REST shows some orders a minute later than the stream
        answer_us=READ_US,
        query_us=10 * SECOND_US,  # Kraken: one request each three seconds, for the lowest tier
        fills_us=5 * SECOND_US,
        queries=4,
    )

    def __init__(self, settings: OrderSettings, names: InstrumentNames, random: Random) -> None:
        """Raises ValueError if the secret cannot be one of Kraken."""
        self._names = names
        self._signer = Signer(settings)
        self._reference = OrderReference()
        self._budgets = RequestBudgets(limits.ORDER_BUDGETS)
        self._rest_budgets = RequestBudgets(limits.REST_BUDGETS, settings.limits)
        self._reads = RequestSequences(self._sign, self._rest_budgets, most_sent=1)
        self._link = PrivateLink(LINK, LinkTimes(limits.SILENT_US, limits.PING_US), random)
        self._requests = SocketRequests(ANSWER_US)
        self._cancels = WaitingCancels()
        self._placed = PlacedTimes()
        self._executions = Executions()
        self._token = ""
        """Of the present link, or of the one that is opened next."""
        self._is_asking_token = False
        self._wake = WakeTimer()
        self._now_us = 0
        self._date_us = 0

    # --- the port -----------------------------------------------------------------------------------

    def start(self, now_us: int, date_us: int) -> Sequence[OrderAdapterOutput]:
        """Ask for the venue's clock and instruments; then for a token, which opens the private link."""
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
            steps = account.query(command, self._reference)
            outputs += self._reads.begin(steps, (QueryFailed(command.query),), now_us, date_us)
        elif isinstance(command, Reconcile):
            steps = account.reconcile(command, self._reference)
            outputs += self._reads.begin(steps, (ReconcileFailed(command.request),), now_us, date_us)
        else:
            assert_never(command)
        return self._with_due(outputs)

    def receive(self, happened: OrderAdapterInput, now_us: int, date_us: int) -> Sequence[OrderAdapterOutput]:
        """Return what follows from one input. Never raises on anything that Kraken sent."""
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
        pair = None if native is None else self._reference.pair(native)
        if pair is None:
            return [rejected(command, Code.UNKNOWN_SYMBOL, "Kraken has not told the instrument")]
        if not self._link.is_up:
            return [rejected(command, Code.VENUE_UNAVAILABLE, "the private link is down")]
        try:
            return self._place_of(command, pair)
        except UnplaceableError as error:
            return [rejected(command, error.code, str(error))]
        except AmountError as error:
            return [rejected(command, Code.VENUE_REJECTED, str(error))]

    def _place_of(self, command: PlaceOrder, pair: Pair) -> list[OrderAdapterOutput]:
        """Send an order. Kraken takes fill-or-kill orders by REST alone."""
        is_fok = command.time_in_force == "fok"
        if is_fok:
            form = order_requests.place_by_rest(command, pair, self._deadline_us)
        else:
            params = order_requests.place(command, pair, self._deadline_us)
        is_full = self._reads.is_full if is_fok else self._requests.is_full
        if is_full or not self._budgets.spend("order", command.symbol, self._now_us, limits.PLACE_WEIGHT):
            return [rejected(command, Code.RATE_LIMITED, "the rate limit of Kraken is used up")]
        self._placed.placed(command.client_id, self._now_us)
        if is_fok:
            steps = rest_orders.place(command, form)
            return self._reads.begin(steps, (unknown(command),), self._now_us, self._date_us)
        return [self._send(self._requests.add(command, self._now_us), "add_order", params)]

    def _amend(self, command: AmendOrder) -> list[OrderAdapterOutput]:
        if not self._link.is_up:
            return [AmendAnswer(command.client_id, "refused", Code.VENUE_UNAVAILABLE)]
        try:
            params = order_requests.amend(command, self._deadline_us)
        except AmountError:
            return [AmendAnswer(command.client_id, "refused", Code.VENUE_REJECTED)]
        if self._requests.is_full or not self._budgets.spend(
            "order", command.symbol, self._now_us, limits.AMEND_WEIGHT
        ):
            return [AmendAnswer(command.client_id, "refused", Code.RATE_LIMITED)]
        return [self._send(self._requests.add(command, self._now_us), "amend_order", params)]

    def _cancel(self, command: CancelOrder) -> list[OrderAdapterOutput]:
        """Send a cancel, on REST where the link is down. The count of the pair does not stop it."""
        if not self._link.is_up:
            steps = rest_orders.cancel(command)
            return self._reads.begin(steps, (unknown(command),), self._now_us, self._date_us)
        weight = cancel_weight(self._placed.get(command.client_id), self._now_us)
        if not self._requests.is_full and self._budgets.charge("order", command.symbol, self._now_us, weight):
            number = self._requests.add(command, self._now_us)
            return [self._send(number, "cancel_order", order_requests.cancel(command))]
        return [] if self._cancels.add(command) else [unknown(command)]

    def _send(self, number: int, method: str, params: order_requests.Params) -> Send:
        return Send(LINK, messages.request(number, method, {**params, "token": self._token}))

    # --- frames -------------------------------------------------------------------------------------

    def _frame(self, data: str | bytes) -> list[OrderAdapterOutput]:
        try:
            frame = messages.read(data)
            if frame.channel == "executions":
                return self._rows(frame)
            if frame.method == "subscribe":
                return self._subscribed(frame)
            if frame.req_id is not None:
                return self._answered(frame.req_id, frame)
        except (ValueError, RecursionError):
            return []  # a bad frame costs a frame
        return []

    def _subscribe(self) -> list[OrderAdapterOutput]:
        self._executions = Executions()
        params = {
            "channel": "executions",
            "snap_orders": True,
            "snap_trades": True,
            "order_status": True,
            "token": self._token,
        }
        return [Send(LINK, messages.request(0, "subscribe", params))]

    def _subscribed(self, frame: messages.PrivateFrame) -> list[OrderAdapterOutput]:
        if self._link.is_up:
            return []
        if not frame.success:
            return self._close(f"refused: {frame.error[:80]}", REFUSED_US)
        if frame.result is None or frame.result.channel != "executions":
            return []
        self._link.accepted(self._now_us)
        return [LinkUp()]

    def _answered(self, number: int, frame: messages.PrivateFrame) -> list[OrderAdapterOutput]:
        request = self._requests.take(number)
        if request is None:
            return []
        if frame.success:
            return [self._done(request, frame)]
        self._look_for_lockout(frame.error)
        if frame.error.startswith(RATE_LIMIT):
            self._budgets.block(self._now_us + limits.TOO_MANY_US)
            if isinstance(request, CancelOrder):
                return self._cancel(request)  # it had no effect, and may be sent again
        return [outcome(request, frame.error)]

    def _done(
        self, request: PlaceOrder | AmendOrder | CancelOrder, frame: messages.PrivateFrame
    ) -> PlaceAnswer | AmendAnswer | CancelAnswer:
        if isinstance(request, PlaceOrder):
            order_id = "" if frame.result is None else frame.result.order_id
            return PlaceAnswer(request.client_id, "accepted", order_id)
        if isinstance(request, AmendOrder):
            return AmendAnswer(request.client_id, "amended")
        return CancelAnswer(request.client_id, "taken")  # the end comes in the channel

    def _rows(self, frame: messages.PrivateFrame) -> list[OrderAdapterOutput]:
        """Return what the channel says. Rows of orders and executions may be in one frame."""
        if not self._executions.follows(frame.sequence):
            return self._close("sequence_gap")  # a frame is lost: the account is reconciled anew
        reports: list[OrderAdapterOutput] = []
        for row in messages.executions(frame):
            try:
                reports += self._row(row, is_snapshot=frame.type == "snapshot")
            except ValueError:
                continue  # a bad row costs a row
        return reports

    def _row(self, row: messages.ExecutionRow, *, is_snapshot: bool) -> list[RemoteReport]:
        found = self._executions.read(row, is_snapshot=is_snapshot)
        answers: list[RemoteReport] = []
        for report in found:
            # that the order is there answers the request that placed it
            answers += self._requests.shown(report.client_id, row.order_id)
            if isinstance(report, OrderSeen) and report.state != "open":
                self._placed.ended(report.client_id)
        return [*answers, *found]

    # --- the link -----------------------------------------------------------------------------------

    def _ask_token(self) -> Steps:
        """Ask for a token. The link is opened with it; without one it is tried later."""
        self._is_asking_token, wait_us = True, REFUSED_US
        try:
            self._token = yield from account.token()
            wait_us = -1
        except BadAnswerError as error:
            wait_us = REFUSED_US if isinstance(error, messages.RefusedReadError) else 0
        finally:
            self._is_asking_token = False
            if wait_us >= 0:
                self._link.postpone(self._now_us, wait_us)
        return ()

    def _close(self, why: str, wait_us: int = 0) -> list[OrderAdapterOutput]:
        return [*self._down(), *self._link.close(why, self._now_us, wait_us)]

    def _down(self) -> list[OrderAdapterOutput]:
        """The answers on the link will not come any more, and its token is of no use."""
        self._token = ""
        reports: list[OrderAdapterOutput] = [*self._requests.lost()]
        return [*reports, LinkDown()] if self._link.is_up else reports

    # --- time ---------------------------------------------------------------------------------------

    def _at(self, now_us: int, date_us: int) -> None:
        self._now_us, self._date_us = now_us, date_us
        self._reference.at(now_us, date_us)

    @property
    def _deadline_us(self) -> int:
        return self._reference.venue_us + limits.ORDER_DEADLINE_US

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
        match self._link.due(self._now_us):
            case "open":
                return self._open()
            case "ping":
                return [Send(LINK, PING)]
            case "silent":
                return self._close("silent")
            case "not_accepted":
                return self._close("not_accepted")
            case "lost":
                self._link.lost(self._now_us)
        return []

    def _open(self) -> list[OrderAdapterOutput]:
        """Open the link, or ask for the token that it needs: each connection gets a new one."""
        if not self._may_open:
            return []
        if self._token:
            return [self._link.open(self._signer.ws_url, self._now_us)]
        outputs = self._reads.begin(self._ask_token(), (), self._now_us, self._date_us)
        if not self._is_asking_token:  # it could not even begin
            self._link.postpone(self._now_us)
        return outputs

    @property
    def _may_open(self) -> bool:
        return self._reference.is_complete and not self._is_asking_token

    def _due_us(self) -> int:
        now_us = self._now_us
        due_us = min(self._reference.wake_us, self._requests.due_us(), self._reads.due_us(now_us))
        if self._may_open or self._link.state is not PrivateLinkState.WAITING:
            due_us = min(due_us, self._link.due_us())
        if self._cancels.symbols():
            due_us = min(due_us, max(self._budgets.blocked_us, now_us + limits.RETRY_CANCEL_US))
        return due_us

    # --- requests -----------------------------------------------------------------------------------

    def _sign(self, number: int, request: HttpRequest, _date_us: int) -> Fetch:
        return self._signer.fetch(number, request, self._date_us)

    def _look_at(self, answer: Answer) -> None:
        """Take in what an answer says about the rate limit."""
        error = messages.error_of(answer) if len(answer.body) < SHORT else ""
        if answer.status == 429 or error.startswith(REST_RATE_LIMIT):
            self._rest_budgets.block(self._now_us + limits.REST_TOO_MANY_US)
        self._look_for_lockout(error)

    def _look_for_lockout(self, error: str) -> None:
        if error.startswith(LOCKOUT):
            for budgets in (self._budgets, self._rest_budgets):
                budgets.block(self._now_us + limits.LOCKOUT_US)

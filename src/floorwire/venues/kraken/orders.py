"""Orders of one account at Kraken (spot): on the private WebSocket, and read by REST.

Source: the API guide of Kraken, "Spot WebSocket v2". ``docs/venues.md`` says what is believed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from floorwire.core.codes import Code
from floorwire.core.microseconds import SECOND_US
from floorwire.core.order_ports import InstrumentNames, OrderSettings
from floorwire.core.ports import Answer, Fetch, Random
from floorwire.core.remote_order_messages import (
    AmendAnswer,
    AmendOrder,
    CancelAnswer,
    CancelOrder,
    OrderSeen,
    PlaceAnswer,
    PlaceOrder,
    QueryOrder,
    Reconcile,
    RemotePolicy,
)
from floorwire.core.venue_names import bare
from floorwire.venues.common.cancel_all_switch import CancelAllSwitch
from floorwire.venues.common.order_adapter import ExchangeOrderAdapter
from floorwire.venues.common.order_clock import DateRequest, OrderClock
from floorwire.venues.common.order_exchange import (
    Answered,
    OrderCall,
    OrderReading,
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
from floorwire.venues.common.private_links import Preparation, PrivateLinkKind
from floorwire.venues.common.request_budgets import RequestBudgets
from floorwire.venues.common.request_sequences import LONGEST_US, BadAnswerError, HttpRequest, Steps
from floorwire.venues.common.stop_terms import is_stop
from floorwire.venues.kraken import account_requests, limits, order_requests, rest_orders
from floorwire.venues.kraken import order_messages as messages
from floorwire.venues.kraken.executions import Executions
from floorwire.venues.kraken.order_codes import LOCKOUT, RATE_LIMIT, REST_RATE_LIMIT, outcome
from floorwire.venues.kraken.order_instruments import OrderInstruments
from floorwire.venues.kraken.signing import Signer

PING = '{"method":"ping"}'
TIME = DateRequest(HttpRequest("/0/public/Time", budget="public", is_signed=False), messages.date_us)
SHORT = 2_000
"""Refusals are shorter than this."""
REFUSED_US = 10 * SECOND_US
"""The least wait after Kraken refused a token or a subscription."""

KrakenAnswer: TypeAlias = messages.PrivateFrame | OrderOutcome
"""The answer on the WebSocket, or what an answer by REST says."""


class KrakenOrders:
    """What differs at Kraken.

    One request of REST is on its way at a time: Kraken wants nonces to rise in the order of arrival.
    """

    name = "Kraken"
    policy = RemotePolicy(
        client_ids="hex",  # Kraken: a UUID with or without dashes, or at most 18 characters
        can_amend=True,
        misses=2,  # each costs two of the few reads that Kraken allows
        lag_us=65 * SECOND_US,  # Kraken: REST shows some orders a minute later than the stream
        answer_us=LONGEST_US + limits.READING_US + 5 * SECOND_US,
        query_us=10 * SECOND_US,  # Kraken: one request each three seconds, for the lowest tier
        fills_us=5 * SECOND_US,
        queries=4,
    )
    most_sent = 1
    reading_us = limits.READING_US
    patience_us = NEVER_US
    cancels_per_request = 1

    def __init__(self, settings: OrderSettings, names: InstrumentNames) -> None:
        """Raises ValueError if the secret cannot be one of Kraken."""
        self._names = names
        self._signer = Signer(settings)
        self._instruments = OrderInstruments()
        self.clock = OrderClock(TIME, self._instruments.read)
        self.budgets = RequestBudgets(limits.rest_budgets(settings.tier), settings.limits)
        self._order_budgets = RequestBudgets(limits.order_budgets(settings.tier))
        times = LinkTimes(limits.SILENT_US, limits.PING_US)
        url, prepare = self._signer.ws_url, self._preparation
        self.links = (PrivateLinkKind("private", url, times, takes_orders=True, ping=PING, prepare=prepare),)
        self._placed = PlacedTimes()
        self._executions: dict[str, Executions] = {}
        """By link."""
        self._token = ""
        """Of the present link, or of the one that is opened next."""
        after_s = settings.cancel_all_after_s
        self.switch = None if after_s is None else CancelAllSwitch(after_s, account_requests.cancel_all_after)

    # --- links --------------------------------------------------------------------------------------

    def _preparation(self) -> Preparation | None:
        """Ask for the token that a connection needs: each gets a new one."""
        return None if self._token else self._ask_token()

    def _ask_token(self) -> Preparation:
        try:
            self._token = yield from account_requests.token()
        except messages.RefusedReadError:
            return REFUSED_US
        except BadAnswerError:
            return 0
        return None

    def opened(self, link: str) -> Sequence[str]:
        """Subscribe."""
        self._executions[link] = Executions()
        params = {
            "channel": "executions",
            "snap_orders": True,
            "snap_trades": True,
            "order_status": True,
            "token": self._token,
        }
        return (messages.request(0, "subscribe", params),)

    def closed(self, link: str) -> None:
        """The token of the link is of no use any more."""
        self._token = ""
        self._executions.pop(link, None)

    def read(self, link: str, data: str | bytes, *, is_up: bool) -> Sequence[OrderReading[KrakenAnswer]]:
        """Return what a frame is. Raises ValueError, RecursionError."""
        frame = messages.read(data)
        if frame.channel == "executions":
            return self._rows(frame, self._executions[link])
        if frame.method == "subscribe":
            return () if is_up else _subscribed(frame)
        if frame.req_id is not None:
            return (Answered(frame.req_id, frame),)
        return ()

    def _rows(
        self, frame: messages.PrivateFrame, channel: Executions
    ) -> Sequence[OrderReading[KrakenAnswer]]:
        """Return what the channel says. Rows of orders and executions may be in one frame."""
        if not channel.follows(frame.sequence):
            return (UselessLink("sequence_gap"),)  # a frame is lost: the account is reconciled anew
        readings: list[OrderReading[KrakenAnswer]] = []
        for row in messages.executions(frame):
            try:
                found = channel.read(row, is_snapshot=frame.type == "snapshot")
            except ValueError:
                continue  # a bad row costs a row
            if not found:
                continue
            for report in found:
                if isinstance(report, OrderSeen) and report.state != "open":
                    self._placed.ended(report.client_id)
            readings.append(ShownOrder(found[0].client_id, row.order_id, found))
        return readings

    # --- requests about orders ----------------------------------------------------------------------

    def place(self, command: PlaceOrder, number: int, *, on_link: bool) -> OrderCall[KrakenAnswer]:
        """Return the request. Raises UnplaceableError, AmountError.

        Kraken takes fill-or-kill orders by REST alone.
        """
        native = self._names.native(bare(command.symbol))
        pair = None if native is None else self._instruments.pair(native)
        if pair is None:
            raise UnplaceableError(Code.UNKNOWN_SYMBOL, "Kraken has not told the instrument")
        if command.time_in_force == "fok" and not is_stop(command):
            form = order_requests.place_by_rest(command, pair, self._deadline_us)
            return rest_orders.place(command, number, form)
        return self._message(number, "add_order", order_requests.place(command, pair, self._deadline_us))

    def amend(self, command: AmendOrder, number: int, *, on_link: bool) -> str:
        """Return the message that amends an order. Raises AmountError."""
        return self._message(number, "amend_order", order_requests.amend(command, self._deadline_us))

    def cancel(self, commands: Mapping[int, CancelOrder], *, on_link: bool) -> OrderCall[KrakenAnswer]:
        """Return the message, or the request by REST."""
        [(number, command)] = commands.items()
        if not on_link:
            return rest_orders.cancel(command, number)
        return self._message(number, "cancel_order", order_requests.cancel(command))

    def _message(self, number: int, method: str, params: order_requests.Params) -> str:
        return messages.request(number, method, {**params, "token": self._token})

    def can_cancel(self, command: CancelOrder) -> bool:
        """Every order can be cancelled by our id."""
        return True

    def spend(self, number: int, request: OrderRequest, *, on_link: bool) -> bool:
        """Take what the request counts, if it may be sent now. The count of the pair stops no cancel."""
        now_us = self.clock.now_us
        if isinstance(request, CancelOrder):
            weight = limits.cancel_weight(self._placed.get(request.client_id), now_us)
            return not on_link or self._order_budgets.charge("order", request.symbol, now_us, weight)
        weight = limits.PLACE_WEIGHT if isinstance(request, PlaceOrder) else limits.AMEND_WEIGHT
        if not self._order_budgets.spend("order", request.symbol, now_us, weight):
            return False
        if isinstance(request, PlaceOrder):
            self._placed.placed(request.client_id, now_us)
        return True

    def cancel_free_us(self, symbol: str) -> int:
        """Return when the next cancel may be sent."""
        return self._order_budgets.blocked_us

    def outcome(self, request: OrderRequest, answer: KrakenAnswer) -> OrderOutcome | TryAgain:
        """Return what an answer says of its request."""
        if not isinstance(answer, messages.PrivateFrame):
            return answer
        if answer.success:
            return _done(request, answer)
        self._look_for_lockout(answer.error)
        if answer.error.startswith(RATE_LIMIT):
            self._order_budgets.block(self.clock.now_us + limits.TOO_MANY_US)
            self._order_budgets.drain("order", request.symbol, self.clock.now_us)
            if isinstance(request, CancelOrder):
                return TryAgain()
        return outcome(request, answer.error)

    # --- reads --------------------------------------------------------------------------------------

    def query(self, command: QueryOrder) -> Steps:
        """Ask for an order, with its executions."""
        return account_requests.query(command, self._instruments)

    def reconcile(self, command: Reconcile) -> Steps:
        """Ask for the account."""
        return account_requests.reconcile(command, self._instruments, self.clock.venue_us)

    def sign(self, number: int, request: HttpRequest, date_us: int) -> Fetch:
        """Return what is sent for a request by REST."""
        return self._signer.fetch(number, request, date_us)

    def look_at(self, answer: Answer) -> None:
        """Take in what an answer says about the rate limit."""
        error = messages.error_of(answer) if len(answer.body) < SHORT else ""
        if answer.status == 429:
            self.budgets.block(self.clock.now_us + limits.REST_TOO_MANY_US)
        elif error.startswith(REST_RATE_LIMIT):
            self.budgets.drain("read", "", self.clock.now_us)
        self._look_for_lockout(error)

    def _look_for_lockout(self, error: str) -> None:
        if error.startswith(LOCKOUT):
            for budgets in (self.budgets, self._order_budgets):
                budgets.block(self.clock.now_us + limits.LOCKOUT_US)

    @property
    def _deadline_us(self) -> int:
        return self.clock.venue_us + limits.ORDER_DEADLINE_US


def order_adapter(
    settings: OrderSettings, names: InstrumentNames, random: Random
) -> ExchangeOrderAdapter[KrakenAnswer]:
    """Return the order adapter of Kraken. Raises ValueError if the secret cannot be one of Kraken."""
    return ExchangeOrderAdapter(KrakenOrders(settings, names), random)


def _subscribed(frame: messages.PrivateFrame) -> Sequence[OrderReading[KrakenAnswer]]:
    if not frame.success:
        return (UselessLink(f"refused: {frame.error[:80]}", REFUSED_US),)
    is_ours = frame.result is not None and frame.result.channel == "executions"
    return (SignedIn(),) if is_ours else ()


def _done(request: OrderRequest, frame: messages.PrivateFrame) -> OrderOutcome:
    if isinstance(request, PlaceOrder):
        return PlaceAnswer(
            request.client_id, "accepted", "" if frame.result is None else frame.result.order_id
        )
    if isinstance(request, AmendOrder):
        return AmendAnswer(request.client_id, "amended")
    return CancelAnswer(request.client_id, "taken")  # the end comes in the channel

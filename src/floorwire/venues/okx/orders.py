"""Orders of one account at OKX (spot): placed, amended and cancelled on the private WebSocket, read by REST.

Source: the API guide of OKX, "Order Book Trading / Trade". ``docs/venues.md`` says what is believed.
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
    PlaceOrder,
    QueryOrder,
    Reconcile,
    RemotePolicy,
)
from floorwire.core.venue_names import bare
from floorwire.venues.common.cancel_all_switch import CancelAllSwitch
from floorwire.venues.common.order_adapter import ExchangeOrderAdapter
from floorwire.venues.common.order_amounts import AmountError
from floorwire.venues.common.order_clock import DateRequest, InstrumentReads, OrderClock
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
from floorwire.venues.common.pending_requests import NEVER_US
from floorwire.venues.common.private_link import LinkTimes
from floorwire.venues.common.private_links import PrivateLinkKind
from floorwire.venues.common.request_budgets import RequestBudgets
from floorwire.venues.common.request_sequences import LONGEST_US, MOST_SEQUENCES, HttpRequest, Steps
from floorwire.venues.okx import account_requests, limits, order_requests
from floorwire.venues.okx import order_messages as messages
from floorwire.venues.okx.order_codes import BAD_CLOCK, DONE, TOO_MANY, outcome, reason
from floorwire.venues.okx.signing import Signer

TIME = DateRequest(HttpRequest("/api/v5/public/time", budget="list", is_signed=False), messages.date_us)
INSTRUMENTS = "/api/v5/public/instruments"
CANCEL = "/api/v5/trade/cancel-order"
ORDERS_CHANNEL = {"channel": "orders", "instType": "SPOT"}
SERVICE_ENDS = "64008"
"""OKX: this service is upgraded in about a minute; connect again."""
SHORT = 2_000
"""Refusals are shorter than this."""
REFUSED_US = 10 * SECOND_US
"""The least wait after OKX refused a login or a subscription."""

OkxAnswer: TypeAlias = messages.PlacedRow | messages.OrderRow
"""The answer to a request, or the row of the channel with the result of an amend."""


class OkxOrders:
    """What differs at OKX."""

    name = "OKX"
    policy = RemotePolicy(
        client_ids="text",  # OKX: at most 32 letters and digits
        can_amend=True,
        misses=3,
        # OKX discards an order after its expTime, so it cannot arrive later than that
        lag_us=limits.ORDER_EXPIRY_MS * 1000 + 5 * SECOND_US,
        answer_us=LONGEST_US + 5 * SECOND_US,
    )
    most_sent = MOST_SEQUENCES
    reading_us = 0
    patience_us = NEVER_US
    cancels_per_request = 1

    def __init__(self, settings: OrderSettings, names: InstrumentNames) -> None:
        self._names = names
        self._signer = Signer(settings)
        self.clock = OrderClock(TIME, self._read_instruments)
        self.budgets = RequestBudgets(limits.ORDER_BUDGETS, settings.limits)
        times = LinkTimes(limits.PRIVATE_SILENT_US, limits.PRIVATE_PING_US)
        self.links = (PrivateLinkKind("private", self._signer.ws_url, times, takes_orders=True, ping="ping"),)
        after_s = settings.cancel_all_after_s
        self.switch = None if after_s is None else CancelAllSwitch(after_s, account_requests.cancel_all_after)
        self._instruments: dict[str, messages.InstrumentCode] = {}

    def _read_instruments(self) -> InstrumentReads:
        answer = yield HttpRequest(INSTRUMENTS, "instType=SPOT", budget="list", is_signed=False)
        listed = messages.usable_rows(answer, messages.INSTRUMENT)
        self._instruments = {instrument.inst_id: instrument for instrument in listed}

    # --- links --------------------------------------------------------------------------------------

    def opened(self, link: str) -> Sequence[str]:
        """Log in."""
        return (self._signer.login(self.clock.venue_us),)

    def closed(self, link: str) -> None:
        """Nothing is kept of a link."""

    def read(self, link: str, data: str | bytes, *, is_up: bool) -> Sequence[OrderReading[OkxAnswer]]:
        """Return what a frame is. Raises ValueError, RecursionError."""
        frame = messages.read(data)
        if frame.op and frame.id.isdecimal():
            return (Answered(int(frame.id[:20]), messages.verdict_of(frame)),)
        if frame.event:
            return self._event(frame, is_up=is_up)
        if frame.arg.channel == "orders":
            return [reading for row in messages.orders(frame) for reading in self._order_row(row)]
        return ()

    def _event(self, frame: messages.PrivateFrame, *, is_up: bool) -> Sequence[OrderReading[OkxAnswer]]:
        match frame.event:
            case "login" if not is_up and frame.code == "0":
                return (SignInStep([_encode({"op": "subscribe", "args": [ORDERS_CHANNEL]})]),)
            case "subscribe" if not is_up and frame.arg.channel == "orders":
                return (SignedIn(),)
            case "login" | "error" if not is_up:
                if frame.code in BAD_CLOCK:
                    self.clock.read_soon()
                return (UselessLink(f"refused_{frame.code[:10]}", REFUSED_US),)
            case "channel-conn-count-error":  # OKX: then the subscription does not exist, though it was taken
                return (UselessLink("too_many_connections", REFUSED_US),)
            case "notice" if frame.code == SERVICE_ENDS:
                return (LinkEndsSoon(),)
        return ()

    def _order_row(self, row: messages.OrderRow) -> Sequence[OrderReading[OkxAnswer]]:
        """Return what an order in the channel says: an execution, the result of an amend, its state."""
        try:
            executed, seen = account_requests.executed_now(row), account_requests.order_seen(row)
        except AmountError:
            return ()
        ids = row.cl_ord_id, row.ord_id
        readings: list[OrderReading[OkxAnswer]] = [ShownOrder(*ids, () if executed is None else (executed,))]
        if row.amend_result and row.req_id.isdecimal():
            readings.append(Answered(int(row.req_id[:20]), row))
        if seen is not None:
            readings.append(ShownOrder(*ids, (seen,)))
        return readings

    # --- requests about orders ----------------------------------------------------------------------

    def place(self, command: PlaceOrder, number: int, *, on_link: bool) -> str:
        """Return the message that places an order. Raises UnplaceableError, AmountError."""
        native = self._names.native(bare(command.symbol))
        instrument = None if native is None else self._instrument(native)
        if instrument is None or instrument.inst_id_code is None:
            raise UnplaceableError(Code.UNKNOWN_SYMBOL, "OKX has not told the number of the instrument")
        argument = order_requests.place(command, instrument.inst_id_code, instrument.lot_sz)
        return messages.request(str(number), "order", argument, self._expires_ms)

    def amend(self, command: AmendOrder, number: int, *, on_link: bool) -> str:
        """Return the message that amends an order. Raises UnplaceableError."""
        code = self._instrument_code(command.symbol)
        if code is None:
            raise UnplaceableError(Code.VENUE_UNAVAILABLE, "OKX has not told the number of the instrument")
        argument = order_requests.amend(command, code, str(number))
        return messages.request(str(number), "amend-order", argument, self._expires_ms)

    def cancel(self, commands: Mapping[int, CancelOrder], *, on_link: bool) -> OrderCall[OkxAnswer]:
        """Return the message, or by REST the request: it needs no number of the instrument."""
        [(number, command)] = commands.items()
        code = self._instrument_code(command.symbol)
        if not on_link or code is None:
            return self._cancel_by_rest(number, command)
        return messages.request(str(number), "cancel-order", order_requests.cancel(command, code))

    def _cancel_by_rest(self, number: int, command: CancelOrder) -> RestSteps[OkxAnswer]:
        body = msgspec.json.encode(order_requests.cancel_by_rest(command, self._native(command.symbol)))
        answer = yield HttpRequest(CANCEL, "", "POST", body, "cancel", command.symbol)
        return (Answered(number, messages.placed(answer)),)

    def can_cancel(self, command: CancelOrder) -> bool:
        """Every order can be cancelled by our id."""
        return True

    def spend(self, number: int, request: OrderRequest, *, on_link: bool) -> bool:
        """Take what the request costs, if it may be sent now."""
        kind = kind_of(request)
        return not on_link or self.budgets.spend(kind, request.symbol, self.clock.now_us)

    def cancel_free_us(self, symbol: str) -> int:
        """Return when the next cancel may be sent."""
        return self.budgets.free_us("cancel", symbol, self.clock.now_us)

    def outcome(self, request: OrderRequest, answer: OkxAnswer) -> OrderOutcome | TryAgain | None:
        """Return what an answer says of its request."""
        if isinstance(answer, messages.OrderRow):
            return _amended(request, answer)
        if isinstance(request, AmendOrder) and answer.s_code == DONE:
            return None  # OKX: the request is taken; the result comes in the channel
        if answer.s_code in TOO_MANY:
            self.budgets.block(self.clock.now_us + limits.TOO_MANY_US)
            if isinstance(request, CancelOrder):
                return TryAgain()
        return outcome(request, answer)

    # --- reads --------------------------------------------------------------------------------------

    def query(self, command: QueryOrder) -> Steps:
        """Ask for an order, with its executions."""
        return account_requests.query(command, self._native(command.symbol))

    def reconcile(self, command: Reconcile) -> Steps:
        """Ask for the account."""
        return account_requests.reconcile(command)

    def sign(self, number: int, request: HttpRequest, date_us: int) -> Fetch:
        """Return what is sent for a request by REST."""
        return self._signer.fetch(number, request, self.clock.venue_us)

    def look_at(self, answer: Answer) -> None:
        """Take in what an answer says about rate limits and clocks."""
        code = messages.code_of(answer) if answer.status != 200 or len(answer.body) < SHORT else ""
        if answer.status == 429 or code in TOO_MANY:
            self.budgets.block(self.clock.now_us + limits.TOO_MANY_US)
        elif code in BAD_CLOCK:
            self.clock.read_soon()

    @property
    def _expires_ms(self) -> int:
        return self.clock.venue_us // 1000 + limits.ORDER_EXPIRY_MS

    def _native(self, symbol: str) -> str:
        return self._names.native(bare(symbol)) or bare(symbol)

    def _instrument(self, native: str) -> messages.InstrumentCode | None:
        """Return the instrument. None: it is not known, and the list is read again soon."""
        found = self._instruments.get(native)
        if found is None:
            self.clock.read_for_missing()
        return found

    def _instrument_code(self, symbol: str) -> int | None:
        instrument = self._instrument(self._native(symbol))
        return None if instrument is None else instrument.inst_id_code


def order_adapter(
    settings: OrderSettings, names: InstrumentNames, random: Random
) -> ExchangeOrderAdapter[OkxAnswer]:
    """Return the order adapter of OKX."""
    return ExchangeOrderAdapter(OkxOrders(settings, names), random)


def _amended(request: OrderRequest, row: messages.OrderRow) -> AmendAnswer | None:
    """Return the result of an amend in the channel; None if it is of another request."""
    if not isinstance(request, AmendOrder) or request.client_id != row.cl_ord_id:
        return None
    if row.amend_result == "0":
        return AmendAnswer(request.client_id, "amended", updated=row.u_time)
    return AmendAnswer(request.client_id, "refused", reason(row.code), row.u_time)


def _encode(message: Mapping[str, object]) -> str:
    return msgspec.json.encode(message).decode()

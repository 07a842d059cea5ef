"""The order adapter of Binance spot: what is sent for a command, and what an answer or an event reports.

``docs/venues.md`` has the rules.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final

from floorwire.core.codes import Code
from floorwire.core.microseconds import SECOND_US
from floorwire.core.order_ports import (
    InstrumentNames,
    OrderAdapterInput,
    OrderAdapterOutput,
    OrderSettings,
)
from floorwire.core.ports import Answer, Closed, Frame, Opened, Random, Wake
from floorwire.core.remote_order_messages import (
    AmendAnswer,
    AmendOrder,
    CancelAnswer,
    CancelOrder,
    OrderAnswer,
    OrderSeen,
    PlaceAnswer,
    PlaceOrder,
    QueryFailed,
    QueryOrder,
    Reconcile,
    ReconcileFailed,
    RemoteCommand,
    RemotePolicy,
)
from floorwire.core.venue_names import bare
from floorwire.venues.binance import order_codes, order_mapping, order_requests
from floorwire.venues.binance.account_requests import AccountReading, ReadStep
from floorwire.venues.binance.order_api import OrderApi
from floorwire.venues.binance.order_messages import (
    Failure,
    amended_decoder,
    execution_report_decoder,
    order_decoder,
    trades_decoder,
)
from floorwire.venues.binance.order_requests import (
    MOST_TRADES,
    Amending,
    Call,
    Cancelling,
    Looking,
    LookingForFills,
    Placing,
    Reconciling,
)
from floorwire.venues.binance.placing_orders import PlacingOrders
from floorwire.venues.common.order_amounts import is_zero
from floorwire.venues.common.order_exchange import UnplaceableError
from floorwire.venues.common.order_outcomes import MOST_MESSAGE, rejected, unknown

TICK_US = SECOND_US // 2
"""How often the adapter looks what is due."""
MOST_PRICES = 20_000
POLICY = RemotePolicy(
    client_ids="text",
    can_amend=True,
    misses=3,
    # 10 s in the engine, after the time in which a request is accepted, and some of a wrong clock.
    lag_us=15 * SECOND_US,
    answer_us=12 * SECOND_US,
)
NOTHING: Final[tuple[None, None]] = (None, None)


class BinanceOrders:
    """The orders of one account at Binance spot."""

    policy: RemotePolicy = POLICY

    def __init__(self, settings: OrderSettings, names: InstrumentNames, random: Random) -> None:
        """Raises ValueError where the secret is none that Binance has."""
        self._names = names
        self._api = OrderApi(settings, self, random)
        self._reading: AccountReading | None = None
        self._prepared: tuple[PlaceOrder | None, Call | None] = NOTHING
        """The order that was prepared last, and its request."""
        self._traded: dict[str, None] = {}
        """Symbols of which orders were placed."""
        self._prices: dict[str, str] = {}
        """By client id: the limit of an open order. At most ``MOST_PRICES``; orders beyond are not
        amended."""
        self._placing = PlacingOrders()
        self._wake_us = 0

    @property
    def skipped(self) -> Mapping[str, int]:
        """How many messages could not be used, by reason."""
        return self._api.skipped

    # --- what happens -------------------------------------------------------------------------------

    def start(self, now_us: int, date_us: int) -> Sequence[OrderAdapterOutput]:
        """Open the session."""
        self._api.at(now_us, date_us)
        self._api.start()
        return self._outputs(now_us)

    def prepare(self, command: PlaceOrder, now_us: int, date_us: int) -> None:
        """Make the request of an order."""
        native = self._names.native(bare(command.symbol))
        if native is not None:
            with suppress(UnplaceableError):  # it is answered when it comes
                self._prepared = command, order_requests.place(command, native)

    def command(self, command: RemoteCommand, now_us: int, date_us: int) -> Sequence[OrderAdapterOutput]:
        """Send the command, or say why not."""
        self._api.at(now_us, date_us)
        if isinstance(command, PlaceOrder):
            self._place(command)
        elif isinstance(command, AmendOrder):
            self._amend(command)
        elif isinstance(command, Reconcile):
            self._reading = AccountReading(command, list(self._traded))
            self._api.queue(self._reading.call())
        else:
            self._cancel_or_look(command)
        return self._outputs(now_us)

    def receive(self, happened: OrderAdapterInput, now_us: int, date_us: int) -> Sequence[OrderAdapterOutput]:
        """Take in what happened. Never raises on anything that a peer sent."""
        self._api.at(now_us, date_us)
        if isinstance(happened, Frame):
            self._api.frame(happened)
        elif isinstance(happened, Answer):
            self._api.answer(happened)
        elif isinstance(happened, Opened):
            self._api.opened(happened.link)
        elif isinstance(happened, Closed):
            self._api.closed(happened.link)
        else:
            self._wake_us = 0
            self._api.look_what_is_due()
        return self._outputs(now_us)

    def _outputs(self, now_us: int) -> list[OrderAdapterOutput]:
        self._api.tell_link()
        self._api.send_waiting()
        outputs, self._api.out = self._api.out, []
        if self._wake_us <= now_us:
            self._wake_us = now_us + TICK_US
            outputs.append(Wake(self._wake_us))
        return outputs

    # --- commands -----------------------------------------------------------------------------------

    def _place(self, command: PlaceOrder) -> None:
        native = self._names.native(bare(command.symbol))
        (prepared, call), self._prepared = self._prepared, NOTHING
        try:
            if not self._api.is_up:
                raise UnplaceableError(Code.VENUE_UNAVAILABLE, "the session with Binance is down")
            if native is None:
                raise UnplaceableError(Code.UNKNOWN_SYMBOL, "Binance does not list it")
            if call is None or prepared is not command:
                call = order_requests.place(command, native)
            if not self._api.send_order(call):
                raise UnplaceableError(Code.RATE_LIMITED, "the limits of Binance allow no further order now")
        except UnplaceableError as error:  # nothing was sent
            self._report(rejected(command, error.code, str(error)))
            return
        self._placing.add(command.client_id)
        self._traded[native] = None
        self._remember_price(command.client_id, command.price)

    def _amend(self, command: AmendOrder) -> None:
        native, price = self._names.native(bare(command.symbol)), self._prices.get(command.client_id)
        code: Code | None = None
        if not self._api.is_up:
            code = Code.VENUE_UNAVAILABLE
        elif native is None or price is None or not order_mapping.is_same(price, command.price):
            code = Code.VENUE_REJECTED  # an amend of Binance reduces the quantity, and can do nothing else
        elif not self._api.send(order_requests.amend(command, native)):
            code = Code.RATE_LIMITED
        if code is not None:
            self._report(AmendAnswer(command.client_id, "refused", code))

    def _cancel_or_look(self, command: CancelOrder | QueryOrder) -> None:
        native = self._names.native(bare(command.symbol))
        if isinstance(command, CancelOrder):
            call = order_requests.cancel(command, native or "")
        else:
            call = order_requests.look(command, native or "")
        if native is None:  # the list of instruments did not come yet
            self.given_up(call)
        else:
            self._api.queue(call)

    def _remember_price(self, client_id: str, price: str | None) -> None:
        if price is not None and (client_id in self._prices or len(self._prices) < MOST_PRICES):
            self._prices[client_id] = price

    def _report(self, *reports: OrderAdapterOutput) -> None:
        self._api.out += reports

    # --- results ------------------------------------------------------------------------------------

    def succeeded(self, call: Call, result: bytes) -> None:
        """Take in a result. Raises ValueError where it cannot be read."""
        purpose = call.purpose
        if isinstance(purpose, Placing):
            self._placed(purpose.command, result)
        elif isinstance(purpose, Cancelling):
            client_id = purpose.command.client_id
            seen = order_mapping.order_seen(order_decoder.decode(result), client_id)
            self._report(CancelAnswer(client_id, "taken"))
            self._saw(seen)
        elif isinstance(purpose, Amending):
            updated = amended_decoder.decode(result).transact_time
            self._report(AmendAnswer(purpose.command.client_id, "amended", updated=updated))
        elif isinstance(purpose, Looking):
            self._looked(purpose.command, result)
        elif isinstance(purpose, LookingForFills):
            self._looked_for_fills(purpose, result)
        elif isinstance(purpose, Reconciling):
            self._read(purpose, result)

    def failed(self, call: Call, status: int, failure: Failure) -> None:
        """Take in a refusal, or a failure."""
        purpose, code = call.purpose, failure.code
        if isinstance(purpose, Placing):
            client_id = purpose.command.client_id
            outcome, why = order_codes.outcome(status, code, failure.msg)
            if outcome == "rejected":
                self._placing.rejected(client_id)
                self._prices.pop(client_id, None)
            self._report(PlaceAnswer(client_id, outcome, "", why, failure.msg[:MOST_MESSAGE]))
        elif isinstance(purpose, Amending):
            outcome, why = order_codes.outcome(status, code, failure.msg)
            is_refused = outcome == "rejected" or code == order_codes.NO_SUCH_ORDER
            self._report(AmendAnswer(purpose.command.client_id, "refused" if is_refused else "unknown", why))
        elif isinstance(purpose, Cancelling):
            outcome, _ = order_codes.outcome(status, code, failure.msg)
            is_refused = outcome == "rejected" or code == order_codes.CANCEL_REJECTED
            if code == order_codes.CANCEL_REJECTED and failure.msg == order_codes.UNKNOWN_ORDER:
                self._report(CancelAnswer(purpose.command.client_id, "over"))
            else:
                self._report(CancelAnswer(purpose.command.client_id, "refused" if is_refused else "unknown"))
        elif isinstance(purpose, Looking) and code == order_codes.NO_SUCH_ORDER:
            self._report(OrderAnswer(purpose.command.query, None))
        elif isinstance(purpose, Looking) and code == order_codes.ORDER_ARCHIVED:
            self._report(OrderAnswer(purpose.command.query, order_mapping.archived(purpose.command)))
        else:
            self.given_up(call)

    def given_up(self, call: Call) -> None:
        """Tell that nobody knows what became of a request."""
        purpose = call.purpose
        if isinstance(purpose, Placing | Cancelling | Amending):
            self._report(unknown(purpose.command))
        elif isinstance(purpose, Looking | LookingForFills):
            self._report(QueryFailed(purpose.command.query))
        elif isinstance(purpose, Reconciling) and self._is_present(purpose):
            self._reading = None
            self._report(ReconcileFailed(purpose.request))

    def happened(self, kind: str, event: bytes) -> None:
        """Take in an event. Raises ValueError where it cannot be read."""
        if kind != "executionReport":
            return  # balances are read, since these events have only some of them
        decoded = execution_report_decoder.decode(event)
        self._api.told(decoded.order_id)
        if decoded.status != "REJECTED":
            client_id = decoded.original_client_id or decoded.client_id
            self._report(*self._placing.accepted(client_id, str(decoded.order_id)))
        for report in order_mapping.reports(decoded):
            if isinstance(report, OrderSeen):
                self._saw(report)
            else:
                self._report(report)

    # --- orders -------------------------------------------------------------------------------------

    def _placed(self, command: PlaceOrder, result: bytes) -> None:
        row = order_decoder.decode(result)
        self._api.accepted(row.order_id)
        self._report(*self._placing.accepted(command.client_id, str(row.order_id)))
        self._report(*order_mapping.fills(row, command.client_id))
        self._saw(order_mapping.order_seen(row, command.client_id))

    def _saw(self, seen: OrderSeen | None) -> None:
        if seen is None:
            return
        if seen.state == "open":
            self._remember_price(seen.client_id, seen.price)
        else:
            self._prices.pop(seen.client_id, None)
        self._report(seen)

    def _looked(self, command: QueryOrder, result: bytes) -> None:
        row = order_decoder.decode(result)
        seen = order_mapping.order_seen(row, command.client_id)
        if seen is None:
            raise ValueError(f"an order has the status {row.status[:40]!r}")
        if seen.state != "open":
            self._prices.pop(command.client_id, None)
        if is_zero(seen.filled):
            self._report(OrderAnswer(command.query, seen))
            return
        purpose = LookingForFills(command, seen)
        self._api.queue(order_requests.look_for_fills(row.symbol, row.order_id, purpose))

    def _looked_for_fills(self, purpose: LookingForFills, result: bytes) -> None:
        command, order_id = purpose.command, int(purpose.seen.venue_order_id)
        rows = [row for row in trades_decoder.decode(result) if row.order_id == order_id]
        found = tuple(order_mapping.executed(row, command.client_id) for row in rows)
        executions = (*purpose.executions, *found)
        if len(rows) < MOST_TRADES:
            self._report(OrderAnswer(command.query, purpose.seen, executions))
        else:
            further = LookingForFills(command, purpose.seen, executions)
            self._api.queue(order_requests.look_for_fills(rows[0].symbol, order_id, further))

    # --- reconciliation -----------------------------------------------------------------------------

    def _read(self, purpose: Reconciling, result: bytes) -> None:
        reading = self._reading
        if reading is None or not self._is_present(purpose):
            return
        reading.take(result)
        if reading.step is not ReadStep.DONE:
            self._api.queue(reading.call())
            return
        self._reading = None
        answer = reading.answer()
        for seen in answer.open_orders:
            self._remember_price(seen.client_id, seen.price)
        self._report(answer)

    def _is_present(self, purpose: Reconciling) -> bool:
        return self._reading is not None and self._reading.request == purpose.request

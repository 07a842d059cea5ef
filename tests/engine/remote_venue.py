"""A model of a venue outside the process: it loses answers, repeats, reorders and lags, and never lies."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Literal

from floorwire.core.instrument import Instrument
from floorwire.core.remote_order_messages import (
    AmendAnswer,
    AmendOrder,
    CancelAnswer,
    CancelOrder,
    Executed,
    LinkDown,
    LinkUp,
    OrderAnswer,
    OrderSeen,
    PlaceAnswer,
    PlaceOrder,
    QueryFailed,
    QueryOrder,
    Reconcile,
    ReconcileAnswer,
    ReconcileFailed,
    RemoteCommand,
    RemoteReport,
    VenueBalance,
)


@dataclass
class VenueOrder:
    """An order as the venue has it."""

    command: PlaceOrder
    venue_order_id: str
    price: int
    lots: int
    filled: int = 0
    state: Literal["open", "filled", "cancelled"] = "open"
    updated: int = 0
    executions: list[Executed] = field(default_factory=list)


class RemoteVenue:
    """Executes commands when they arrive, and sends reports when the test says so."""

    def __init__(self, instrument: Instrument, money: dict[str, int], rng: Random) -> None:
        """``money``: of each asset, in the units of one lot, or of one tick x lot."""
        self.instrument = instrument
        self.money = money
        self.rng = rng
        self.orders: dict[str, VenueOrder] = {}
        self.arrived: list[str] = []
        """The client ids of all orders that came, as often as they came."""
        self.arriving: list[RemoteCommand] = []
        self.reports: list[RemoteReport] = []
        self.faults = True
        self._clock = 0

    def send(self, commands: list[RemoteCommand]) -> None:
        self.arriving += commands

    def arrive(self, index: int) -> None:
        """Let one of the commands arrive, in any order; or be lost on its way."""
        command = self.arriving.pop(index)
        is_lost = self.faults and self.rng.random() < 0.2
        answer: RemoteReport
        if isinstance(command, PlaceOrder):
            answer = PlaceAnswer(command.client_id, "unknown")
            if not is_lost:
                self._place(command)
                order = self.orders[command.client_id]
                answer = PlaceAnswer(command.client_id, "accepted", order.venue_order_id)
                self._tell(order)
        elif isinstance(command, CancelOrder):
            answer = CancelAnswer(command.client_id, "unknown")
            if not is_lost:
                order = self.orders[command.client_id]
                answer = CancelAnswer(command.client_id, "taken" if order.state == "open" else "over")
                self._change(order, "cancelled")
        elif isinstance(command, AmendOrder):
            answer = self._amend(command, is_lost)
        elif isinstance(command, QueryOrder):
            known = self.orders.get(command.client_id)
            found = None if known is None else self.seen(known)
            executions = () if known is None else tuple(known.executions)
            answer = QueryFailed(command.query) if is_lost else OrderAnswer(command.query, found, executions)
        else:
            answer = self._reconcile(command, is_lost)
        if not (self.faults and self.rng.random() < 0.2):
            self.reports.append(answer)

    def _place(self, command: PlaceOrder) -> None:
        self.arrived.append(command.client_id)
        price, lots = self.instrument.price, self.instrument.size
        assert command.quantity is not None
        self.orders[command.client_id] = VenueOrder(
            command, f"V{len(self.orders)}", price.parse(command.worst_price), lots.parse(command.quantity)
        )

    def _amend(self, command: AmendOrder, is_lost: bool) -> AmendAnswer:
        order = self.orders[command.client_id]
        if is_lost:
            return AmendAnswer(command.client_id, "unknown")
        lots = self.instrument.size.parse(command.quantity)
        if order.state != "open" or lots <= order.filled:
            return AmendAnswer(command.client_id, "refused")
        order.price, order.lots = self.instrument.price.parse(command.price), lots
        self._change(order, "open")
        return AmendAnswer(command.client_id, "amended", updated=order.updated)

    def _reconcile(self, command: Reconcile, is_lost: bool) -> RemoteReport:
        if is_lost:
            return ReconcileFailed(command.request)
        balances = tuple(VenueBalance(asset, self.text(asset)) for asset in self.money)
        if command.is_second_look:
            return ReconcileAnswer(command.request, (), (), balances, command.cursor, is_second_look=True)
        everything = [one for order in self.orders.values() for one in order.executions]
        new = everything[int(command.cursor or 0) :] if not self.faults else everything
        return ReconcileAnswer(
            command.request,
            tuple(self.seen(order) for order in self.orders.values() if order.state == "open"),
            tuple(new),
            balances,
            str(len(everything)),
        )

    def text(self, asset: str) -> str:
        """Return the amount as the venue writes it."""
        if asset == self.instrument.base:
            return self.instrument.size.format(self.money[asset])
        if asset == self.instrument.quote:
            return self.instrument.format_notional(self.money[asset])
        return f"{self.money[asset] / 1000:.3f}"

    def seen(self, order: VenueOrder) -> OrderSeen:
        price, size = self.instrument.price, self.instrument.size
        return OrderSeen(
            order.command.client_id,
            order.venue_order_id,
            order.state,
            size.format(order.filled),
            order.updated,
            price.format(order.price),
            size.format(order.lots),
        )

    def _change(self, order: VenueOrder, state: Literal["open", "filled", "cancelled"]) -> None:
        if order.state == "open":
            order.state = state
            self._clock += 1
            order.updated = self._clock
            self._tell(order)

    def _tell(self, order: VenueOrder) -> None:
        self.reports.append(self.seen(order))

    def fill(self, order: VenueOrder, lots: int) -> None:
        """Somebody trades with the order."""
        sign = 1 if order.command.side == "buy" else -1
        order.filled += lots
        number = sum(len(one.executions) for one in self.orders.values())
        executed = Executed(
            "" if self.rng.random() < 0.3 else order.command.client_id,
            order.venue_order_id,
            f"E{number}",
            f"T{number}",
            self.instrument.price.format(order.price),
            self.instrument.size.format(lots),
            "maker",
            "0.001",
            "BNB",
        )
        order.executions.append(executed)
        self.money[self.instrument.base] += sign * lots
        self.money[self.instrument.quote] -= sign * lots * order.price
        self.money["BNB"] -= 1
        self.reports.append(executed)
        self._change(order, "filled" if order.filled == order.lots else "open")

    def report(self) -> RemoteReport | None:
        """Return a report that arrives at the gateway: any, perhaps once more later; None: it is lost."""
        report = self.reports.pop(self.rng.randrange(len(self.reports)) if self.faults else 0)
        if self.faults and self.rng.random() < 0.2:
            self.reports.append(report)
        return None if self.faults and self.rng.random() < 0.2 else report

    def link(self, *, is_up: bool) -> RemoteReport:
        return LinkUp() if is_up else LinkDown()

"""Orders as their owner sees them: one object each, from the request until it is closed."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from decimal import Decimal
from enum import Enum, auto
from typing import Final, Protocol, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from floorwire.client.errors import ClientError, OrderRejectedError
from floorwire.client.order_outcome import OrderOutcome, OutcomeState
from floorwire.core.instrument import Side
from floorwire.core.orders import OPEN, OrderType, TimeInForce
from floorwire.protocol.account_rows import FillRow, OrderRow
from floorwire.protocol.private_events import OrdersUpdate
from floorwire.protocol.replies import Error, OrderAcceptedReply, OrderReply
from floorwire.protocol.trading_requests import OrderPlace

AmountLike: TypeAlias = str | Decimal | int
"""A decimal. Floats are not exact, so they are not taken."""
DEADLINE_S: Final = 10.0


class OrderTerms(msgspec.Struct, frozen=True, kw_only=True):
    """What an order is to be."""

    symbol: str
    side: Side
    quantity: AmountLike | None = None
    spend: AmountLike | None = None
    """Of a market buy: how much of the quote asset, in place of the quantity."""
    limit: AmountLike | None = None
    """The price; None: a market order."""
    stop: AmountLike | None = None
    """The price that makes it active; None: at once."""
    time_in_force: TimeInForce | None = None
    expires: int | None = None
    """Of gtd: microseconds since the epoch, UTC."""
    post_only: bool = False
    reduce_only: bool = False
    client_order_id: str | None = None
    """None: a random one."""
    deadline_s: float = DEADLINE_S
    """How long the server may accept it."""

    @property
    def type(self) -> OrderType:
        """The type on the wire."""
        if self.stop is None:
            return "market" if self.limit is None else "limit"
        return "stop" if self.limit is None else "stop_limit"

    def request(self, client_order_id: str, deadline_us: int) -> OrderPlace:
        """Return the request. Raises TypeError for an amount that is a float."""
        return OrderPlace(
            client_order_id=client_order_id,
            symbol=self.symbol,
            side=self.side,
            type=self.type,
            quantity=amount(self.quantity),
            quote_quantity=amount(self.spend),
            price=amount(self.limit),
            stop_price=amount(self.stop),
            time_in_force=self.time_in_force or UNSET,
            expires=UNSET if self.expires is None else self.expires,
            post_only=self.post_only or UNSET,
            reduce_only=self.reduce_only or UNSET,
            deadline=deadline_us,
        )


class OrderPhase(Enum):
    """Where an order stands. docs/sdk.md has the picture."""

    SENDING = auto()
    UNCLEAR = auto()
    OPEN = auto()
    CLOSED = auto()
    REJECTED = auto()


class OrderCommands(Protocol):
    """Sends what an order is told to do."""

    async def amend(self, order: Order, price: str | UnsetType, quantity: str | UnsetType) -> None:
        """Send an amend. Raises OrderRejectedError."""
        ...

    async def cancel(self, order: Order) -> None:
        """Send a cancel. Raises OrderRejectedError."""
        ...


class Order:
    """One order. ``row`` is what the server last said of it."""

    def __init__(self, terms: OrderTerms | None, client_order_id: str, commands: OrderCommands) -> None:
        """``terms``: None for an order that was found open, and not sent by this client."""
        self.terms = terms
        self.client_order_id = client_order_id
        self.order_id = ""
        """The server's id, once it is accepted."""
        self.row: OrderRow | None = None
        self.outcome: OrderOutcome | None = None
        """None: it was not sent yet, or it was found open."""
        self._fills: dict[str, FillRow] = {}
        self._commands = commands
        self._error: ClientError | None = None
        """Why it is REJECTED, or why nothing more will be known."""
        self._accepted = asyncio.Event()
        self._done = asyncio.Event()
        self._amends: deque[asyncio.Future[OrdersUpdate | OrderRow]] = deque()
        """Amends that wait for what the market says, the oldest first."""
        self.on_change: Callable[[Order], None] | None = None
        """Called after each event of it."""

    @property
    def phase(self) -> OrderPhase:
        """Where it stands."""
        if self.row is not None:
            return OrderPhase.OPEN if self.row.state in OPEN else OrderPhase.CLOSED
        if self.outcome is None:
            return OrderPhase.OPEN if self.terms is None else OrderPhase.SENDING
        return {
            OutcomeState.SENDING: OrderPhase.SENDING,
            OutcomeState.UNCLEAR: OrderPhase.UNCLEAR,
            OutcomeState.EXISTS: OrderPhase.OPEN,
            OutcomeState.REJECTED: OrderPhase.REJECTED,
        }[self.outcome.state]

    @property
    def fills(self) -> list[FillRow]:
        """Its fills so far, the oldest first."""
        return sorted(self._fills.values(), key=lambda fill: int(fill.fill_id))

    async def accepted(self) -> Order:
        """Wait until it is certain that it exists; return it. Raises OrderRejectedError, ClientError."""
        await self._accepted.wait()
        if self._error is not None and self.order_id == "":
            raise self._error
        return self

    async def done(self) -> list[FillRow]:
        """Wait until it is closed; return its fills. Raises OrderRejectedError, ClientError."""
        await self._done.wait()
        if self._error is not None:
            raise self._error
        return self.fills

    async def amend(self, *, price: AmountLike | None = None, quantity: AmountLike | None = None) -> OrderRow:
        """Change the price, the quantity (the total) or both; return the order as it then is.

        Raises OrderRejectedError where the server or the market refuses it; the order is then as it was.
        """
        await self.accepted()
        answer: asyncio.Future[OrdersUpdate | OrderRow] = asyncio.get_running_loop().create_future()
        self._amends.append(answer)
        try:
            await self._commands.amend(self, amount(price), amount(quantity))
            row = await answer
        finally:
            if answer in self._amends:
                self._amends.remove(answer)
        if isinstance(row, OrdersUpdate) and row.event == "amend_refused":
            code = row.code or "venue_rejected"
            raise OrderRejectedError(Error(code=code, message="the market refused the amend", retry=False))
        return row

    async def cancel(self) -> None:
        """Ask to cancel what is open of it. Returns when that is on the server's disk, or it is closed.

        An order whose outcome is not known yet is waited for. Raises OrderRejectedError, ClientError.
        """
        await self.accepted()
        if self.phase is not OrderPhase.CLOSED:
            await self._commands.cancel(self)

    # --- for the tracker ---------------------------------------------------------------------------------

    def was_accepted(self, order_id: str) -> None:
        """Note that it exists."""
        self.order_id = order_id
        self._accepted.set()

    def replied(self, reply: OrderAcceptedReply | OrderReply) -> None:
        """Take the reply that proves it."""
        if isinstance(reply, OrderReply):
            self.update(reply.order)
        else:
            self.was_accepted(reply.order_id)

    def update(self, row: OrderRow) -> None:
        """Take what it is now. An older row than the last one changes nothing."""
        if isinstance(row, OrdersUpdate) and row.fill is not UNSET:
            self._fills[row.fill.fill_id] = row.fill
        if self.row is not None and (row.updated < self.row.updated or self.row.state not in OPEN):
            return
        self.row = row
        self.was_accepted(row.order_id)
        is_closed = row.state not in OPEN
        if self._amends and (is_closed or _answers_amend(row)):
            waiting = [*self._amends] if is_closed else [self._amends[0]]
            for answer in waiting:
                self._amends.remove(answer)
                if not answer.done():
                    answer.set_result(row)
        if is_closed and self.has_all_fills:
            self._done.set()
        if self.on_change is not None:
            self.on_change(self)

    @property
    def has_all_fills(self) -> bool:
        """Whether the fills that are known add up to what is filled."""
        filled = Decimal(0) if self.row is None else Decimal(self.row.filled_quantity)
        return sum((Decimal(fill.quantity) for fill in self._fills.values()), Decimal(0)) == filled

    def add_fills(self, fills: list[FillRow]) -> None:
        """Add fills that were read from the account's history."""
        self._fills |= {fill.fill_id: fill for fill in fills if fill.order_id == self.order_id}
        if self.row is not None and self.row.state not in OPEN and self.has_all_fills:
            self._done.set()

    def fail(self, error: ClientError) -> None:
        """Note that it is rejected, or that nobody will learn whether it exists."""
        self.lose(error)
        if not self._accepted.is_set():
            self._error = error  # also where it could not be followed before
        self._accepted.set()

    def lose(self, error: ClientError) -> None:
        """Note that nothing more of what happens to it will be known."""
        if not self._done.is_set():
            self._error = error
        for answer in self._amends:
            if not answer.done():
                answer.set_exception(error)
        self._done.set()

    def finish(self) -> None:
        """Note that no more fills of it can be read. If it is closed, it is done."""
        if self.phase is OrderPhase.CLOSED:
            self._done.set()


def _answers_amend(row: OrderRow) -> bool:
    return isinstance(row, OrdersUpdate) and row.event in ("amended", "amend_refused")


def amount(value: AmountLike | None) -> str | UnsetType:
    """Return the decimal as text; UNSET where there is none. Raises TypeError for a float."""
    if value is None:
        return UNSET
    if isinstance(value, float):
        raise TypeError(f"{value!r}: give a decimal as text or Decimal; a float is not exact")
    return f"{value:f}" if isinstance(value, Decimal) else str(value)

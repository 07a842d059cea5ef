"""Sends orders until their outcome is known, and follows each of them by the channel ``orders``."""

from __future__ import annotations

import asyncio
import secrets
from functools import partial
from typing import Final

from msgspec import UNSET, UnsetType

from floorwire.client.connection import Connection
from floorwire.client.errors import ClientError, OrderRejectedError, RequestRefusedError
from floorwire.client.order import Order, OrderPhase, OrderTerms
from floorwire.client.order_outcome import OrderOutcome, OutcomeState
from floorwire.client.pending_requests import Reply
from floorwire.client.stream_gap import StreamGap
from floorwire.client.subscription import StreamItem, Subscription, Topic
from floorwire.core.codes import Code
from floorwire.protocol.account_rows import OrderRow
from floorwire.protocol.private_events import OrdersSnapshot, OrdersUpdate
from floorwire.protocol.replies import AllCancelled, Error, FillList, OrderAcceptedReply, OrderReply
from floorwire.protocol.trading_requests import (
    MAX_FILLS,
    Fills,
    OrderAmend,
    OrderCancel,
    OrderCancelAll,
    OrderStatus,
)

MAX_CLOSED: Final = 10_000
"""So many closed orders are remembered, so that a client order id is not used twice by mistake."""
US: Final = 1_000_000
LOOK_AGAIN_S: Final = 1.0
"""When it asks again for an order, or for fills, that it could not read."""


class OrderTracker:
    """All orders of one gateway that this client sent, or found open."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._orders: dict[str, Order] = {}
        """By the client order id; open ones, and the latest closed ones."""
        self._seen: set[str] = set()
        """Client order ids in the snapshot that is coming."""
        self._has_gap = False
        """Whether events may be missing before the snapshot that is coming."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._subscription: Subscription | None = None
        self._lost: ClientError | None = None
        """Why orders cannot be followed."""

    @property
    def open_orders(self) -> list[Order]:
        """The orders that are not closed, the oldest first."""
        over = (OrderPhase.CLOSED, OrderPhase.REJECTED)
        return [order for order in self._orders.values() if order.phase not in over]

    def follow(self) -> None:
        """Follow the channel ``orders`` from now on."""
        if self._subscription is None:
            self._subscription = Subscription(Topic("orders"), self.accept)
            self._connection.subscriptions.subscribe(self._subscription, self._lose)

    def place(self, terms: OrderTerms) -> Order:
        """Send an order, now or when the connection is open. Raises ValueError, TypeError."""
        name = terms.client_order_id or secrets.token_hex(12)
        if name in self._orders:
            raise ValueError(f"{name} was used for another order")
        terms.request(name, 0)  # raises what is wrong with it at once
        order = self._orders[name] = Order(terms, name, self)
        self._forget_closed()
        self.follow()
        if self._lost is not None:
            order.lose(self._lost)
        self._connection.when_open(partial(self._begin, order, terms), order.fail)
        return order

    async def find(self, request: OrderStatus) -> Order:
        """Return an order of the account, open or closed, and follow it. Raises RequestRefusedError."""
        self.follow()
        reply = await self._connection.requests.reply(request)
        assert isinstance(reply, OrderReply)
        name = reply.order.client_order_id
        order = self._orders.setdefault(name, Order(None, name, self))
        order.update(reply.order)
        if order.phase is OrderPhase.CLOSED and not order.has_all_fills:
            self._read_missed(order)
        return order

    async def cancel_all(self, symbol: str | None) -> int:
        """Cancel all open orders of the account, or of a symbol; return how many. Raises ClientError."""
        request = OrderCancelAll(symbol=UNSET if symbol is None else symbol)
        reply = await self._connection.requests.reply(request)
        assert isinstance(reply, AllCancelled)
        return reply.count

    async def amend(self, order: Order, price: str | UnsetType, quantity: str | UnsetType) -> None:
        """Send an amend. Raises OrderRejectedError, ClientError."""
        name = order.client_order_id
        await self._command(OrderAmend(client_order_id=name, price=price, quantity=quantity))

    async def cancel(self, order: Order) -> None:
        """Send a cancel. An order that is closed already is no error. Raises ClientError."""
        try:
            await self._command(OrderCancel(client_order_id=order.client_order_id))
        except OrderRejectedError as error:
            if error.code != Code.ORDER_CLOSED:
                raise

    async def _command(self, request: OrderAmend | OrderCancel) -> None:
        """Send it until it is known whether it was taken. Both say what is to be, so twice is as once."""
        while True:
            try:
                await self._connection.requests.reply(request)
            except RequestRefusedError as error:
                if error.order != "unknown":
                    raise OrderRejectedError(error.error) from None
                await asyncio.sleep(max(LOOK_AGAIN_S, error.retry_after_ms / 1_000))
            else:
                return

    async def aclose(self) -> None:
        """End the tasks that read what was missed."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    # --- sending -----------------------------------------------------------------------------------------

    def _begin(self, order: Order, terms: OrderTerms) -> None:
        deadline_us = self._connection.server_us + round(terms.deadline_s * US)
        outcome = order.outcome = OrderOutcome(terms.request(order.client_order_id, deadline_us))
        self._send(order, outcome)

    def _send(self, order: Order, outcome: OrderOutcome) -> None:
        if not outcome.is_known:
            self._connection.requests.ask(
                outcome.request, partial(self._replied, order, outcome), order.fail, outcome.cut
            )

    def _replied(self, order: Order, outcome: OrderOutcome, reply: Reply) -> None:
        if not isinstance(reply, OrderAcceptedReply | OrderReply | Error):
            return
        again = outcome.replied(reply, self._connection.least_server_us)
        if again is not None:
            loop = asyncio.get_running_loop()
            loop.call_later(again.after_s, self._send, order, outcome)
        elif outcome.state is OutcomeState.REJECTED:
            assert outcome.refusal is not None
            order.fail(OrderRejectedError(outcome.refusal))
        elif isinstance(reply, OrderAcceptedReply | OrderReply):
            order.replied(reply)
            if order.phase is OrderPhase.CLOSED:
                self._read_missed(order)

    # --- following ---------------------------------------------------------------------------------------

    def accept(self, item: StreamItem) -> None:
        """Take an item of the channel ``orders``."""
        if isinstance(item, OrdersUpdate):
            order = self._orders.get(item.client_order_id)
            if order is not None:
                self._update(order, item)
        elif isinstance(item, StreamGap):
            self._has_gap = True
        elif isinstance(item, OrdersSnapshot):
            self._snapshot(item)

    def _snapshot(self, snapshot: OrdersSnapshot) -> None:
        for row in snapshot.orders:
            self._seen.add(row.client_order_id)
            order = self._orders.get(row.client_order_id)
            if order is None:
                order = self._orders[row.client_order_id] = Order(None, row.client_order_id, self)
            self._update(order, row)
        if snapshot.more is not UNSET:
            return
        seen, self._seen = self._seen, set()
        if self._has_gap:
            self._has_gap = False
            for order in self.open_orders:
                if order.order_id and order.client_order_id not in seen:
                    self._read_missed(order)

    def _update(self, order: Order, row: OrderRow) -> None:
        if order.outcome is not None:
            order.outcome.seen()
        order.update(row)
        if order.phase is OrderPhase.CLOSED:
            if not order.has_all_fills:
                self._read_missed(order)
            self._forget_closed()

    def _forget_closed(self) -> None:
        while len(self._orders) > MAX_CLOSED:
            oldest = next((name for name, order in self._orders.items() if _is_over(order)), None)
            if oldest is None:
                return
            del self._orders[oldest]

    def _read_missed(self, order: Order) -> None:
        task = asyncio.create_task(self._read(order))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _read(self, order: Order) -> None:
        """Read what became of an order of which events are missing, and its fills."""
        while True:
            try:
                await self._read_once(order)
            except RequestRefusedError as error:
                if not error.retry:
                    order.fail(OrderRejectedError(error.error))
                    return
                await asyncio.sleep(max(LOOK_AGAIN_S, error.retry_after_ms / 1_000))
            except ClientError as error:
                order.fail(error)
                return
            else:
                order.finish()
                return

    async def _read_once(self, order: Order) -> None:
        reply = await self._connection.requests.reply(OrderStatus(client_order_id=order.client_order_id))
        assert isinstance(reply, OrderReply)
        order.update(reply.order)
        before: str | UnsetType = UNSET
        while not order.has_all_fills:
            fills = await self._connection.requests.reply(
                Fills(symbol=reply.order.symbol, limit=MAX_FILLS, from_us=reply.order.created, before=before)
            )
            assert isinstance(fills, FillList)
            order.add_fills(fills.fills)
            if fills.next is UNSET:
                return
            before = fills.next

    def _lose(self, error: ClientError) -> None:
        """The channel is refused, for example to a key that may only trade: orders are sent, not followed."""
        self._lost = error
        for order in self.open_orders:
            order.lose(error)


def _is_over(order: Order) -> bool:
    return order.phase in (OrderPhase.CLOSED, OrderPhase.REJECTED)

"""Bybit's private topics: orders, executions and the wallet."""

import asyncio
import uuid
from collections.abc import Callable

from tests.fake_exchange.bybit import messages
from tests.fake_exchange.bybit.requests import BybitRequests
from tests.fake_exchange.bybit.sockets import BybitSockets, Connection
from tests.fake_exchange.faults import Faults
from tests.fake_exchange.matching import MatchingCore
from tests.fake_exchange.orders import BalanceChanged, Event, Fill, Order, OrderChanged

Body = dict[str, object]
TOPICS = frozenset(
    {"order", "order.spot", "execution", "execution.spot", "execution.fast", "execution.fast.spot"}
    | {"wallet", "dcp.spot"}
)


class BybitPrivate:
    def __init__(
        self, core: MatchingCore, requests: BybitRequests, sockets: BybitSockets, faults: Faults,
        now_us: Callable[[], int],
    ) -> None:  # fmt: skip
        self._core = core
        self._sockets = sockets
        self._faults = faults
        self._now_us = now_us
        self._fills: list[tuple[Order, Fill]] = []
        core.listeners.append(self._on_event)
        requests.late_cancels.append(self._on_late_cancel)
        sockets.topics["private"] = self

    def refusal(self, topic: str, home: str) -> str | None:
        return None if topic in TOPICS else f"Invalid topic: {topic}"

    def start(self, connection: Connection, topic: str) -> None:
        """Bybit: nothing is sent at first."""

    def _on_event(self, event: Event) -> None:
        if isinstance(event, OrderChanged):
            self._publish("order", event.order.account, [messages.order_view(event.order)])
            if event.fill is not None:
                self._on_fill(event.order, event.fill)
        elif isinstance(event, BalanceChanged):
            wallet = messages.wallet(self._core, event.account, list(event.assets))
            self._publish("wallet", event.account, [wallet])

    def _on_fill(self, order: Order, fill: Fill) -> None:
        self._publish("execution.fast", order.account, [messages.fast_execution(fill, order)])
        if not self._fills:
            asyncio.get_running_loop().call_soon(self._publish_executions)
        self._fills.append((order, fill))

    def _publish_executions(self) -> None:
        """Bybit: a frame may have several fills."""
        fills, self._fills = self._fills, []
        for account in dict.fromkeys(order.account for order, _ in fills):
            rows = [messages.execution(fill, order) for order, fill in fills if order.account == account]
            self._publish("execution", account, rows)
            if self._faults.repeat_fills and self._followers("execution", account):
                self._faults.repeat_fills -= 1
                self._publish("execution", account, rows)

    def _on_late_cancel(self, order: Order) -> None:
        # Bybit: a cancel that a fill overtook makes a second message that the order is filled.
        row = messages.order_view(order)
        row |= {"cancelType": "CancelByUser", "rejectReason": "EC_OrigClOrdIDDoesNotExist"}
        self._publish("order", order.account, [row])

    def _publish(self, family: str, account: str, rows: list[Body]) -> None:
        for topic, connection in self._followers(family, account):
            body: Body = {"id": str(uuid.uuid4()), "topic": topic, "creationTime": self._now_us() // 1_000}
            connection.send(body | {"data": rows})

    def _followers(self, family: str, account: str) -> list[tuple[str, Connection]]:
        return [
            (topic, connection)
            for topic in (family, f"{family}.spot")
            for connection in self._sockets.subscribers(topic)
            if connection.account is not None and connection.account.name == account
        ]

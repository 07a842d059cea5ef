"""Places one order far from the market, looks it up and cancels it, and says what came of each step."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from typing import Final, NamedTuple, TypeVar

from floorwire.connectors.order_connector import OrderConnector
from floorwire.core.instrument import Instrument
from floorwire.core.remote_order_messages import (
    CancelOrder,
    ClientIdForm,
    LinkUp,
    OrderAnswer,
    OrderSeen,
    PlaceAnswer,
    PlaceOrder,
    QueryOrder,
    Reconcile,
    ReconcileAnswer,
    RemoteReport,
)
from floorwire.core.venue_names import bare
from floorwire.engine.instrument_units import ceil
from floorwire.engine.venue_order_ids import of_digits

FAR_PERCENT: Final = 10
"""The order buys at so much below the best bid."""
LEAST_TIMES: Final = 12
"""Tenths of the exchange's least notional that the order is worth."""
LINK_S: Final = 30.0
ANSWER_S: Final = 15.0
TRIES: Final = 5
"""How often a cancel is sent until the order is over."""
ReportT = TypeVar("ReportT", bound=RemoteReport)


class CheckStep(NamedTuple):
    """One step. ``milliseconds``: from the request to the answer."""

    name: str
    is_well: bool
    text: str
    milliseconds: int


class UnknownQuantityError(ValueError):
    """The exchange does not say how small an order may be."""


def far_order(instrument: Instrument, bid_ticks: int, quantity: str | None, client_id: str) -> PlaceOrder:
    """Return a small order to buy far below the market. Raises UnknownQuantityError, InexactError."""
    ticks = bid_ticks * (100 - FAR_PERCENT) // 100
    if quantity is None:
        notional = instrument.price.decimals + instrument.size.decimals
        least = _units(instrument.min_notional, notional) * LEAST_TIMES
        least_lots = ceil(instrument.size, instrument.min_quantity)
        if not least and not least_lots:
            raise UnknownQuantityError(
                f"{instrument.symbol}: the exchange names no least order; give --quantity"
            )
        lots = max(least_lots, -(-least // (10 * ticks * instrument.price.step * instrument.size.step)))
    else:
        lots = instrument.size.parse(quantity)
    price = instrument.price.format(ticks)
    return PlaceOrder(
        client_id,
        0,
        bare(instrument.symbol),
        "buy",
        "limit",
        "gtc",
        instrument.size.format(lots),
        None,
        price,
        price,
        None,
        post_only=True,
        reduce_only=False,
        expires_us=None,
    )


def _units(amount: str, decimals: int) -> int:
    """Return an amount in units of ten to the power ``-decimals``, rounded up."""
    whole, _, fraction = amount.partition(".")
    kept, cut = fraction[:decimals].ljust(decimals, "0"), fraction[decimals:].strip("0")
    return int(whole + kept) + bool(cut)


def new_client_id(form: ClientIdForm) -> str:
    """Return an id that no gateway makes. A server at the same account lets such an order alone."""
    if form == "text":
        return f"doctor{secrets.token_hex(8)}"
    return of_digits(form, f"{secrets.token_hex(14)}0000")


class TrialOrder:
    """The listener of one order connector. It is used once."""

    def __init__(self, connector: OrderConnector) -> None:
        self._connector = connector
        self._reports: list[RemoteReport] = []
        """All that came; it is used for a minute."""
        self._client_id = self._venue_order_id = ""
        self._came = asyncio.Event()
        connector.listen(self)

    def reported(self, report: RemoteReport) -> None:
        """Keep a report, and the exchange's id of the order."""
        self._reports.append(report)
        seen = report.seen if isinstance(report, OrderAnswer) else report
        if isinstance(seen, PlaceAnswer | OrderSeen) and seen.client_id == self._client_id:
            self._venue_order_id = seen.venue_order_id or self._venue_order_id
        self._came.set()

    async def account(self) -> AsyncIterator[CheckStep]:
        """Wait for the private stream, then read the account."""
        up, waited = await self._wait(LinkUp, lambda _: True, LINK_S)
        text = "did not come up; the log says why" if up is None else "up"
        yield CheckStep("private stream", up is not None, text, waited)
        if up is None:
            return
        self._connector.send(Reconcile(1, ""))
        found, waited = await self._wait(ReconcileAnswer, lambda _: True, 2 * ANSWER_S)
        if found is not None:
            balances = ", ".join(f"{one.total} {one.asset}" for one in found.balances[:8]) or "no balance"
            yield CheckStep("account", True, f"{balances}; {len(found.open_orders)} open orders", waited)
        else:
            yield CheckStep("account", False, "could not be read", waited)

    async def order(self, command: PlaceOrder) -> AsyncIterator[CheckStep]:
        """Place the order, look it up, and cancel it."""
        self._client_id = command.client_id
        self._connector.send(command)
        placed, waited = await self._wait(PlaceAnswer, lambda one: one.client_id == command.client_id)
        what = f"{command.side} {command.quantity} {command.symbol} at {command.price}"
        if placed is None or placed.outcome != "accepted":
            text = "no answer" if placed is None else f"{placed.outcome}: {placed.code} {placed.message}"
            yield CheckStep("place", False, f"{what}: {text}", waited)
            if placed is not None and placed.outcome == "rejected":
                return
        else:
            yield CheckStep("place", True, f"{what}: accepted as {placed.venue_order_id}", waited)
        seen, waited = await self._wait(OrderSeen, lambda one: one.client_id == command.client_id)
        yield CheckStep(
            "stream", seen is not None, seen.state if seen else "tells nothing of the order", waited
        )
        yield await self._look(command, 2)
        yield await self._cancel(command)

    async def _look(self, command: PlaceOrder, number: int) -> CheckStep:
        self._connector.send(QueryOrder(number, command.client_id, self._venue_order_id, command.symbol))
        answer, waited = await self._wait(OrderAnswer, lambda one: one.query == number)
        if answer is None:
            return CheckStep("query", False, "no answer", waited)
        text = "does not find it" if answer.seen is None else answer.seen.state
        return CheckStep("query", answer.seen is not None, text, waited)

    async def _cancel(self, command: PlaceOrder) -> CheckStep:
        total = 0
        for number in range(TRIES):
            self._connector.send(CancelOrder(command.client_id, self._venue_order_id, command.symbol))
            over, waited = await self._wait(
                OrderSeen,
                lambda one: one.client_id == command.client_id and one.state != "open",
                ANSWER_S / 3,
            )
            total += waited
            if over is not None:
                return CheckStep("cancel", over.state == "cancelled", over.state, total)
            step = await self._look(command, 3 + number)
            total += step.milliseconds
            if step.text not in ("open", "no answer"):
                return CheckStep("cancel", step.text == "cancelled", step.text, total)
        text = f"nobody knows whether it was cancelled. Look for {command.client_id} at the exchange"
        return CheckStep("cancel", False, text, total)

    async def _wait(
        self,
        kind: type[ReportT],
        fits: Callable[[ReportT], bool],
        most_s: float = ANSWER_S,
    ) -> tuple[ReportT | None, int]:
        """Return the report, and how long it took in milliseconds."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        while True:
            self._came.clear()
            for report in self._reports:
                if isinstance(report, kind) and fits(report):
                    return report, round((loop.time() - began) * 1_000)
            left = most_s - (loop.time() - began)
            if left <= 0:
                return None, round(most_s * 1_000)
            try:
                await asyncio.wait_for(self._came.wait(), left)
            except TimeoutError:
                continue

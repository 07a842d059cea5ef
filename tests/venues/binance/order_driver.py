"""Gives an order adapter inputs at given times, and keeps its outputs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from random import Random
from typing import TypeVar

from floorwire.core.credentials import Secret, VenueCredentials
from floorwire.core.order_ports import (
    MakesOrderAdapter,
    OrderAdapterInput,
    OrderAdapterOutput,
    OrderSettings,
)
from floorwire.core.orders import OrderType, TimeInForce
from floorwire.core.ports import Answer, Close, Closed, Fetch, Frame, Open, Opened, Send, Wake, Woke
from floorwire.core.remote_orders import (
    AmendOrder,
    CancelOrder,
    PlaceOrder,
    QueryOrder,
    RemoteCommand,
    RemoteReport,
)

SECOND = 1_000_000
START = 50_000 * SECOND
DATE = 1_700_000_000 * SECOND
Kind = TypeVar("Kind")


class Names:
    """Two instruments."""

    def __init__(self, natives: dict[str, str]) -> None:
        self.natives = natives

    def native(self, symbol: str) -> str | None:
        return self.natives.get(symbol)

    def symbol(self, native: str) -> str | None:
        return next((symbol for symbol, name in self.natives.items() if name == native), None)


class OrderDriver:
    """One adapter and the time. It wakes the adapter at the times that it requested."""

    def __init__(
        self, make: MakesOrderAdapter, natives: dict[str, str], *, secret: str = "secret", offset_s: float = 0
    ) -> None:
        """``offset_s``: how far the machine's date is behind the exchange's."""
        credentials = VenueCredentials("key", Secret(secret), Secret("passphrase"))
        settings = OrderSettings("venue", "ws://venue.test", "http://venue.test", credentials)
        self.now_us = START
        self.behind_us = round(offset_s * SECOND)
        self.adapter = make(settings, Names(natives), Random(1))
        self.out: list[OrderAdapterOutput] = []
        self._wake_us: int | None = None
        self._take(self.adapter.start(self.now_us, self.date_us))

    @property
    def venue_us(self) -> int:
        """The exchange's own date."""
        return DATE + self.now_us - START

    @property
    def date_us(self) -> int:
        return self.venue_us - self.behind_us

    def give(self, happened: OrderAdapterInput) -> list[OrderAdapterOutput]:
        return self._take(self.adapter.receive(happened, self.now_us, self.date_us))

    def command(self, command: RemoteCommand) -> list[OrderAdapterOutput]:
        return self._take(self.adapter.command(command, self.now_us, self.date_us))

    def frame(self, link: str, message: object) -> list[OrderAdapterOutput]:
        data = message if isinstance(message, str | bytes) else json.dumps(message)
        return self.give(Frame(link, data))

    def answer(
        self, request: int, body: object, status: int = 200, headers: dict[str, str] | None = None
    ) -> list[OrderAdapterOutput]:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.give(Answer(request, status, data, tuple((headers or {}).items())))

    def opened(self, link: str) -> list[OrderAdapterOutput]:
        return self.give(Opened(link))

    def closed(self, link: str) -> list[OrderAdapterOutput]:
        return self.give(Closed(link, "lost"))

    def wait(self, seconds: float) -> list[OrderAdapterOutput]:
        """Let time pass; return the outputs."""
        until_us = self.now_us + round(seconds * SECOND)
        followed: list[OrderAdapterOutput] = []
        while self._wake_us is not None and self._wake_us <= until_us:
            self.now_us, self._wake_us = max(self.now_us, self._wake_us), None
            followed += self.give(Woke())
        self.now_us = until_us
        return followed

    def _take(self, outputs: Sequence[OrderAdapterOutput]) -> list[OrderAdapterOutput]:
        for output in outputs:
            if isinstance(output, Wake):
                self._wake_us = output.at_us
        self.out += outputs
        return list(outputs)


def every(outputs: Iterable[OrderAdapterOutput], kind: type[Kind]) -> list[Kind]:
    """Return the outputs of a kind."""
    return [output for output in outputs if isinstance(output, kind)]


def reports(outputs: Iterable[OrderAdapterOutput]) -> list[RemoteReport]:
    """Return what goes to the desk."""
    return [
        output for output in outputs if not isinstance(output, Open | Send | Close | Fetch | Wake)
    ]


def place(
    client_id: str = "fw0a1b2c3d7",
    *,
    type: OrderType = "limit",
    time_in_force: TimeInForce = "gtc",
    quantity: str | None = "0.5",
    spend: str | None = None,
    price: str | None = "100.0",
    worst: str = "100.0",
    stop: str | None = None,
    post_only: bool = False,
    reduce_only: bool = False,
    symbol: str = "BTC-USDT",
) -> PlaceOrder:
    return PlaceOrder(
        client_id,
        7,
        symbol,
        "buy",
        type,
        time_in_force,
        quantity,
        spend,
        price,
        worst,
        stop,
        post_only,
        reduce_only,
        None,
    )


def cancel(venue_order_id: str = "", client_id: str = "fw0a1b2c3d7") -> CancelOrder:
    return CancelOrder(client_id, venue_order_id, "BTC-USDT")


def query(number: int = 1, venue_order_id: str = "", client_id: str = "fw0a1b2c3d7") -> QueryOrder:
    return QueryOrder(number, client_id, venue_order_id, "BTC-USDT")


def amend(quantity: str, price: str = "100.0", venue_order_id: str = "") -> AmendOrder:
    return AmendOrder("fw0a1b2c3d7", venue_order_id, "BTC-USDT", price, quantity)

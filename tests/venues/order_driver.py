"""Gives an order adapter inputs at given times, and keeps its outputs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from floorwire.core.credentials import Secret, VenueCredentials
from floorwire.core.order_ports import (
    OrderAdapter,
    OrderAdapterInput,
    OrderAdapterOutput,
    OrderSettings,
    SwitchChanged,
)
from floorwire.core.ports import Answer, Close, Closed, Fetch, Frame, Open, Opened, Send, Wake, Woke
from floorwire.core.remote_order_messages import (
    AmendOrder,
    CancelOrder,
    PlaceOrder,
    QueryOrder,
    RemoteCommand,
    RemoteReport,
)

SECOND = 1_000_000
NOW = 50_000 * SECOND
DATE = 1_767_225_600 * SECOND
"""2026-01-01T00:00:00Z"""
Kind = TypeVar("Kind")
Json = Mapping[str, object] | Sequence[object]


class Names:
    """Names of instruments: a symbol and the exchange's own name for it."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = dict(names)

    def native(self, symbol: str) -> str | None:
        return self._names.get(symbol)

    def symbol(self, native: str) -> str | None:
        return next((symbol for symbol, name in self._names.items() if name == native), None)


class FixedRandom:
    """Always the middle."""

    def random(self) -> float:
        return 0.5

    def randrange(self, start: int, stop: int, /) -> int:
        return (start + stop) // 2

    def gauss(self, mu: float, sigma: float) -> float:
        return mu

    def expovariate(self, lambd: float) -> float:
        return 1 / lambd


class OrderDriver:
    """One adapter and the time. It is woken at the times that it asked for."""

    def __init__(self, adapter: OrderAdapter) -> None:
        self.adapter = adapter
        self.now_us = NOW
        self.out: list[OrderAdapterOutput] = []
        self.wake_us: int | None = None
        self._take(adapter.start(NOW, DATE))

    @property
    def date_us(self) -> int:
        return DATE + self.now_us - NOW

    def give(self, happened: OrderAdapterInput) -> list[OrderAdapterOutput]:
        """Give the adapter an input; return the outputs."""
        return self._take(self.adapter.receive(happened, self.now_us, self.date_us))

    def command(self, command: RemoteCommand) -> list[OrderAdapterOutput]:
        """Give the adapter a command; return the outputs."""
        return self._take(self.adapter.command(command, self.now_us, self.date_us))

    def frame(self, message: Json | str | bytes, link: str = "private") -> list[OrderAdapterOutput]:
        """Give the adapter a frame, as JSON unless it is text or bytes."""
        data = message if isinstance(message, str | bytes) else json.dumps(message)
        return self.give(Frame(link, data))

    def opened(self, link: str = "private") -> list[OrderAdapterOutput]:
        return self.give(Opened(link))

    def closed(self, link: str = "private") -> list[OrderAdapterOutput]:
        return self.give(Closed(link, "lost"))

    def answer(self, path: str, body: Json | str, status: int = 200) -> list[OrderAdapterOutput]:
        """Answer the oldest request to this path that has no answer."""
        for at, output in enumerate(self.out):
            if isinstance(output, Fetch) and path_of(output) == path:
                del self.out[at]
                text = body if isinstance(body, str) else json.dumps(body)
                return self.give(Answer(output.request, status, text.encode()))
        raise AssertionError(f"no request to {path}: {[path_of(one) for one in self.fetches()]}")

    def wait(self, seconds: float) -> list[OrderAdapterOutput]:
        """Let time pass; return the outputs of each wake."""
        until_us, outputs = self.now_us + int(seconds * SECOND), list[OrderAdapterOutput]()
        for _ in range(10_000):
            if self.wake_us is None or self.wake_us > until_us:
                self.now_us = until_us
                return outputs
            self.now_us = max(self.now_us, self.wake_us)
            self.wake_us = None
            outputs += self.give(Woke())
        raise AssertionError("the adapter wakes without end")

    def fetches(self) -> list[Fetch]:
        return of(self.out, Fetch)

    def reports(self) -> list[RemoteReport]:
        """Return all reports so far, and forget all outputs."""
        found = reports(self.out)
        self.out = []
        return found

    def _take(self, happened: Iterable[OrderAdapterOutput]) -> list[OrderAdapterOutput]:
        outputs = list(happened)
        self.out += outputs
        for wake in of(outputs, Wake):
            self.wake_us = wake.at_us
        return outputs


def of(outputs: Sequence[OrderAdapterOutput], kind: type[Kind]) -> list[Kind]:
    """Return the outputs of this kind."""
    return [output for output in outputs if isinstance(output, kind)]


def reports(outputs: Sequence[OrderAdapterOutput]) -> list[RemoteReport]:
    """Return the outputs that are reports."""
    return [one for one in outputs if not isinstance(one, Open | Send | Close | Fetch | Wake | SwitchChanged)]


def sent(outputs: Sequence[OrderAdapterOutput]) -> list[dict[str, object]]:
    """Return the JSON messages that are sent on links."""
    return [json.loads(one.text) for one in of(outputs, Send) if one.text.startswith("{")]


def path_of(fetch: Fetch) -> str:
    return "/" + fetch.url.split("/", 3)[3].split("?")[0]


def settings(
    secret: str = "secret", passphrase: str | None = None, ws: str = "", rest: str = ""
) -> OrderSettings:
    """Return settings of an account."""
    credentials = VenueCredentials(
        "the-key", Secret(secret), None if passphrase is None else Secret(passphrase)
    )
    return OrderSettings("venue", ws, rest, credentials)


def place(
    client_id: str = "fw0000000a1",
    *,
    side: str = "buy",
    type: str = "limit",
    time_in_force: str = "gtc",
    quantity: str | None = "0.010",
    quote_quantity: str | None = None,
    price: str | None = "30000.0",
    worst_price: str | None = None,
    stop_price: str | None = None,
    post_only: bool = False,
    expires_us: int | None = None,
) -> PlaceOrder:
    """Return the command to place an order of BTC-USDT."""
    return PlaceOrder(
        client_id,
        1,
        "BTC-USDT",
        side,  # type: ignore[arg-type]
        type,  # type: ignore[arg-type]
        time_in_force,  # type: ignore[arg-type]
        quantity,
        quote_quantity,
        price,
        worst_price or price or "31500.0",
        stop_price,
        post_only,
        reduce_only=False,
        expires_us=expires_us,
    )


def cancel(client_id: str = "fw0000000a1", venue_order_id: str = "") -> CancelOrder:
    return CancelOrder(client_id, venue_order_id, "BTC-USDT")


def amend(client_id: str = "fw0000000a1", venue_order_id: str = "") -> AmendOrder:
    return AmendOrder(client_id, venue_order_id, "BTC-USDT", "30001.0", "0.020")


def query(number: int = 7, client_id: str = "fw0000000a1", venue_order_id: str = "") -> QueryOrder:
    return QueryOrder(number, client_id, venue_order_id, "BTC-USDT")

"""A bot that quotes both sides and always knows its orders, also after lost replies, cuts and restarts.

    .venv/bin/floorwire keys create --account bot --scopes market,account,trade --deposit USDT=100000,BTC=1
    .venv/bin/python examples/bot.py KEY.SECRET BTC-USDT

Four habits make it safe. Each order has a client order id and is sent again until there is a reply; so it is
never two orders. The orders channel is resumed after the last seq, so no event is missed. After a restart of
the bot it first takes over the open orders that it finds. Cancel on disconnect has a grace: if the bot does
not reconnect in time, its orders are cancelled. Needs `pip install websockets`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import secrets
import sys
import time
from decimal import Decimal
from typing import TypedDict

import websockets

NAME = "bot-"
SIZE = "0.001"
AWAY = Decimal("0.0005")
GRACE_S = 10
REPLY_S = 5.0
RETRY_S = 10.0
REFUSED_S = 1.0


class Instrument(TypedDict):
    """The fields of an instrument that the bot reads."""

    symbol: str
    tick_size: str


class Row(TypedDict):
    """The fields of an order that the bot reads."""

    client_order_id: str
    symbol: str
    side: str
    state: str
    remaining_quantity: str


class OrdersEvent(Row):
    """The fields of an orders event that the bot reads; a snapshot has ``orders`` in place of a row."""

    epoch: str
    seq: int
    event: str
    more: bool
    orders: list[Row]


class Reply(TypedDict, total=False):
    """The fields of a reply that the bot reads."""

    id: str
    status: str
    code: str
    order: str


class Bot:
    """The state that outlives a connection: our orders, and the last epoch and seq of their stream."""

    def __init__(self, bearer: str, symbol: str, url: str) -> None:
        self._headers = {"Authorization": f"Bearer {bearer}"}
        self._symbol = symbol
        self._url = url
        self._place: dict[str, str | int] | None = None
        self._open: dict[str, str] = {}  # client order id -> side
        self._has_more = False  # whether the snapshot goes on in the next event
        self._asked: dict[str, dict[str, object]] = {}  # sent, and not answered yet
        self._tick = Decimal(1)
        self._quiet_until_s = 0.0

    async def run(self) -> None:
        """Quote without end, with a new connection after each failure."""
        while True:
            try:
                async with websockets.connect(self._url, additional_headers=self._headers) as socket:
                    await self._talk(socket)
            except BrokenPipeError:  # nobody reads what is printed
                raise
            except (OSError, TimeoutError, websockets.WebSocketException) as error:
                if is_for_good(error):
                    raise SystemExit(f"{self._url}: {error}") from None
                print("cut off:", error, flush=True)
            await asyncio.sleep(random.random() * RETRY_S)

    async def _talk(self, socket: websockets.ClientConnection) -> None:
        self._has_more = False
        await _send(socket, {"action": "session.cancel_on_disconnect", "enabled": True, "grace_s": GRACE_S})
        await _send(socket, {"action": "symbols"})
        resume = {"resume": self._place} if self._place else {}
        await _send(socket, {"action": "subscribe", "channel": "orders", **resume})
        await _send(socket, {"action": "subscribe", "channel": "ticker", "symbol": self._symbol})
        for asked in self._asked.values():
            await _send(
                socket, asked
            )  # safe: the same client order id never makes a second order (idempotency)
        async for text in socket:
            message = json.loads(text)
            if "symbols" in message:
                self._tick = self._tick_of(message["symbols"])
            elif message.get("channel") == "orders" and "event" in message:
                self._follow(message)
            elif message.get("channel") == "ticker" and "bid" in message:
                await self._quote(socket, message["bid"], message["ask"])
            elif message.get("id") in self._asked:
                self._answered(message)
            elif message.get("status") == "error":
                problem = f"{message['code']}: {message['message']}"
                raise ConnectionError(problem) if message["retry"] else SystemExit(problem)

    def _tick_of(self, rows: list[Instrument]) -> Decimal:
        for row in rows:
            if row["symbol"] == self._symbol:
                return Decimal(row["tick_size"])
        known = ", ".join(row["symbol"] for row in rows)
        raise SystemExit(f"there is no symbol {self._symbol}; there are {known}")

    def _follow(self, message: OrdersEvent) -> None:
        if message["event"] == "snapshot":
            earlier = self._open if self._has_more else {}  # of the same snapshot: it may come in parts
            asked = {name: side for name, side in self._open.items() if name in self._asked}
            self._has_more = message.get("more", False)
            rows = (row for row in message["orders"] if row["symbol"] == self._symbol)
            ours = {
                row["client_order_id"]: row["side"] for row in rows if row["client_order_id"].startswith(NAME)
            }
            self._open = earlier | asked | ours
            if not self._has_more:
                self._place = {"epoch": message["epoch"], "seq": message["seq"]}
            return
        self._place = {"epoch": message["epoch"], "seq": message["seq"]}
        name = message["client_order_id"]
        shown = message["seq"], message["event"], name, message["state"], message["remaining_quantity"]
        print(*shown, flush=True)
        if message["state"] not in ("new", "partially_filled"):
            self._open.pop(name, None)

    async def _quote(self, socket: websockets.ClientConnection, bid: str | None, ask: str | None) -> None:
        if self._place is None or time.monotonic() < self._quiet_until_s:
            return  # prices may come before we know what is open already
        if bid is None or ask is None:
            return
        for side, price in (("buy", Decimal(bid) * (1 - AWAY)), ("sell", Decimal(ask) * (1 + AWAY))):
            if side in self._open.values():
                continue
            name = f"{NAME}{secrets.token_hex(6)}"
            order: dict[str, object] = {
                "action": "order.place", "id": name, "client_order_id": name, "symbol": self._symbol,
                "side": side, "type": "limit", "quantity": SIZE, "post_only": True,
                "price": str(price // self._tick * self._tick),
            }  # fmt: skip
            self._open[name] = side
            self._asked[name] = order
            await _send(socket, order)

    def _answered(self, message: Reply) -> None:
        name = str(message["id"])
        if message.get("order") == "unknown":
            raise ConnectionError(
                f"nobody knows what became of {name}"
            )  # the same as no reply: connect again and send it again
        if message["status"] != "accepted":
            print("refused:", message.get("code"), message.get("message"), flush=True)
            self._open.pop(name, None)
            self._quiet_until_s = (
                time.monotonic() + REFUSED_S
            )  # for example a halt: do not try again at each price
        del self._asked[name]


async def _send(socket: websockets.ClientConnection, request: dict[str, object]) -> None:
    async with asyncio.timeout(REPLY_S):
        await socket.send(json.dumps(request))


def is_for_good(error: Exception) -> bool:
    """Return whether a new try cannot help: no address, refused, or closed with 4500 to 4999."""
    if isinstance(error, websockets.InvalidStatus):
        return 400 <= error.response.status_code < 500
    if isinstance(error, websockets.ConnectionClosed) and error.rcvd is not None:
        return 4500 <= error.rcvd.code < 5000
    return isinstance(error, websockets.InvalidURI)


async def main(bearer: str, symbol: str, url: str) -> None:
    """Run the bot."""
    await Bot(bearer, symbol, url).run()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Quote both sides of a symbol.")
    parser.add_argument("bearer", metavar="KEY.SECRET")
    parser.add_argument("symbol")
    parser.add_argument("url", nargs="?", default="ws://127.0.0.1:8000/ws")
    try:
        asyncio.run(main(**vars(parser.parse_args())))
    except KeyboardInterrupt:
        pass
    except BrokenPipeError:  # nobody reads what is printed; what is left must not be written at the exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

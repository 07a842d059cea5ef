"""An account at Binance for tests: what its adapter sends, and what Binance would answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from random import Random
from typing import Any, TypeAlias

from msgspec.structs import replace

from floorwire.core.order_ports import OrderAdapterInput, OrderAdapterOutput
from floorwire.core.ports import Answer, Frame, Send, Woke
from floorwire.core.remote_order_messages import AmendOrder, CancelOrder, PlaceOrder, QueryOrder
from floorwire.venues.binance.orders import BinanceOrders
from tests.venues import order_driver
from tests.venues.order_driver import DATE, NOW, SECOND, Names, OrderDriver, of, settings

NATIVES = {"BTC-USDT": "BTCUSDT", "ETH-USDT": "ETHUSDT"}
HOUR = 3_600
CLIENT_ID = "fw0a1b2c3d7"
Message: TypeAlias = dict[str, Any]  # type: ignore[explicit-any]
"""A message as JSON has it; tests look at parts of it."""


class Driver(OrderDriver):
    """The adapter, and what Binance would answer."""

    def __init__(self, offset_s: float = 0, natives: Mapping[str, str] = NATIVES) -> None:
        """``offset_s``: how far the machine's date is behind Binance's."""
        self.tells_time = True
        self.behind_us = round(offset_s * SECOND)
        given = settings("secret", ws="ws://venue.test", rest="http://venue.test")
        self.orders = BinanceOrders(given, Names(natives), Random(1))
        super().__init__(self.orders)

    @property
    def venue_us(self) -> int:
        """Binance's own date."""
        return DATE + self.now_us - NOW

    @property
    def date_us(self) -> int:
        return self.venue_us - self.behind_us

    def message(self, message: object, link: str = "orders") -> list[OrderAdapterOutput]:
        data = message if isinstance(message, str | bytes) else json.dumps(message)
        return self.give(Frame(link, data))

    def respond(
        self, request: int, body: object, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> list[OrderAdapterOutput]:
        """Answer a REST request."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.give(Answer(request, status, data, tuple((headers or {}).items())))

    def requests(self, method: str = "") -> list[Message]:
        """Return what was sent, with its link."""
        sent = [{**json.loads(send.text), "link": send.link} for send in of(self.out, Send)]
        return [one for one in sent if one["method"] == method or not method]

    def last(self, method: str) -> Message:
        return self.requests(method)[-1]

    def reply(self, method: str, result: object) -> list[OrderAdapterOutput]:
        """Answer the last request of this method."""
        request = self.last(method)
        return self.message({"id": request["id"], "status": 200, "result": result}, request["link"])

    def refuse(
        self, method: str, status: int, code: int, msg: str = "", data: object = None
    ) -> list[OrderAdapterOutput]:
        request = self.last(method)
        error = {"code": code, "msg": msg, "data": data}
        return self.message({"id": request["id"], "status": status, "error": error}, request["link"])

    def tell_time(self) -> list[OrderAdapterOutput]:
        return self.reply("time", {"serverTime": self.venue_us // 1_000})

    def give(self, happened: OrderAdapterInput) -> list[OrderAdapterOutput]:
        """Give the adapter an input. While it waits Binance's time is told, where ``tells_time``."""
        outputs = super().give(happened)
        if not (self.tells_time and isinstance(happened, Woke)):
            return outputs
        for send in of(outputs, Send):
            request = json.loads(send.text)
            if request["method"] == "time":
                told = {"serverTime": self.venue_us // 1_000}
                outputs += self.message({"id": request["id"], "status": 200, "result": told}, send.link)
        return outputs

    def up(self, link: str = "orders") -> list[OrderAdapterOutput]:
        """Open a session to the end."""
        self.opened(link)
        self.tell_time()
        return self.reply("userDataStream.subscribe.signature", {"subscriptionId": 0})

    def event(self, event: Message, link: str = "orders") -> list[OrderAdapterOutput]:
        return self.message({"subscriptionId": 0, "event": event}, link)


def connected(offset_s: float = 0) -> Driver:
    driver = Driver(offset_s)
    driver.up()
    return driver


def row(status: str = "NEW", filled: str = "0.00000000", **more: object) -> Message:
    return {
        "symbol": "BTCUSDT",
        "orderId": 17,
        "clientOrderId": CLIENT_ID,
        "transactTime": 1_700_000_000_001,
        "price": "100.00000000",
        "origQty": "0.50000000",
        "executedQty": filled,
        "status": status,
        "timeInForce": "GTC",
        "type": "LIMIT",
        "side": "BUY",
        **more,
    }


def report(**more: object) -> Message:
    return {
        "e": "executionReport",
        "s": "BTCUSDT",
        "c": CLIENT_ID,
        "C": "",
        "o": "LIMIT",
        "f": "GTC",
        "q": "0.50000000",
        "p": "100.00000000",
        "x": "NEW",
        "X": "NEW",
        "r": "NONE",
        "i": 17,
        "l": "0",
        "z": "0",
        "L": "0",
        "n": "0",
        "N": None,
        "T": 1_700_000_000_001,
        "t": -1,
        "m": False,
        **more,
    }


def stay_up(driver: Driver, seconds: int) -> list[OrderAdapterOutput]:
    """Let time pass in large steps, and answer Binance's time as long as that is asked for."""
    outputs: list[OrderAdapterOutput] = []
    for _ in range(seconds // 40):
        driver.now_us += 40 * SECOND
        outputs += driver.give(Woke())
    return outputs


def place(
    client_id: str = CLIENT_ID,
    *,
    type: str = "limit",
    time_in_force: str = "gtc",
    quantity: str | None = "0.5",
    spend: str | None = None,
    price: str | None = "100.0",
    worst: str = "100.0",
    stop: str | None = None,
    post_only: bool = False,
    symbol: str = "BTC-USDT",
) -> PlaceOrder:
    made = order_driver.place(
        client_id,
        type=type,
        time_in_force=time_in_force,
        quantity=quantity,
        quote_quantity=spend,
        price=price,
        worst_price=worst,
        stop_price=stop,
        post_only=post_only,
    )
    return replace(made, symbol=symbol)


def cancel(venue_order_id: str = "") -> CancelOrder:
    return order_driver.cancel(CLIENT_ID, venue_order_id)


def query(number: int = 1, venue_order_id: str = "") -> QueryOrder:
    return order_driver.query(number, CLIENT_ID, venue_order_id)


def amend(quantity: str, price: str = "100.0", venue_order_id: str = "") -> AmendOrder:
    return replace(order_driver.amend(CLIENT_ID, venue_order_id), quantity=quantity, price=price)

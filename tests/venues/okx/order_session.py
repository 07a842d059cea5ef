"""A session of an order adapter with OKX: literal frames and answers of the exchange."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from floorwire.core.order_ports import OrderAdapterOutput
from floorwire.core.remote_order_messages import (
    Executed,
    LinkUp,
    OrderSeen,
)
from floorwire.venues.okx.orders import order_adapter
from tests.venues.order_driver import (
    FixedRandom,
    Names,
    OrderDriver,
    sent,
    settings,
)

Row = dict[str, object]
ID = "fw0000000a1"
TIME = "/api/v5/public/time"
INSTRUMENTS = "/api/v5/public/instruments"
ORDER = "/api/v5/trade/order"
PENDING = "/api/v5/trade/orders-pending"
FILLS = "/api/v5/trade/fills"
OLD_FILLS = "/api/v5/trade/fills-history"
BALANCE = "/api/v5/account/balance"
LISTED = [
    {"instId": "BTC-USDT", "instType": "SPOT", "instIdCode": 10458, "lotSz": "0.00001", "minSz": "0.0001"},
    {"instId": "ETH-USDT", "instType": "SPOT", "lotSz": "0.0001"},
    {"instId": 7},
]
LOGGED_IN = {"event": "login", "code": "0", "msg": "", "connId": "a4d3ae55"}
SUBSCRIBED = {"event": "subscribe", "arg": {"channel": "orders", "instType": "SPOT"}, "connId": "a4d3ae55"}


def new() -> OrderDriver:
    names = Names({name: name for name in ("BTC-USDT", "ETH-USDT", "SOL-USDT")})
    return OrderDriver(order_adapter(settings(passphrase="pass"), names, FixedRandom()))


def rest(*rows: object, code: str = "0", msg: str = "") -> dict[str, object]:
    return {"code": code, "msg": msg, "data": list(rows)}


def prepared(ahead_us: int = 0) -> OrderDriver:
    """Return an adapter whose link is opening; OKX's clock is ahead of ours."""
    driver = new()
    driver.answer(TIME, rest({"ts": str((driver.date_us + ahead_us) // 1000)}))
    driver.answer(INSTRUMENTS, rest(*LISTED))
    return driver


def connected(ahead_us: int = 0) -> OrderDriver:
    driver = prepared(ahead_us)
    driver.opened()
    driver.frame(LOGGED_IN)
    driver.frame(SUBSCRIBED)
    assert driver.reports() == [LinkUp()]
    return driver


def number_of(outputs: Sequence[OrderAdapterOutput]) -> str:
    """Return the id of the one request that is sent."""
    (message,) = sent(outputs)
    return str(message["id"])


def argument_of(outputs: Sequence[OrderAdapterOutput]) -> dict[str, object]:
    """Return the argument of the one request that is sent."""
    (message,) = sent(outputs)
    arguments = message["args"]
    assert isinstance(arguments, list)
    (argument,) = arguments
    assert isinstance(argument, dict)
    return argument


def verdict(number: str, code: str = "0", message: str = "", op: str = "order", order: str = "88") -> Row:
    row = {"clOrdId": ID, "ordId": order, "tag": "", "sCode": code, "sMsg": message}
    return {"id": number, "op": op, "code": "0" if code == "0" else "1", "msg": "", "data": [row]}


def order_row(state: str = "live", **fields: str) -> Row:
    row = {
        "instType": "SPOT",
        "instId": "BTC-USDT",
        "ordId": "88",
        "clOrdId": ID,
        "state": state,
        "px": "30000",
        "sz": "0.01",
        "ordType": "limit",
        "accFillSz": "0",
        "avgPx": "",
        "fillPx": "",
        "fillSz": "0",
        "fillFee": "0",
        "fillFeeCcy": "",
        "tradeId": "",
        "execType": "",
        "fee": "0",
        "feeCcy": "BTC",
        "uTime": "1767225600123",
        "cancelSource": "",
        "amendResult": "",
        "reqId": "",
        "code": "0",
        "msg": "",
    }
    return {**row, **fields}


def orders(*rows: object) -> dict[str, object]:
    return {"arg": {"channel": "orders", "instType": "SPOT", "uid": "1"}, "data": list(rows)}


SEEN = OrderSeen(ID, "88", "open", "0", 1767225600123, "30000", "0.01")


def seen(**fields: object) -> OrderSeen:
    return replace(SEEN, **fields)


FILL = order_row(
    "partially_filled",
    accFillSz="0.004",
    tradeId="435",
    fillPx="29999.9",
    fillSz="0.004",
    fillFee="-0.000004",
    fillFeeCcy="BTC",
    execType="T",
)
EXECUTED = Executed(ID, "88", "BTC-USDT:435:88", "435", "29999.9", "0.004", "taker", "0.000004", "BTC")


def fill_row(bill: int, trade: str = "435", size: str = "0.004", **fields: str) -> Row:
    row = {
        "instType": "SPOT",
        "instId": "BTC-USDT",
        "tradeId": trade,
        "ordId": "88",
        "clOrdId": ID,
        "billId": str(bill),
        "fillPx": "29999.9",
        "fillSz": size,
        "side": "buy",
        "execType": "T",
        "feeCcy": "BTC",
        "fee": "-0.000004",
        "ts": "1767225600123",
    }
    return {**row, **fields}


def balances(*details: Row) -> dict[str, object]:
    return rest({"totalEq": "1", "details": list(details)})

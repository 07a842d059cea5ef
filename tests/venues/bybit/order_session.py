"""A session of an order adapter with Bybit: literal frames and answers of the exchange."""

from __future__ import annotations

import json
from collections.abc import Sequence

from msgspec.structs import replace

from floorwire.core.order_ports import OrderAdapterOutput
from floorwire.core.ports import Send
from floorwire.core.remote_order_messages import Executed, LinkUp, OrderSeen
from floorwire.venues.bybit.orders import order_adapter
from tests.venues.order_driver import FixedRandom, Names, OrderDriver, of, settings

Row = dict[str, object]
ID = "fw0000000a1"
ORDER_ID = "a4c1718e-fe53-4659-a118-1f6ecce04ad9"
TIME = "/v5/market/time"
REALTIME = "/v5/order/realtime"
HISTORY = "/v5/order/history"
EXECUTIONS = "/v5/execution/list"
BALANCE = "/v5/account/wallet-balance"
AUTH = {"success": True, "ret_msg": "", "op": "auth", "conn_id": "cejreaspqfh3sjdnldmg-p"}
SUBSCRIBED = {"success": True, "ret_msg": "", "op": "subscribe", "conn_id": "cejreaspqfh3sjdnldmg-p"}
TRADE_AUTH = {"retCode": 0, "retMsg": "OK", "op": "auth", "connId": "cnt5leec0hvan15eukcg-2t"}


def new(ws: str = "ws://venue.test", cancel_all_after_s: int | None = None) -> OrderDriver:
    names = Names({"BTC-USDT": "BTCUSDT"})
    given = replace(settings(ws=ws, rest="http://venue.test"), cancel_all_after_s=cancel_all_after_s)
    return OrderDriver(order_adapter(given, names, FixedRandom()))


def rest(result: object = None, code: int = 0, msg: str = "OK", time: int = 0) -> Row:
    return {"retCode": code, "retMsg": msg, "result": result or {}, "retExtInfo": {}, "time": time}


def rows(*found: object, cursor: str = "") -> Row:
    return rest({"category": "spot", "list": list(found), "nextPageCursor": cursor})


def prepared(ahead_us: int = 0, ws: str = "ws://venue.test") -> OrderDriver:
    """Return an adapter whose links are opening; Bybit's clock is ahead of ours."""
    driver = new(ws)
    driver.answer(TIME, rest({"timeSecond": "1"}, time=(driver.date_us + ahead_us) // 1000))
    return driver


def subscribed(ahead_us: int = 0, ws: str = "ws://venue.test") -> OrderDriver:
    """Return an adapter whose private link is up. Its orders go by REST."""
    driver = prepared(ahead_us, ws)
    driver.opened()
    driver.frame(AUTH)
    driver.frame(SUBSCRIBED)
    assert driver.reports() == [LinkUp()]
    return driver


def connected(ahead_us: int = 0) -> OrderDriver:
    """Return an adapter whose both links are up."""
    driver = subscribed(ahead_us)
    driver.opened("trade")
    driver.frame(TRADE_AUTH, "trade")
    driver.out = []
    return driver


def on_trade_link(outputs: Sequence[OrderAdapterOutput]) -> dict[str, object]:
    """Return the one request that is sent on the trade link."""
    (send,) = of(outputs, Send)
    assert send.link == "trade"
    message: dict[str, object] = json.loads(send.text)
    return message


def argument_of(outputs: Sequence[OrderAdapterOutput]) -> dict[str, object]:
    arguments = on_trade_link(outputs)["args"]
    assert isinstance(arguments, list)
    (argument,) = arguments
    assert isinstance(argument, dict)
    return argument


def verdict(request: object, code: int = 0, msg: str = "OK", op: str = "order.create") -> Row:
    data = {"orderId": ORDER_ID, "orderLinkId": ID} if code == 0 else {}
    return {
        "reqId": request,
        "retCode": code,
        "retMsg": msg,
        "op": op,
        "data": data,
        "retExtInfo": {},
        "header": {"X-Bapi-Limit": "20", "X-Bapi-Limit-Status": "19"},
        "connId": "cnt5leec0hvan15eukcg-2v",
    }


def order_row(status: str = "New", **fields: str) -> Row:
    row = {
        "category": "spot",
        "symbol": "BTCUSDT",
        "orderId": ORDER_ID,
        "orderLinkId": ID,
        "side": "Buy",
        "orderType": "Limit",
        "cancelType": "UNKNOWN",
        "price": "30000.0",
        "qty": "0.010",
        "timeInForce": "GTC",
        "orderStatus": status,
        "leavesQty": "0.010",
        "cumExecQty": "0",
        "avgPrice": "",
        "createdTime": "1767225600100",
        "updatedTime": "1767225600123",
        "rejectReason": "EC_NoError",
        "smpType": "None",
    }
    return {**row, **fields}


def orders(*found: object) -> Row:
    return {"id": "5923240c6880ab", "topic": "order.spot", "creationTime": 1767225600124, "data": list(found)}


SEEN = OrderSeen(ID, ORDER_ID, "open", "0", 1767225600123, "30000.0", "0.010")


def seen(**fields: object) -> OrderSeen:
    return replace(SEEN, **fields)


def execution_row(execution: str = "0ab1bdf7", **fields: object) -> Row:
    row: Row = {
        "category": "spot",
        "symbol": "BTCUSDT",
        "execFee": "0.000004",
        "execId": execution,
        "execPrice": "29999.9",
        "execQty": "0.004",
        "execType": "Trade",
        "orderId": ORDER_ID,
        "orderLinkId": ID,
        "side": "Buy",
        "execTime": "1767225600122",
        "isMaker": False,
        "seq": 140612148849382,
        "feeCurrency": "BTC",
    }
    return {**row, **fields}


def executions(*found: object) -> Row:
    return {"id": "386825804", "topic": "execution.spot", "creationTime": 1767225600123, "data": list(found)}


EXECUTED = Executed(ID, ORDER_ID, "0ab1bdf7", "0ab1bdf7", "29999.9", "0.004", "taker", "0.000004", "BTC")

"""A session of an order adapter with Kraken: literal frames and answers of the exchange."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from floorwire.core.order_ports import KrakenTier, OrderAdapterOutput
from floorwire.core.remote_order_messages import LinkUp, OrderSeen
from floorwire.venues.kraken.orders import order_adapter
from tests.venues.order_driver import FixedRandom, Names, OrderDriver, sent, settings

Row = dict[str, object]
ID = "0000000a00000000000000000001f100"
ORDER_ID = "OPJUXZ-EPCO3-LBMAK6"
TRADE_ID = "TTFAEP-3NXVP-AOLCRB"
TIME = "/0/public/Time"
PAIRS = "/0/public/AssetPairs"
TOKEN = "/0/private/GetWebSocketsToken"
LISTED: dict[str, object] = {
    "XBTUSDT": {
        "altname": "XBTUSDT",
        "wsname": "XBT/USDT",
        "base": "XXBT",
        "quote": "USDT",
        "lot_decimals": 8,
        "pair_decimals": 1,
    },
    "XDGUSD": {
        "altname": "XDGUSD",
        "wsname": "XDG/USD",
        "base": "XXDG",
        "quote": "ZUSD",
        "lot_decimals": 0,
    },
    "BROKEN": {"altname": "BROKEN"},
    "NOSLASH": {"altname": "N", "wsname": "NO", "base": "N", "quote": "O", "lot_decimals": 1},
}
SUBSCRIBED = {
    "method": "subscribe",
    "result": {"channel": "executions", "snap_orders": True, "snap_trades": True},
    "success": True,
    "time_in": "2026-01-01T00:00:00.000000Z",
    "time_out": "2026-01-01T00:00:00.000001Z",
    "req_id": 0,
}
STATUS = (
    '{"channel":"status","type":"update","data":[{"system":"online","api_version":"v2",'
    '"version":"2.0.10","connection_id":10686724941062004662}]}'
)
SEEN = OrderSeen(ID, ORDER_ID, "open", "0", 1767225600_123456, "30000.0", "0.01")


def seen(**fields: object) -> OrderSeen:
    return replace(SEEN, **fields)


def new(tier: KrakenTier = "starter") -> OrderDriver:
    names = Names({"BTC-USDT": "BTC/USDT", "DOGE-USD": "DOGE/USD"})
    return OrderDriver(order_adapter(replace(settings("c2VjcmV0"), tier=tier), names, FixedRandom()))


def rest(result: object = None, *errors: str) -> dict[str, object]:
    return {"error": list(errors), "result": result}


def prepared(ahead_s: int = 0, tier: KrakenTier = "starter") -> OrderDriver:
    """Return an adapter that knows the clock and the pairs, and asks for its token."""
    driver = new(tier)
    driver.answer(TIME, rest({"unixtime": driver.date_us // 1_000_000 + ahead_s, "rfc1123": ""}))
    driver.answer(PAIRS, rest(LISTED))
    return driver


def connected(ahead_s: int = 0, tier: KrakenTier = "starter") -> OrderDriver:
    driver = prepared(ahead_s, tier)
    driver.answer(TOKEN, rest({"token": "the-token", "expires": 900}))
    driver.opened()
    driver.frame(STATUS)
    driver.frame(rows([], kind="snapshot", sequence=1))
    driver.frame(SUBSCRIBED)
    assert driver.reports() == [LinkUp()]
    return driver


def rested() -> OrderDriver:
    """Return one that has been connected for so long that queries need not wait for the count of the key."""
    driver = connected()
    for _ in range(10):
        driver.wait(2.9)
        driver.frame({"channel": "heartbeat"})
    driver.reports()
    return driver


def request_of(outputs: Sequence[OrderAdapterOutput]) -> tuple[int, dict[str, object]]:
    """Return number and parameters of the one request that is sent."""
    (message,) = sent(outputs)
    number, params = message["req_id"], message["params"]
    assert isinstance(number, int)
    assert isinstance(params, dict)
    return number, params


def done(number: int, method: str = "add_order", **result: object) -> dict[str, object]:
    return {
        "method": method,
        "req_id": number,
        "success": True,
        "result": {"order_id": ORDER_ID, "cl_ord_id": ID, **result},
        "time_in": "2026-01-01T00:00:00.123Z",
        "time_out": "2026-01-01T00:00:00.125Z",
    }


def refused(number: int, error: str, method: str = "add_order") -> dict[str, object]:
    return {"method": method, "req_id": number, "success": False, "error": error}


def rows(data: object, kind: str = "update", sequence: int = 2) -> dict[str, object]:
    return {"channel": "executions", "type": kind, "data": data, "sequence": sequence}


def row(**fields: object) -> Row:
    """Return the first row of an order: it is whole."""
    whole: Row = {
        "order_id": ORDER_ID,
        "cl_ord_id": ID,
        "order_userref": 0,
        "exec_type": "new",
        "order_status": "new",
        "symbol": "BTC/USDT",
        "side": "buy",
        "order_type": "limit",
        "time_in_force": "GTC",
        "limit_price": 30000.0,
        "order_qty": 0.01,
        "cum_qty": 0,
        "cum_cost": 0,
        "avg_price": 0,
        "timestamp": "2026-01-01T00:00:00.123456Z",
    }
    return {**whole, **fields}

"""A session of an order adapter with Coinbase: literal frames and answers of the exchange."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence

from msgspec.structs import replace

from floorwire.core.order_ports import OrderAdapterOutput
from floorwire.core.ports import Fetch
from floorwire.core.remote_order_messages import LinkUp, OrderSeen
from floorwire.venues.coinbase.orders import order_adapter
from tests.venues.order_driver import FixedRandom, Names, OrderDriver, of, settings

Row = dict[str, object]
ID = "0000000a-0000-0000-0000-00000001f100"
ORDER_ID = "a1b2c3d4-e5f6-7890-abcd-ef1234567890"
BASE = "/api/v3/brokerage"
TIME = f"{BASE}/time"
PRODUCTS = f"{BASE}/market/products"
PLACE = f"{BASE}/orders"
EDIT = f"{BASE}/orders/edit"
CANCEL = f"{BASE}/orders/batch_cancel"
ORDER = f"{BASE}/orders/historical/{ORDER_ID}"
ORDERS = f"{BASE}/orders/historical/batch"
FILLS = f"{BASE}/orders/historical/fills"
ACCOUNTS = f"{BASE}/accounts"
LISTED: dict[str, object] = {
    "products": [
        {"product_id": "BTC-USDT", "quote_currency_id": "USDT", "base_increment": "0.00000001", "new": False},
        {"product_id": 5},
    ],
    "num_products": 2,
}
SEED = base64.b64encode(bytes(range(32))).decode()
SEEN = OrderSeen(ID, ORDER_ID, "open", "0", 0, "30000.0", "0.01")


def seen(**fields: object) -> OrderSeen:
    return replace(SEEN, **fields)


def new() -> OrderDriver:
    names = Names({"BTC-USDT": "BTC-USDT", "NEW-USDT": "NEW-USDT"})
    return OrderDriver(order_adapter(settings(SEED), names, FixedRandom()))


def prepared(ahead_us: int = 0) -> OrderDriver:
    driver = new()
    driver.answer(
        TIME, {"iso": "", "epochSeconds": "1", "epochMillis": str((driver.date_us + ahead_us) // 1000)}
    )
    driver.answer(PRODUCTS, LISTED)
    return driver


def connected(ahead_us: int = 0) -> OrderDriver:
    driver = prepared(ahead_us)
    driver.opened()
    driver.frame(user([], kind="snapshot", number=0))  # data may come before the subscription is confirmed
    driver.frame(subscriptions("heartbeats", "user", number=1))
    assert driver.reports() == [LinkUp()]
    return driver


def subscriptions(*channels: str, number: int) -> Row:
    names = {channel: ["3e625b74-1c4e-5967-ad38-4d26f30d4439"] for channel in channels}
    return {
        "channel": "subscriptions",
        "timestamp": "2026-01-01T00:00:00.754118917Z",
        "sequence_num": number,
        "events": [{"subscriptions": names}],
    }


def heartbeat(number: int) -> Row:
    beat = {"current_time": "2026-01-01 00:00:02.885 +0000 UTC m=+24624.28", "heartbeat_counter": number}
    return {"channel": "heartbeats", "timestamp": "", "sequence_num": number, "events": [beat]}


def user(orders: Sequence[object], kind: str = "update", number: int = 2) -> Row:
    """Return a frame of the channel; production frames carry no ``client_id``."""
    event = {"type": kind, "orders": orders}
    return {
        "channel": "user",
        "timestamp": "2026-01-01T00:00:01.609931463Z",
        "sequence_num": number,
        "events": [event],
    }


def user_order(status: str = "OPEN", **fields: object) -> Row:
    whole: Row = {
        "order_id": ORDER_ID,
        "client_order_id": ID,
        "cumulative_quantity": "0",
        "leaves_quantity": "0.01",
        "limit_price": "30000.0",
        "avg_price": "0",
        "total_fees": "0",
        "status": status,
        "product_id": "BTC-USDT",
        "order_side": "BUY",
        "order_type": "Limit",
        "cancel_reason": "",
        "reject_reason": "",
        "post_only": "false",
        "time_in_force": "GOOD_UNTIL_CANCELLED",
    }
    return {**whole, **fields}


def order(status: str = "OPEN", **fields: object) -> Row:
    limit = {"base_size": "0.01", "limit_price": "30000.0", "post_only": False}
    whole: Row = {
        "order_id": ORDER_ID,
        "client_order_id": ID,
        "product_id": "BTC-USDT",
        "status": status,
        "filled_size": "0",
        "time_in_force": "GOOD_UNTIL_CANCELLED",
        "order_type": "LIMIT",
        "order_configuration": {"limit_limit_gtc": limit},
        "reject_reason": "REJECT_REASON_UNSPECIFIED",
    }
    return {**whole, **fields}


def body_of(outputs: Sequence[OrderAdapterOutput]) -> Row:
    """Return the body of the one request that is sent."""
    (fetch,) = of(outputs, Fetch)
    body = json.loads(fetch.body)
    assert isinstance(body, dict)
    return body


def success(order_id: str = ORDER_ID) -> Row:
    return {"success": True, "success_response": {"order_id": order_id, "client_order_id": ID}}

"""Stop orders at the fake Binance: when they are triggered, and what is told of them."""

import pytest
from websockets.asyncio.client import ClientConnection, connect

from tests.fake_exchange.binance.client import BinanceClient, Body, code, receive
from tests.fake_exchange.binance.stop_orders import STOP, SYMBOL, client, trade, without
from tests.fake_exchange.market import UNIT
from tests.fake_exchange.orders import Side

__all__ = ["client"]
IDS = {"symbol": SYMBOL, "origClientOrderId": "stop"}


async def reports(socket: ClientConnection, count: int) -> list[Body]:
    """The next reports of orders, without the reports of balances between them."""
    found: list[Body] = []
    while len(found) < count:
        event = (await receive(socket))["event"]
        assert isinstance(event, dict)
        if event["e"] == "executionReport":
            found.append(event)
    return found


def shown(report: Body) -> tuple[object, ...]:
    return tuple(report.get(name) for name in ("x", "X", "o", "P", "w"))


async def test_a_stop_order_waits_with_its_money_locked(client: BinanceClient) -> None:
    async with connect(f"{client.fake.ws}/ws-api/v3") as socket:
        await client.user_stream(socket)
        placed = (await client.call("POST", "order", STOP | {"newOrderRespType": "RESULT"})).json()
        (report,) = await reports(socket, 1)
    expected = {"status": "NEW", "type": "STOP_LOSS_LIMIT", "price": "59800.00000000", "workingTime": -1}
    expected |= {"stopPrice": "59900.00000000", "executedQty": "0.00000000", "timeInForce": "GTC"}
    assert placed.items() >= expected.items()
    assert "fills" not in placed
    assert shown(report) == ("NEW", "NEW", "STOP_LOSS_LIMIT", "59900.00000000", False)
    assert "W" not in report, "it is not on the book"
    assert client.fake.core.balance("first", "BTC").locked_e8 == UNIT // 1_000
    assert not client.fake.core.levels(SYMBOL, Side.SELL)
    for path, params in (
        ("order", IDS),
        ("openOrders", {"symbol": SYMBOL}),
        ("allOrders", {"symbol": SYMBOL}),
    ):
        answer = (await client.call("GET", path, params)).json()
        view = answer if isinstance(answer, dict) else answer[-1]
        assert (view["status"], view["isWorking"], view["workingTime"]) == ("NEW", False, -1)
        assert view["stopPrice"] == "59900.00000000"


async def test_a_stop_buy_locks_what_its_limit_costs(client: BinanceClient) -> None:
    buy = STOP | {"side": "BUY", "stopPrice": "60100.00", "price": "60200.00"}
    assert (await client.call("POST", "order", buy)).status_code == 200
    assert client.fake.core.balance("first", "USDT").locked_e8 == 60 * UNIT + UNIT // 5
    poor = await client.call("POST", "order", buy | {"quantity": "2", "newClientOrderId": "poor"})
    assert code(poor) == (400, -2010)
    assert poor.json()["msg"] == "Account has insufficient balance for requested action."


@pytest.mark.parametrize(("response_type", "fields"), [(None, 5), ("ACK", 5), ("RESULT", 17), ("FULL", 18)])
async def test_the_short_answer_is_the_default(
    client: BinanceClient, response_type: str | None, fields: int
) -> None:
    asked = {} if response_type is None else {"newOrderRespType": response_type}
    answer = (await client.call("POST", "order", STOP | asked)).json()
    assert len(answer) == fields
    assert ("stopPrice" in answer, "fills" in answer) == (fields >= 17, fields == 18)


async def test_a_triggered_stop_is_reported_new_again_and_then_filled(client: BinanceClient) -> None:
    fake = client.fake
    async with connect(f"{fake.ws}/ws-api/v3") as socket:
        await client.user_stream(socket)
        await client.call("POST", "order", STOP)
        fake.core.place("second", SYMBOL, Side.BUY, 60, 5_985_000, "bid")
        fake.skew_us += 5_000_000
        trade(fake, 5_990_000)
        new, triggered, filled = await reports(socket, 3)
        view = (await client.call("GET", "order", IDS)).json()
        fake.core.place("second", SYMBOL, Side.BUY, 40, 5_980_000, "rest")
        (done,) = await reports(socket, 1)
    kind = ("STOP_LOSS_LIMIT", "59900.00000000")
    assert shown(new) == ("NEW", "NEW", *kind, False)
    assert shown(triggered) == ("NEW", "NEW", *kind, True)
    assert shown(filled) == ("TRADE", "PARTIALLY_FILLED", *kind, True)
    assert shown(done) == ("TRADE", "FILLED", *kind, False)
    assert (filled["L"], filled["l"], filled["m"]) == ("59850.00000000", "0.00060000", False)
    assert (done["L"], done["l"], done["m"]) == ("59800.00000000", "0.00040000", True)
    assert new["O"] == triggered["O"] == done["O"]
    assert isinstance(triggered["T"], int)
    assert isinstance(new["T"], int)
    assert triggered["T"] >= new["T"] + 5_000
    assert triggered["W"] == filled["W"] == done["W"] == triggered["T"]
    assert (view["isWorking"], view["workingTime"], view["type"]) == (True, triggered["W"], "STOP_LOSS_LIMIT")
    assert (view["time"], view["status"]) == (new["O"], "PARTIALLY_FILLED")
    assert fake.core.balance("first", "BTC").locked_e8 == 0


@pytest.mark.parametrize(
    ("kind", "side", "stop_ticks", "short_of_it"),
    [
        ("STOP_LOSS", "SELL", 5_990_000, 5_990_001),
        ("STOP_LOSS", "BUY", 6_010_000, 6_009_999),
        ("TAKE_PROFIT", "SELL", 6_010_000, 6_009_999),
        ("TAKE_PROFIT", "BUY", 5_990_000, 5_990_001),
    ],
)
@pytest.mark.parametrize("with_limit", [False, True])
async def test_each_kind_is_triggered_by_the_last_price(
    client: BinanceClient, kind: str, side: str, stop_ticks: int, short_of_it: int, with_limit: bool
) -> None:
    fake = client.fake
    market = fake.core.markets[SYMBOL]
    params = STOP | {"side": side, "type": kind, "stopPrice": market.price_text(stop_ticks)}
    if with_limit:
        params |= {"type": f"{kind}_LIMIT", "price": "70000.00" if side == "BUY" else "50000.00"}
    else:
        params = without(params, "price", "timeInForce")
    assert (await client.call("POST", "order", params)).status_code == 200
    (order,) = fake.core.open_orders("first")
    trade(fake, short_of_it)
    assert order.waits
    other = Side.SELL if side == "BUY" else Side.BUY
    fake.core.place("second", SYMBOL, other, 100, 6_050_000 if side == "BUY" else 5_950_000, "")
    trade(fake, stop_ticks)
    assert (order.waits, order.state.value, order.filled_lots) == (False, "FILLED", 100)
    view = (await client.call("GET", "order", IDS)).json()
    assert (view["type"], view["price"]) == (params["type"], market.price_text(order.price_ticks or 0))


async def test_a_waiting_stop_is_cancelled(client: BinanceClient) -> None:
    fake = client.fake
    async with connect(f"{fake.ws}/ws-api/v3") as socket:
        await client.user_stream(socket)
        await client.call("POST", "order", STOP)
        cancelled = (await client.call("DELETE", "order", IDS | {"newClientOrderId": "end"})).json()
        _, report = await reports(socket, 2)
    assert (cancelled["status"], cancelled["type"]) == ("CANCELED", "STOP_LOSS_LIMIT")
    assert (cancelled["clientOrderId"], cancelled["origClientOrderId"]) == ("end", "stop")
    assert cancelled["stopPrice"] == "59900.00000000"
    assert "workingTime" not in cancelled
    assert shown(report) == ("CANCELED", "CANCELED", "STOP_LOSS_LIMIT", "59900.00000000", False)
    assert (report["c"], report["C"], "W" in report) == ("end", "stop", False)
    assert fake.core.balance("first", "BTC").locked_e8 == 0
    view = (await client.call("GET", "order", IDS)).json()
    assert (view["isWorking"], view["workingTime"]) == (False, -1)
    trade(fake, 5_990_000)
    assert fake.core.fills[-1].account != "first"


@pytest.mark.parametrize(
    ("time_in_force", "filled", "reason"),
    [
        ("IOC", "0.00040000", "UNFILLED_IOC_QUANTITY_EXPIRED"),
        ("FOK", "0.00000000", "UNFILLED_FOK_ORDER_EXPIRED"),
        ("", "0.00040000", "INSUFFICIENT_LIQUIDITY"),
    ],
)
async def test_what_is_not_filled_at_once_expires(
    client: BinanceClient, time_in_force: str, filled: str, reason: str
) -> None:
    fake = client.fake
    params = STOP | {"timeInForce": time_in_force}
    if not time_in_force:
        params = without(STOP, "timeInForce", "price") | {"type": "STOP_LOSS"}
    async with connect(f"{fake.ws}/ws-api/v3") as socket:
        await client.user_stream(socket)
        assert (await client.call("POST", "order", params)).status_code == 200
        fake.core.place("second", SYMBOL, Side.BUY, 40, 5_985_000, "bid")
        trade(fake, 5_990_000)
        seen = await reports(socket, 3 if time_in_force == "FOK" else 4)
    kinds = [report["x"] for report in seen]
    assert kinds == (["NEW"] * 2 + ["TRADE"] * (time_in_force != "FOK") + ["EXPIRED"])
    last = seen[-1]
    assert (last["X"], last["z"], last["w"], last["eR"]) == ("EXPIRED", filled, False, reason)
    assert "eR" not in seen[0]
    view = (await client.call("GET", "order", IDS)).json()
    assert (view["status"], view["expiryReason"], view["isWorking"]) == ("EXPIRED", reason, True)
    assert fake.core.balance("first", "BTC").locked_e8 == 0


async def test_a_triggered_market_buy_without_money_is_rejected(client: BinanceClient) -> None:
    fake = client.fake
    params = without(STOP, "timeInForce", "price") | {
        "type": "STOP_LOSS",
        "side": "BUY",
        "stopPrice": "60100",
    }
    assert (await client.call("POST", "order", params)).status_code == 200
    (order,) = fake.core.open_orders("first")
    fake.core.balance("first", "USDT").free_e8 = UNIT
    fake.core.place("second", SYMBOL, Side.SELL, 100, 6_020_000, "ask")
    trade(fake, 6_010_000)
    view = (await client.call("GET", "order", IDS)).json()
    assert (view["status"], view["expiryReason"]) == ("EXPIRED", "REJECTED")
    assert order.filled_lots == 0


async def test_a_waiting_stop_can_be_made_smaller(client: BinanceClient) -> None:
    fake = client.fake
    await client.call("POST", "order", STOP)
    changes = IDS | {"newQty": "0.0004", "newClientOrderId": "small"}
    answer = (await client.call("PUT", "order/amend/keepPriority", changes)).json()["amendedOrder"]
    assert (answer["origClientOrderId"], answer["clientOrderId"]) == ("stop", "small")
    assert (answer["qty"], answer["stopPrice"], answer["workingTime"]) == (
        "0.00040000", "59900.00000000", -1,
    )  # fmt: skip
    assert fake.core.balance("first", "BTC").locked_e8 == 40_000
    same = await client.call("PUT", "order/amend/keepPriority", changes | {"origClientOrderId": "small"})
    assert code(same) == (400, -2038)


async def test_a_stop_is_replaced(client: BinanceClient) -> None:
    fake = client.fake
    await client.call("POST", "order", STOP)
    moved = STOP | {"stopPrice": "59800.00", "newClientOrderId": "moved", "newOrderRespType": "RESULT"}
    replace = moved | {"cancelOrigClientOrderId": "stop", "cancelReplaceMode": "STOP_ON_FAILURE"}
    # Filters come before the cancel, so the old order stays.
    bad = await client.call("POST", "order/cancelReplace", replace | {"stopPrice": "59800.001"})
    assert code(bad) == (400, -1013)
    assert [order.client_id for order in fake.core.open_orders("first")] == ["stop"]
    done = (await client.call("POST", "order/cancelReplace", replace)).json()
    assert (done["cancelResult"], done["newOrderResult"]) == ("SUCCESS", "SUCCESS")
    assert done["cancelResponse"]["stopPrice"] == "59900.00000000"
    assert done["newOrderResponse"]["stopPrice"] == "59800.00000000"
    # The engine looks at the stop after it has cancelled the old order.
    late = replace | {"stopPrice": "60000.00", "cancelOrigClientOrderId": "moved", "newClientOrderId": "late"}
    failed = await client.call("POST", "order/cancelReplace", late)
    assert code(failed) == (409, -2021)
    data = failed.json()["data"]
    assert (data["cancelResult"], data["newOrderResult"]) == ("SUCCESS", "FAILURE")
    assert data["newOrderResponse"] == {"code": -2010, "msg": "Stop price would trigger immediately."}
    assert not fake.core.open_orders("first")


async def test_a_stop_of_the_websocket_api_is_the_same(client: BinanceClient) -> None:
    async with connect(f"{client.fake.ws}/ws-api/v3") as socket:
        placed = await client.ws_call(socket, "order.place", **STOP)
        assert placed["status"] == 200
        view = (await client.ws_call(socket, "order.status", **IDS))["result"]
        assert isinstance(view, dict)
        assert (view["type"], view["stopPrice"], view["isWorking"]) == (
            "STOP_LOSS_LIMIT", "59900.00000000", False,
        )  # fmt: skip
        refused = await client.ws_call(socket, "order.place", **STOP | {"stopPrice": "60000.00"})
        assert refused["error"] == {"code": -2010, "msg": "Stop price would trigger immediately."}

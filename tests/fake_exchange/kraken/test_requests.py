"""The fake Kraken over real sockets, by a client of the libraries alone: keys, orders, limits."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.fake_exchange.flow import SeededFlow
from tests.fake_exchange.kraken import FakeKraken, default_markets
from tests.fake_exchange.kraken.client import Body, private_socket, public_socket, rest, rows
from tests.fake_exchange.kraken.keys import sign
from tests.fake_exchange.market import UNIT
from tests.fake_exchange.orders import Side
from tests.fake_exchange.serving import running

ORDER: dict[str, object] = {
    "order_type": "limit",
    "side": "buy",
    "order_qty": 0.001,
    "symbol": "BTC/USD",
    "limit_price": 50_000.0,
}
TOO_FINE = "EOrder:Invalid price:price can only be specified up to 1 decimals."
FORM = {"ordertype": "limit", "type": "buy", "volume": "0.001", "pair": "XBTUSD", "price": "50000.0"}


@pytest.fixture
async def fake() -> AsyncIterator[FakeKraken]:
    exchange = FakeKraken(default_markets())
    exchange.core.deposit("first", "USD", 100_000 * UNIT)
    exchange.core.deposit("first", "BTC", UNIT)
    SeededFlow(exchange.core, "BTCUSD", 600_000).fill_book()
    async with running(exchange):
        yield exchange


def test_signature_of_the_documents() -> None:
    # Kraken: the example of the authentication guide.
    secret = "kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZtuZuj6F1huXg=="
    body = "nonce=1616492376594&ordertype=limit&pair=XBTUSD&price=37500&type=buy&volume=1.25"
    expected = "4/dpxb3iT4tp/ZCVEwSnEsLxx0bqyhLpdfOpc6fn7OR8+UClSV5n9E6aSS8MPtnRfp32bAb0nmbRn6H8ndwLUQ=="
    assert sign(secret, "/0/private/AddOrder", "1616492376594", body) == expected


async def test_an_order_by_rest(fake: FakeKraken) -> None:
    async with rest(fake) as client:
        placed = await client.result("AddOrder", **FORM, cl_ord_id="one")
        assert placed["descr"] == {"order": "buy 0.0010000 XBTUSD @ limit 50000.0"}
        order_id = first_id(placed)
        opened = (await client.result("OpenOrders", cl_ord_id="one"))["open"]
        assert isinstance(opened, dict)
        assert opened[order_id]["status"] == "open"
        amended = await client.result("AmendOrder", cl_ord_id="one", order_qty="0.002", limit_price="50001")
        assert str(amended["amend_id"]).startswith("T")
        assert (await client.result("CancelOrder", txid=order_id)) == {"count": 1}
        view = (await client.result("QueryOrders", txid=order_id))[order_id]
        assert isinstance(view, dict)
        assert (view["status"], view["vol"], view["reason"]) == ("canceled", "0.0020000", "User requested")
        assert (await client.private("CancelOrder", txid=order_id))["error"] == ["EOrder:Unknown order"]
        closed = (await client.result("ClosedOrders"))["closed"]
        assert isinstance(closed, dict)
        assert list(closed) == [order_id]


async def test_a_fill_by_rest_and_its_fee_in_the_quote_asset(fake: FakeKraken) -> None:
    async with rest(fake) as client:
        await client.result("AddOrder", **FORM | {"price": "60000.1"})
        history = await client.result("TradesHistory")
        trades = history["trades"]
        assert isinstance(trades, dict)
        ((fill_id, trade),) = trades.items()
        assert await client.result("QueryTrades", txid=f"{fill_id},TAAAAA-AAAAA-AAAAAA") == trades
        assert (trade["pair"], trade["cost"], trade["fee"]) == ("XXBTZUSD", "60.00010", "0.06000")
        balances = await client.result("BalanceEx")
        assert balances["XXBT"] == {"balance": "1.00100000", "hold_trade": "0.00000000"}
        assert balances["ZUSD"] == {"balance": "99939.93989990", "hold_trade": "0.00000000"}


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"price": "50000.01"}, TOO_FINE),
        ({"price": "-1"}, "EOrder:Invalid price"),
        ({"volume": "0.00000001"}, "EGeneral:Invalid arguments:volume"),
        ({"volume": "0.000001"}, "EOrder:Order minimum not met"),
        ({"volume": "100"}, "EOrder:Insufficient funds"),
        ({"volume": "0.0001", "price": "1000"}, "EOrder:Cost minimum not met"),
        ({"pair": "BTC/USD"}, "EQuery:Unknown asset pair"),
        ({"type": "BUY"}, "EGeneral:Invalid arguments:side"),
        ({"ordertype": "iceberg"}, "EGeneral:Invalid arguments:ordertype"),
        ({"ordertype": "stop-loss-limit"}, "EGeneral:Invalid arguments:price"),
        ({"ordertype": "stop-loss", "price2": "50000.0"}, "EGeneral:Invalid arguments:price"),
        ({"ordertype": "stop-loss", "price": "50000.01"}, TOO_FINE),
        ({"ordertype": "stop-loss", "trigger": "index"}, "EGeneral:Invalid arguments:triggers"),
        ({"price2": "50000.0"}, "EGeneral:Invalid arguments:price2"),
        ({"ordertype": "market"}, "EGeneral:Invalid arguments:price"),
        ({"timeinforce": "GTX"}, "EGeneral:Invalid arguments:timeinforce"),
        ({"oflags": "nompp"}, "EGeneral:Invalid arguments:oflags"),
        ({"cl_ord_id": "a" * 19}, "EGeneral:Invalid arguments:cl_ord_id"),
        ({"cl_ord_id": "a", "userref": "1"}, "EGeneral:Invalid arguments:cl_ord_id"),
        ({"unknown": "1"}, "EGeneral:Invalid arguments:unknown"),
        ({"deadline": "2020-01-01T00:00:00Z"}, "EService:Deadline elapsed"),
        ({"deadline": "2099-01-01T00:00:00Z"}, "EGeneral:Invalid arguments:deadline"),
    ],
)
async def test_a_bad_order_is_refused(fake: FakeKraken, changes: dict[str, str], error: str) -> None:
    async with rest(fake) as client:
        assert (await client.private("AddOrder", **{**FORM, **changes}))["error"] == [error]
    assert not fake.core.open_orders("first")
    assert fake.counts.refusals[error] == 1


async def test_client_ids_of_the_three_forms_are_taken_once(fake: FakeKraken) -> None:
    async with rest(fake) as client:
        for client_id in ("a" * 18, "0123abcd" * 4, "01234567-89ab-cdef-0123-456789abcdef"):
            await client.result("AddOrder", **FORM, cl_ord_id=client_id)
        again = await client.private("AddOrder", **FORM, cl_ord_id="a" * 18)
        assert again["error"] == ["EGeneral:Invalid arguments:cl_ord_id is in use"]


async def test_a_bad_key_signature_or_nonce_is_refused(fake: FakeKraken) -> None:
    async with rest(fake) as client:
        assert (await client.send("Balance", {"nonce": "5"}))["error"] == []
        assert (await client.send("Balance", {"nonce": "5"}))["error"] == ["EAPI:Invalid nonce"]
        assert (await client.send("Balance", {"nonce": "4"}))["error"] == ["EAPI:Invalid nonce"]
        assert (await client.send("Balance", {"nonce": "6"}, "AAAA"))["error"] == ["EAPI:Invalid signature"]
        client.account.api_key += "x"
        assert (await client.send("Balance", {"nonce": "7"}))["error"] == ["EAPI:Invalid key"]


async def test_batches_and_fill_or_kill_by_rest(fake: FakeKraken) -> None:
    async with rest(fake) as client:
        row = {name: value for name, value in FORM.items() if name != "pair"}
        orders = [row | {"cl_ord_id": "a"}, row | {"volume": "100"}]
        placed = (await client.batch("AddOrderBatch", {"pair": "XBTUSD", "orders": orders}))["result"]
        assert isinstance(placed, dict)
        first, second = placed["orders"]
        assert second == {"error": "EOrder:Insufficient funds"}
        assert (await client.batch("CancelOrderBatch", {"orders": [first["txid"]]}))["result"] == {"count": 1}
        killed = FORM | {"price": "60000.1", "volume": "50", "timeinforce": "FOK", "type": "sell"}
        assert (await client.private("AddOrder", **killed))["error"] == ["EOrder:Insufficient funds"]
        killed |= {"price": "59999.9", "volume": "1"}
        order_id = first_id(await client.result("AddOrder", **killed))
        view = (await client.result("QueryOrders", txid=order_id))[order_id]
        assert isinstance(view, dict)
        assert view["status"] in ("canceled", "closed")
        one = await client.batch("AddOrderBatch", {"pair": "XBTUSD", "orders": [row]})
        assert one["error"] == ["EGeneral:Invalid arguments:orders"]


STOP = ORDER | {"order_type": "stop-loss-limit", "triggers": {"price": 60_100.0}, "limit_price": 60_200.0}


async def test_a_stop_order_waits_for_its_trigger(fake: FakeKraken) -> None:
    async with private_socket(fake) as client, rest(fake) as reads:
        await client.request("subscribe", channel="executions")
        await client.data("executions")
        placed = await client.request("add_order", **STOP)
        assert placed["success"]
        waiting = rows(await client.data("executions"))[0]
        assert (waiting["exec_type"], waiting["order_type"]) == ("pending_new", "stop-loss-limit")
        triggers = waiting["triggers"]
        assert isinstance(triggers, dict)
        assert (float(triggers["price"]), triggers["status"]) == (60_100.0, "untriggered")
        opened = (await reads.result("OpenOrders"))["open"]
        assert isinstance(opened, dict)
        (view,) = opened.values()
        assert (view["descr"]["price"], view["descr"]["price2"]) == ("60100.0", "60200.0")
        assert view["descr"]["order"].endswith("XBTUSD @ stop loss 60100.0 -> limit 60200.0")
        fake.core.deposit("second", "BTC", UNIT)
        fake.core.deposit("second", "USD", 100_000_000 * UNIT)
        for price_ticks in (601_000, 601_500):
            fake.core.place("second", "BTCUSD", Side.SELL, 100_000, price_ticks, "")
        fake.core.place("second", "BTCUSD", Side.BUY, 1_000_000_000, 601_000, "")
        told = [rows(await client.data("executions"))[0] for _ in range(2)]
        assert [row["exec_type"] for row in told] == ["new", "trade"]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"order_type": "limit"}, "EGeneral:Invalid arguments:triggers"),
        ({"triggers": {"price": "60100.0"}}, "Field 'price' must be a number"),
        (
            {"triggers": {"price": 60_100.0, "price_type": "pct"}},
            "EGeneral:Invalid arguments:triggers.price_type",
        ),
        ({"triggers": {"prize": 1}}, "Unsupported field: 'prize' for the given msg type: add order"),
        ({"triggers": 1}, "Field 'triggers' must be an object"),
        ({"post_only": True}, "EGeneral:Invalid arguments:price"),
        ({"order_type": "stop-loss"}, "EGeneral:Invalid arguments:price"),
        ({"limit_price": 60_200.01}, TOO_FINE),
        ({"time_in_force": "fok"}, "EGeneral:Invalid arguments:time_in_force"),
    ],
)
async def test_a_bad_stop_order_is_refused(fake: FakeKraken, changes: dict[str, object], error: str) -> None:
    async with private_socket(fake) as client:
        assert (await client.request("add_order", **STOP | changes))["error"] == error


async def test_an_order_by_websocket_is_reported_in_parts(fake: FakeKraken) -> None:
    fake.executions.mixes_rows = True
    async with private_socket(fake) as client:
        acknowledged = await client.request("subscribe", channel="executions", snap_trades=True)
        assert acknowledged["success"]
        snapshot = await client.data("executions")
        assert (snapshot["type"], snapshot["data"], snapshot["sequence"]) == ("snapshot", [], 1)
        placed = await client.request("add_order", **ORDER, cl_ord_id="one")
        order_id = result(placed)["order_id"]
        first, second = [await client.data("executions") for _ in range(2)]
        assert [first["sequence"], second["sequence"]] == [2, 3]
        (pending,), (new,) = rows(first), rows(second)
        assert (pending["exec_type"], pending["cl_ord_id"], str(pending["order_qty"])) == (
            "pending_new", "one", "0.0010000",
        )  # fmt: skip
        assert set(new) == {"timestamp", "order_status", "exec_type", "order_userref", "order_id"}
        amended = await client.request(
            "amend_order", order_id=order_id, order_qty=0.002, limit_price=60_000.1
        )
        assert result(amended)["order_id"] == order_id
        (change, fill, end) = rows(await client.data("executions"))
        assert (change["exec_type"], str(change["limit_price"])) == ("amended", "60000.1")
        # The last fill says partially_filled. The end is a record of its own.
        assert (fill["exec_type"], fill["order_status"]) == ("trade", "partially_filled")
        assert (end["exec_type"], end["order_status"], str(end["cum_qty"])) == (
            "filled", "filled", "0.0020000",
        )  # fmt: skip
        assert "symbol" not in end


async def test_cancels_by_websocket(fake: FakeKraken) -> None:
    async with private_socket(fake) as client:
        ids = [
            result(await client.request("add_order", **ORDER, cl_ord_id=f"c{n}"))["order_id"]
            for n in range(5)
        ]
        first = await client.request("cancel_order", order_id=[ids[0], "OAAAAA-AAAAA-AAAAAA"])
        assert result(first) == {"order_id": ids[0]}
        second = await client.receive()
        assert (second["success"], second["error"], second["req_id"]) == (
            False, "EOrder:Unknown order", first["req_id"],
        )  # fmt: skip
        assert result(await client.request("cancel_order", cl_ord_id=["c1"])) == {"cl_ord_id": "c1"}
        many = await client.request("batch_cancel", orders=[ids[2], ids[0]])
        assert many["orders_cancelled"] == 1
        assert result(await client.request("cancel_all")) == {"count": 2}


async def test_a_batch_by_websocket(fake: FakeKraken) -> None:
    async with private_socket(fake) as client:
        row = {name: value for name, value in ORDER.items() if name != "symbol"}
        orders = [row | {"cl_ord_id": "a"}, row | {"cl_ord_id": "b", "limit_price": 0.01}]
        placed = result(await client.request("batch_add", symbol="BTC/USD", orders=orders))["orders"]
        assert isinstance(placed, list)
        assert [(order["cl_ord_id"], order["success"]) for order in placed] == [("a", True), ("b", False)]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"order_qty": "0.001"}, "Field 'order_qty' must be a number"),
        ({"price": 1}, "Unsupported field: 'price' for the given msg type: add order"),
        ({"time_in_force": "fok"}, "EGeneral:Invalid arguments:time_in_force"),
        ({"symbol": "XBT/USD"}, "Currency pair not supported XBT/USD"),
        ({"limit_price": 50_000.05}, "EOrder:Invalid price:price can only be specified up to 1 decimals."),
        ({"token": "wrong"}, "ESession:Invalid session"),
    ],
)
async def test_a_bad_order_by_websocket(fake: FakeKraken, changes: dict[str, object], error: str) -> None:
    async with private_socket(fake) as client:
        answer = await client.request("add_order", **{**ORDER, **changes})
        assert (answer["success"], answer["error"]) == (False, error)
    async with public_socket(fake) as client:
        answer = await client.request("add_order", **ORDER)
        assert "ws-auth" in str(answer["error"])


async def test_balances_are_totals(fake: FakeKraken) -> None:
    async with private_socket(fake) as client:
        await client.request("subscribe", channel="balances")
        snapshot = await client.data("balances")
        totals = {str(row["asset"]): str(row["balance"]) for row in rows(snapshot)}
        assert totals == {"BTC": "1", "USD": "100000"}
        await client.request("add_order", **ORDER)  # holds money, and changes no total
        await client.request("add_order", **ORDER | {"limit_price": 60_000.1})
        update = await client.data("balances")
        assert update["sequence"] == 2
        assert [(row["asset"], str(row["amount"]), str(row["fee"])) for row in rows(update)] == [
            ("BTC", "0.001", "0"),
            ("USD", "-60.0001", "0.0600001"),
        ]


async def test_post_only_self_trades_and_deadlines(fake: FakeKraken) -> None:
    async with private_socket(fake) as client:
        await client.request("subscribe", channel="executions")
        await client.data("executions")
        await client.request("add_order", **ORDER | {"limit_price": 60_001.0}, post_only=True)
        reasons = [rows(await client.data("executions"))[0].get("reason") for _ in range(3)]
        assert reasons == [None, None, "Post only order"]
        fake.trading.post_only_refused = True
        refused = await client.request("add_order", **ORDER | {"limit_price": 60_001.0}, post_only=True)
        assert refused["error"] == "EOrder:Post only order"
        await client.request("add_order", **ORDER)
        fake.core.empty_market("BTCUSD")
        await client.request("add_order", **ORDER)
        newest = await client.request("add_order", **ORDER | {"side": "sell"})
        order = fake.trading.find(fake.first, str(result(newest)["order_id"]))
        assert order is not None
        assert (order.state.value, len(fake.core.open_orders("first"))) == ("CANCELED", 1)
        deadline = (datetime.now(UTC) + timedelta(seconds=2)).isoformat()
        fake.trading.engine_lag_us = 3_000_000
        late = await client.request("add_order", **ORDER, deadline=deadline)
        assert late["error"] == "EService:Deadline elapsed"
        fake.trading.engine_lag_us = 0
        checked = await client.request("add_order", **ORDER, deadline=deadline, validate=True)
        assert result(checked) == {}


async def test_an_order_until_a_date(fake: FakeKraken) -> None:
    end = (datetime.now(UTC) + timedelta(seconds=60)).isoformat()
    async with private_socket(fake) as client, rest(fake) as rest_client:
        await client.request("subscribe", channel="executions")
        await client.data("executions")
        missing = await client.request("add_order", **ORDER, time_in_force="gtd")
        assert missing["error"] == "EGeneral:Invalid arguments:expire_time"
        placed = await client.request("add_order", **ORDER, time_in_force="gtd", expire_time=end)
        second = first_id(await rest_client.result("AddOrder", **FORM, timeinforce="GTD", expiretm="+60"))
        details = rows(await client.data("executions"))[0]
        assert (details["time_in_force"], str(details["expire_time"])[:19]) == ("GTD", end[:19])
        fake.skew_us += 61_000_000
        fake.trading.fire_timers()
        for _ in range(3):
            await client.data("executions")
        ended = rows(await client.data("executions"))[0]
        assert (ended["order_id"], ended["exec_type"]) == (result(placed)["order_id"], "expired")
        views = await rest_client.result("QueryOrders", txid=second)
        assert views[second]["status"] == "expired"  # type: ignore[index]


async def test_orders_of_a_quote_amount(fake: FakeKraken) -> None:
    async with private_socket(fake) as client:
        placed = await client.request(
            "add_order", order_type="market", side="buy", cash_order_qty=60, symbol="BTC/USD"
        )
        order = fake.trading.find(fake.first, str(result(placed)["order_id"]))
    assert order is not None
    assert 0 < order.filled_quote_e8 <= 60 * UNIT


async def test_counters(fake: FakeKraken) -> None:
    fake.limits.rest_limit = 3
    fake.limits.engine_limit = 10
    async with rest(fake) as client:
        for _ in range(3):
            await client.result("Balance")
        assert (await client.private("Balance"))["error"] == ["EAPI:Rate limit exceeded"]
        placed = await client.result("AddOrder", **FORM)
        # A cancel of an order younger than five seconds costs 8.
        await client.result("CancelOrder", txid=first_id(placed))
        await client.result("AddOrder", **FORM)
        assert (await client.private("AddOrder", **FORM))["error"] == ["EOrder:Rate limit exceeded"]
        fake.skew_us += 60_000_000
        assert (await client.private("AddOrder", **FORM))["error"] == []
        fake.limits.open_orders_limit = 2
        assert (await client.private("AddOrder", **FORM))["error"] == ["EOrder:Orders limit exceeded"]


async def test_a_dead_mans_switch(fake: FakeKraken) -> None:
    async with rest(fake) as client:
        await client.result("AddOrder", **FORM)
        await client.result("CancelAllOrdersAfter", timeout="60")
        assert (await client.result("CancelAllOrdersAfter", timeout="0"))["triggerTime"] == "0"
        await client.result("CancelAllOrdersAfter", timeout="60")
        assert fake.core.open_orders("first")
        fake.skew_us += 61_000_000
        fake.trading.fire_timers()
        assert not fake.core.open_orders("first")
        wrong = await client.private("CancelAllOrdersAfter", timeout="86400")
        assert wrong["error"] == ["EGeneral:Invalid arguments:timeout"]


async def test_tokens_live_for_15_minutes_unless_something_is_followed(fake: FakeKraken) -> None:
    async with private_socket(fake) as client, private_socket(fake) as other:
        await client.request("subscribe", channel="executions")
        fake.keys.expire_tokens()
        assert (await client.request("add_order", **ORDER))["success"]
        assert (await other.request("add_order", **ORDER))["error"] == "ESession:Invalid session"
    fake.first.may_use_websocket = False
    async with rest(fake) as rest_client:
        answer = await rest_client.private("GetWebSocketsToken")
    assert answer["error"] == ["EGeneral:Permission denied"]


def result(answer: Body) -> Body:
    assert answer["success"], answer
    found = answer["result"]
    assert isinstance(found, dict)
    return found


def first_id(placed: Body) -> str:
    ids = placed["txid"]
    assert isinstance(ids, list)
    return str(ids[0])

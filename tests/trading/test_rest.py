"""The same over HTTP: orders, money, limits, halts; and that both wires share one path."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from floorwire.core.authorization import Scope
from floorwire.storage.key_store import Issued
from tests.servers import Server
from tests.trading.trader import FREE, SCOPES, Message, caller, key, serving, trader


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("rest")


@pytest.fixture(scope="module")
def issued(folder: Path) -> Issued:
    return key(folder)


@pytest.fixture(scope="module")
def operator(folder: Path) -> Issued:
    return key(folder, "ops", (*SCOPES, Scope.ADMIN))


@pytest.fixture(scope="module")
def server(folder: Path, issued: Issued, operator: Issued) -> Iterator[Server]:
    with serving(folder, *FREE) as running:
        yield running


@pytest.fixture
def alice(server: Server, issued: Issued) -> Iterator[httpx2.Client]:
    with caller(server, issued) as client:
        yield client
        client.delete("/orders")


@pytest.fixture
def ops(server: Server, operator: Issued) -> Iterator[httpx2.Client]:
    with caller(server, operator) as client:
        yield client


def order(client_order_id: str, **fields: str) -> dict[str, str]:
    terms = {"symbol": "BTC-USDT", "side": "buy", "price": "61000", "quantity": "0.001"}
    return {**terms, "client_order_id": client_order_id, **fields}


def test_an_order_is_placed_amended_looked_at_and_cancelled(alice: httpx2.Client) -> None:
    placed = alice.post("/orders", json=order("r1"))
    assert (placed.status_code, placed.json()["status"]) == (201, "accepted")
    path = f"/orders/{placed.json()['order_id']}"
    assert alice.patch(path, json={"quantity": "0.002"}).status_code == 200
    assert alice.get(path).json()["order"]["quantity"] == "0.00200"
    assert [row["client_order_id"] for row in alice.get("/orders").json()["orders"]] == ["r1"]
    assert alice.delete(path).json()["status"] == "accepted"
    closed = alice.delete(path)
    assert (closed.status_code, closed.json()["code"]) == (409, "order_closed")


@pytest.mark.parametrize(
    "query",
    ["?symbols=ETH-USDT", "?symbol=BTC-USDT&symbol=ETH-USDT", "?symbol=", "?action=orders", "?id=1&x=2"],
)
def test_what_is_misspelt_does_not_cancel_everything(alice: httpx2.Client, query: str) -> None:
    order_id = alice.post("/orders", json=order(f"misspelt-{len(query)}")).json()["order_id"]
    assert alice.delete(f"/orders{query}").json()["status"] == "error"
    assert alice.request("DELETE", "/orders", json={"symbol": "ETH-USDT"}).json()["code"] == "bad_request"
    assert alice.get(f"/orders/{order_id}").json()["order"]["state"] == "new"
    assert alice.delete("/orders?symbol=ETH-USDT").json()["order_ids"] == []
    assert alice.delete("/orders?symbol=BTC-USDT").json()["order_ids"] == [order_id]


def test_the_same_again_over_either_wire_is_one_order(alice: httpx2.Client) -> None:
    first, again = (alice.post("/orders", json=order("r2")) for _ in range(2))
    assert (again.status_code, again.json()["duplicate"]) == (200, True)
    assert again.json()["order_id"] == first.json()["order_id"]
    other = alice.post("/orders", json=order("r2", price="60000"))
    assert (other.status_code, other.json()["code"]) == (409, "duplicate_client_order_id")


async def test_the_websocket_hears_of_orders_placed_over_http(
    server: Server, issued: Issued, alice: httpx2.Client
) -> None:
    async with trader(server, issued, "orders") as client:
        placed = alice.post("/orders", json=order("r3")).json()
        assert (await client.until("orders", "new", "r3"))["order_id"] == placed["order_id"]
        assert (await client.place("r3"))["duplicate"] is True


REFUSED: list[tuple[int, str, Message]] = [
    (400, "bad_request", {"client_order_id": "x", "pirce": "1"}),
    (400, "bad_request", {"client_order_id": "x", "action": "order.cancel_all"}),
    (404, "unknown_symbol", {"client_order_id": "x", "symbol": "NO-SUCH"}),
    (422, "tick_size", {"client_order_id": "x", "price": "61000.3"}),
    (422, "insufficient_balance", {"client_order_id": "x", "symbol": "ETH-BTC", "price": "0.048",
                                   "quantity": "5000"}),
]  # fmt: skip


@pytest.mark.parametrize(("status", "code", "fields"), REFUSED, ids=lambda value: str(value)[:40])
def test_refusals_are_the_same_json_with_a_status(
    alice: httpx2.Client, status: int, code: str, fields: Message
) -> None:
    refused = alice.post("/orders", json={**order("x"), **fields})
    assert (refused.status_code, refused.json()["code"]) == (status, code)


def test_lists_are_those_of_the_websocket(alice: httpx2.Client) -> None:
    alice.post("/orders", json={**order("r4", type="market"), "price": None})
    assert alice.get("/balances").json()["status"] == "ok"
    alice.post("/orders", json={"client_order_id": "r5", "symbol": "BTC-USDT", "side": "buy",
                                "type": "market", "quantity": "0.01"})  # fmt: skip
    fills = alice.get("/fills", params={"limit": 1}).json()["fills"]
    assert [fill["client_order_id"] for fill in fills] == ["r5"]
    older = alice.get("/fills", params={"before": fills[0]["fill_id"]}).json()["fills"]
    assert fills[0] not in older
    assert alice.get("/positions").json()["positions"][0]["symbol"] == "BTC-USDT"
    assert alice.get("/limits").json()["limits"]["price_collar"] == "0.050000"


def test_without_a_key_there_is_nothing_to_see(server: Server) -> None:
    for path in ("/orders", "/fills", "/balances", "/positions", "/limits", "/halts", "/journal"):
        assert httpx2.get(server.http(f"/api/v1{path}"), timeout=None).status_code == 401


def test_a_trader_is_no_operator(alice: httpx2.Client) -> None:
    assert alice.post("/halts", json={"scope": "all"}).status_code == 403
    assert alice.put("/limits/alice", json={}).status_code == 403
    assert alice.get("/journal").status_code == 403


HALTS: list[tuple[str, str]] = [("all", ""), ("account", "alice"), ("key", "{key}"), ("symbol", "BTC-USDT")]


@pytest.mark.parametrize(("scope", "name"), HALTS)
def test_the_kill_switch_cancels_and_refuses_until_it_is_lifted(
    alice: httpx2.Client, ops: httpx2.Client, issued: Issued, scope: str, name: str
) -> None:
    name = name.format(key=issued.key)
    alice.post("/orders", json=order(f"h1-{scope}"))
    assert ops.post("/halts", json={"scope": scope, "name": name}).json()["status"] == "ok"
    assert alice.get("/orders").json()["orders"] == []
    refused = alice.post("/orders", json=order(f"h2-{scope}")).json()
    assert (refused["code"], refused["order"]) == ("market_halted", "rejected")
    assert ops.get("/halts").json()["halts"] == [{"scope": scope, "name": name}]
    assert ops.delete("/halts", params={"scope": scope, "name": name}).json()["status"] == "ok"
    assert alice.post("/orders", json=order(f"h2-{scope}")).status_code == 201


def test_limits_hold_from_the_next_order_on(alice: httpx2.Client, ops: httpx2.Client) -> None:
    assert ops.put("/limits/alice", json={"max_order_notional": "50"}).json()["status"] == "ok"
    assert alice.post("/orders", json=order("l1")).json()["code"] == "max_notional"
    assert ops.put("/limits/alice", json={}).json()["status"] == "ok"
    assert alice.post("/orders", json=order("l1")).status_code == 201
    assert ops.put("/limits/alice", json={"max_orders": 1}).status_code == 400
    assert ops.put("/limits/alice", content=b"{").status_code == 400
    assert ops.put("/limits/alice", json={"price_collar": "much"}).status_code == 400


def test_a_key_that_the_account_does_not_have_gets_no_limits(ops: httpx2.Client, issued: Issued) -> None:
    for account, key_id in (("alice", "fw0000000000000000"), ("bob", issued.key)):
        refused = ops.put(f"/limits/{account}", params={"key": key_id}, json={"max_open_orders": 1})
        assert (refused.status_code, refused.json()["code"]) == (404, "unknown_key")
        assert ops.get(f"/limits/{account}", params={"key": key_id}).json()["limits"] == {}
    of_token = {"key": "issuer:bot"}  # nobody lists the keys of tokens
    assert ops.put("/limits/alice", params=of_token, json={"max_open_orders": 1}).status_code == 200


def test_limits_of_thousands_of_assets_are_refused(ops: httpx2.Client) -> None:
    many = {f"X{number}": "1" for number in range(3_000)}
    for name in ("max_position", "max_order_quantity"):
        refused = ops.put("/limits/dave", json={name: many})
        assert (refused.status_code, refused.json()["code"]) == (400, "bad_request")
        assert refused.json()["message"] == f"{name}: names 3000 assets; 200 at most"
    refused = ops.put("/limits/dave", json={"max_position": {"X" * 65: "1"}})
    assert refused.json()["message"] == "max_position: the name of an asset has 1 to 64 characters"
    assert ops.get("/limits/dave").json()["unknown_assets"] == []


def test_limits_say_what_happens_to_self_trades(alice: httpx2.Client, ops: httpx2.Client) -> None:
    assert alice.get("/limits").json()["limits"]["self_trade"] == "cancel_newest"
    shown = ops.get("/limits/bob").json()
    assert shown["limits"]["self_trade"] == shown["default"]["self_trade"] == "cancel_newest"
    assert "self_trade" not in ops.get("/limits/bob", params={"key": "fw0"}).json()["limits"]


def test_who_may_not_read_limits_is_told_about_reading(alice: httpx2.Client) -> None:
    refused = alice.get("/limits/bob")
    assert (refused.status_code, refused.json()["message"]) == (403, "limits.show needs the scope admin")
    refused = alice.put("/limits/bob", json={})
    assert (refused.status_code, refused.json()["message"]) == (403, "limits.set needs the scope admin")


def test_an_admin_sees_anybodys_limits_and_nobody_else_does(
    alice: httpx2.Client, ops: httpx2.Client, issued: Issued
) -> None:
    ops.put("/limits/bob", json={"max_open_orders": 3})
    shown = ops.get("/limits/bob").json()
    assert (shown["limits"]["max_open_orders"], shown["limits"]["price_collar"]) == (3, "0.050000")
    assert shown["default"]["max_open_orders"] == 1_000_000
    of_key = {"key": issued.key}
    ops.put("/limits/alice", params=of_key, json={"max_open_orders": 1_000})
    assert ops.get("/limits/alice", params=of_key).json()["limits"] == {"max_open_orders": 1_000}
    ops.put("/limits/alice", params=of_key, json={})
    assert alice.get("/limits/bob").status_code == 403


def test_a_halt_is_of_what_its_symbol_names(alice: httpx2.Client, ops: httpx2.Client) -> None:
    alice.post("/orders", json=order("s1"))
    halted = ops.post("/halts", json={"scope": "symbol", "name": "btcusdt"}).json()
    assert halted == {"status": "ok", "scope": "symbol", "name": "BTC-USDT", "cancelled": 1}
    assert ops.delete("/halts", params={"scope": "symbol", "name": "btcusdt"}).json()["name"] == "BTC-USDT"
    unknown = ops.post("/halts", json={"scope": "symbol", "name": "BTC-USDD"})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown_symbol")
    assert ops.get("/halts").json()["halts"] == []


def test_the_description_names_every_endpoint(server: Server) -> None:
    paths = httpx2.get(server.http("/openapi.json"), timeout=None).json()["paths"]
    assert "requestBody" in paths["/api/v1/orders"]["post"]
    assert {"get", "patch", "delete"} <= paths["/api/v1/orders/{order_id}"].keys()


async def test_everybody_is_told_of_a_halted_symbol(
    server: Server, issued: Issued, ops: httpx2.Client
) -> None:
    async with trader(server, issued) as client:
        await client.ask("subscribe", channel="system")
        ops.post("/halts", json={"scope": "symbol", "name": "ETH-USDT"})
        ops.delete("/halts", params={"scope": "symbol", "name": "ETH-USDT"})
        while len(client.events.get("system", [])) < 2:
            await client.receive()
        told = [(one["event"], one["symbol"], one["reason"]) for one in client.events["system"]]
    assert told == [("halted", "ETH-USDT", "operator"), ("resumed", "ETH-USDT", "operator")]


def test_an_empty_key_does_not_stand_for_the_accounts_own_limits(ops: httpx2.Client) -> None:
    assert ops.put("/limits/carol", json={"max_order_notional": "1000"}).status_code == 200
    refused = ops.put("/limits/carol", params={"key": ""}, json={"max_open_orders": 1})
    assert (refused.status_code, refused.json()["code"]) == (400, "bad_request")
    assert ops.get("/limits/carol", params={"key": ""}).status_code == 400
    assert ops.get("/limits/carol").json()["limits"]["max_order_notional"] == "1000"

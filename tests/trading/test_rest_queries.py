"""Queries over HTTP: no field is ignored, lists are of one symbol, a refused order is told as none."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from floorwire.core.authorization import Scope
from floorwire.protocol.trading_requests import ID_FORM
from floorwire.storage.key_store import Issued
from tests.servers import Server
from tests.trading.trader import FREE, SCOPES, Message, caller, key, serving, trader

READ = [
    "/orders", "/orders/1", "/fills", "/balances", "/positions", "/limits", "/limits/alice", "/halts",
    "/journal", "/keys",
]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("queries")


@pytest.fixture(scope="module")
def issued(folder: Path) -> Issued:
    return key(folder, "alice", (*SCOPES, Scope.ADMIN))


@pytest.fixture(scope="module")
def narrow(folder: Path) -> Issued:
    """A key of the same account that is for ETH-USDT alone."""
    return key(folder, "alice", symbols=("ETH-USDT",), money={})


@pytest.fixture(scope="module")
def server(folder: Path, issued: Issued, narrow: Issued) -> Iterator[Server]:
    with serving(folder, *FREE) as running:
        yield running


@pytest.fixture
def alice(server: Server, issued: Issued) -> Iterator[httpx2.Client]:
    with caller(server, issued) as client:
        yield client
        client.delete("/orders")


def order(client_order_id: str, **fields: str) -> dict[str, str]:
    terms = {"symbol": "BTC-USDT", "side": "buy", "price": "61000", "quantity": "0.001"}
    return {**terms, "client_order_id": client_order_id, **fields}


def ids(answer: httpx2.Response, field: str) -> set[str]:
    return {row["client_order_id"] for row in answer.json()[field]}


@pytest.mark.parametrize("path", READ)
@pytest.mark.parametrize("query", ["no_such=1", "Symbol=BTC-USDT", "action=orders"])
def test_a_field_that_a_list_does_not_take_is_an_error(alice: httpx2.Client, path: str, query: str) -> None:
    answer = alice.get(f"{path}?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")
    assert answer.json()["details"]["field"] == query.partition("=")[0]


@pytest.mark.parametrize("text", ["x", "0", "01", "-1", "9" * 20])
@pytest.mark.parametrize(
    ("method", "path", "field"),
    [
        ("GET", "/fills?before={}", "query.before"),
        ("GET", "/orders?after={}", "query.after"),
        ("GET", "/orders/{}", "path.order_id"),
        ("DELETE", "/orders/{}", "path.order_id"),
    ],
)
def test_an_id_that_the_server_cannot_have_given_is_answered_in_words(
    alice: httpx2.Client, method: str, path: str, field: str, text: str
) -> None:
    answer = alice.request(method, path.format(text))
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")
    assert answer.json()["message"] == f"{field}: has to be {ID_FORM}"


@pytest.mark.parametrize("text", ["05", "+5", "5_0"])
@pytest.mark.parametrize("path", ["/orders", "/fills"])
def test_a_whole_number_has_one_form(alice: httpx2.Client, path: str, text: str) -> None:
    answer = alice.get(path, params={"limit": text})
    assert (answer.status_code, answer.json()["details"]["field"]) == (400, "query.limit")


def test_a_field_given_twice_is_an_error(alice: httpx2.Client) -> None:
    for path in ("/orders?symbol=BTC-USDT&symbol=ETH-USDT", "/fills?limit=1&limit=2"):
        assert alice.get(path).json()["code"] == "bad_request"


def test_the_numbers_for_prometheus_take_no_query(server: Server) -> None:
    assert httpx2.get(server.http("/metrics"), timeout=None).status_code == 200
    assert httpx2.get(server.http("/metrics?name[]=floorwire_connections"), timeout=None).status_code == 400


def test_a_query_that_a_change_does_not_take_changes_nothing(alice: httpx2.Client) -> None:
    assert alice.post("/orders?post_only=true", json=order("q1")).status_code == 400
    order_id = alice.post("/orders", json=order("q2")).json()["order_id"]
    cancelled = alice.delete(f"/orders/{order_id}?symbol=ETH-USDT")
    assert (cancelled.status_code, cancelled.json()["order"]) == (400, "rejected")
    assert ids(alice.get("/orders"), "orders") == {"q2"}


@pytest.mark.parametrize("written", ["BTC-USDT", "btcusdt", "BTC/USDT"])
def test_open_orders_of_one_symbol(alice: httpx2.Client, written: str) -> None:
    name = written.replace("/", ".")
    alice.post("/orders", json=order(f"btc-{name}"))
    alice.post("/orders", json=order(f"eth-{name}", symbol="ETH-USDT", price="2000", quantity="0.1"))
    assert ids(alice.get("/orders", params={"symbol": written}), "orders") == {f"btc-{name}"}
    assert len(alice.get("/orders").json()["orders"]) == 2


def test_fills_of_one_symbol_page_by_page(alice: httpx2.Client) -> None:
    for number in range(3):
        for symbol, quantity in (("BTC-USDT", "0.001"), ("ETH-USDT", "0.01")):
            fields = {"symbol": symbol, "side": "buy", "type": "market", "quantity": quantity}
            placed = alice.post("/orders", json={**fields, "client_order_id": f"{symbol}-{number}"})
            assert placed.status_code == 201
    found: list[Message] = []
    before: dict[str, str] = {}
    while True:
        answer = alice.get("/fills", params={"symbol": "ethusdt", "limit": 2, **before}).json()
        found += answer["fills"]
        if "next" not in answer:
            break
        before = {"before": answer["next"]}
    assert {fill["symbol"] for fill in found} == {"ETH-USDT"}
    assert {fill["client_order_id"] for fill in found} == {f"ETH-USDT-{number}" for number in range(3)}


@pytest.mark.parametrize("path", ["/orders", "/fills"])
@pytest.mark.parametrize("symbol", ["NO-SUCH", ""])
def test_a_list_of_what_is_no_symbol_is_an_error(alice: httpx2.Client, path: str, symbol: str) -> None:
    answer = alice.get(f"{path}?symbol={symbol}")
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_symbol")


def test_a_key_lists_its_own_symbols_alone(server: Server, narrow: Issued) -> None:
    with caller(server, narrow) as client:
        for path in ("/orders", "/fills"):
            assert client.get(path, params={"symbol": "ETH-USDT"}).status_code == 200
            assert client.get(path, params={"symbol": "BTC-USDT"}).json()["code"] == "forbidden"


async def test_the_websocket_lists_by_symbol_too(
    server: Server, issued: Issued, alice: httpx2.Client
) -> None:
    alice.post("/orders", json=order("w-btc"))
    alice.post("/orders", json=order("w-eth", symbol="ETH-USDT", price="2000", quantity="0.1"))
    async with trader(server, issued) as client:
        listed = await client.ask("orders", symbol="eth-usdt")
        rows = listed["orders"]
        assert isinstance(rows, list)
        assert [row["client_order_id"] for row in rows if isinstance(row, dict)] == ["w-eth"]
        for action in ("orders", "fills"):
            assert (await client.ask(action, symbol="NO-SUCH"))["code"] == "unknown_symbol"
            assert (await client.ask(action, symbols=["ETH-USDT"]))["code"] == "bad_request"


async def test_no_request_on_the_websocket_takes_an_unknown_field(server: Server, issued: Issued) -> None:
    actions: dict[str, Message] = {
        "subscribe": {"channel": "system"},
        "unsubscribe": {"channel": "system"},
        "order.place": {"client_order_id": "z", "symbol": "BTC-USDT", "side": "buy"},
        "order.amend": {"order_id": "1"},
        "order.cancel": {"order_id": "1"},
        "order.status": {"order_id": "1"},
        "session.cancel_on_disconnect": {"enabled": True},
        "session.deadman": {"timeout_s": 0},
    }
    plain = ("subscriptions", "symbols", "ping", "login", "order.cancel_all", "orders", "fills", "balances",
             "positions")  # fmt: skip
    async with trader(server, issued) as client:
        for action, fields in (*actions.items(), *((name, {}) for name in plain)):
            reply = await client.ask(action, no_such=1, **fields)
            assert reply["code"] == "bad_request", action
            details = reply["details"]
            assert isinstance(details, dict)
            assert details["field"] == "no_such"


PATHS = [("POST", "/orders"), ("DELETE", "/orders"), ("PATCH", "/orders/1"), ("DELETE", "/orders/1")]


@pytest.mark.parametrize(("method", "path"), PATHS)
def test_what_is_refused_before_the_desk_says_that_it_is_no_order(
    server: Server, alice: httpx2.Client, method: str, path: str
) -> None:
    address = server.http(f"/api/v1{path}")
    body = {"POST": json.dumps(order("anon")), "PATCH": "{}"}.get(method)
    refused = [
        httpx2.request(method, address, content=body, timeout=None),
        httpx2.request(
            method,
            address,
            headers={"authorization": "Bearer fw0000000000000000.x"},
            content=body,
            timeout=None,
        ),
        alice.request(method, path, headers={"origin": "https://elsewhere.example"}),
        alice.request(method, path, content=b" " * 70_000),
        alice.request(method, f"{path}?no_such=1"),
    ]
    if method in ("POST", "PATCH"):
        refused += [alice.request(method, path, content=bad) for bad in (b"{", b"\xff", b"[]", b"")]
    if path != "/orders":
        refused.append(alice.request(method, "/orders/no-id"))
    assert [answer.status_code for answer in refused[:5]] == [401, 401, 403, 413, 400]
    for answer in refused:
        assert answer.json()["order"] == "rejected", answer.text


@pytest.mark.slow
def test_what_is_asked_too_often_says_that_it_is_no_order(folder: Path, tmp_path: Path) -> None:
    mine = key(tmp_path / "data")
    with (
        serving(tmp_path / "data", "--set=limits.commands_per_second=1") as slow,
        caller(slow, mine) as client,
    ):
        answers = [client.post("/orders", json=order(f"often-{number}")) for number in range(12)]
    late = [answer for answer in answers if answer.status_code == 429]
    assert late
    assert {answer.json()["order"] for answer in late} == {"rejected"}


def test_a_refused_question_says_nothing_of_an_order(server: Server, alice: httpx2.Client) -> None:
    for answer in (
        httpx2.get(server.http("/api/v1/orders"), timeout=None),
        alice.get("/orders?no_such=1"),
        alice.get("/orders/no-id"),
        alice.post("/keys", content=b"{"),
    ):
        assert answer.json()["status"] == "error"
        assert "order" not in answer.json()

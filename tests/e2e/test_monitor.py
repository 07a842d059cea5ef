"""A monitoring system's key: it reads the numbers of a server that others reach, and can do nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import httpx2
import pytest

from floorwire.auth.grant import Grant
from floorwire.core.authorization import Scope
from tests.e2e.sign_in_servers import KeyedServer, ask, keyed_server

FREE = {"/health", "/ready", "/metrics", "/api/v1/time"}
ORDER = {"symbol": "BTC-USDT", "side": "buy", "price": "61000", "quantity": "0.001", "client_order_id": "m"}
CHANNELS = ("ticker", "trades", "book", "candles", "heartbeat", "system")
PRIVATE = ("orders", "fills", "balances", "positions")
REQUESTS: list[Mapping[str, object]] = [
    *({"action": "subscribe", "channel": channel, "symbol": "BTC-USDT"} for channel in CHANNELS[:4]),
    *({"action": "subscribe", "channel": channel} for channel in (*CHANNELS[4:], *PRIVATE)),
    *({"action": action} for action in ("symbols", *PRIVATE, "order.cancel_all")),
    {"action": "order.place", **ORDER},
    {"action": "order.cancel", "order_id": "1"},
    {"action": "session.cancel_on_disconnect", "enabled": True},
    {"action": "session.deadman", "timeout_s": 5},
]
HALT = {"scope": "all", "name": ""}
LIMITS = {"max_open_orders": 0}
FORBIDDEN: dict[tuple[str, str], object] = {
    ("post", "/api/v1/tickets"): None,
    ("get", "/api/v1/keys"): None,
    ("post", "/api/v1/keys"): {"account": "eve", "scopes": ["monitor"]},
    ("delete", "/api/v1/keys/{key}"): None,
    ("post", "/api/v1/keys/{key}/rotate"): None,
    ("post", "/api/v1/orders"): ORDER,
    ("get", "/api/v1/orders"): None,
    ("delete", "/api/v1/orders"): None,
    ("get", "/api/v1/orders/{order_id}"): None,
    ("patch", "/api/v1/orders/{order_id}"): {"price": "61001"},
    ("delete", "/api/v1/orders/{order_id}"): None,
    ("get", "/api/v1/fills"): None,
    ("get", "/api/v1/balances"): None,
    ("get", "/api/v1/positions"): None,
    ("get", "/api/v1/limits"): None,
    ("put", "/api/v1/limits/{account}"): LIMITS,
    ("get", "/api/v1/limits/{account}"): None,
    ("get", "/api/v1/halts"): None,
    ("post", "/api/v1/halts"): HALT,
    ("delete", "/api/v1/halts"): None,
    ("get", "/api/v1/journal"): None,
    ("get", "/api/v1/quarantine"): None,
    ("delete", "/api/v1/quarantine/{number}"): None,
    ("get", "/api/v1/replays"): None,
    ("patch", "/api/v1/replays/{venue}"): {"speed": 1},
    ("get", "/api/v1/symbols"): None,
    ("get", "/api/v1/ticker"): None,
    ("get", "/api/v1/book"): None,
    ("get", "/api/v1/trades"): None,
    ("get", "/api/v1/candles"): None,
    ("get", "/api/v1/account"): None,
    ("get", "/api/v1/ledger"): None,
    ("get", "/api/v1/accounts"): None,
    ("post", "/api/v1/accounts"): {"name": "more"},
    ("post", "/api/v1/accounts/{account}/withdrawals"): {"request_id": "w1", "asset": "USDT", "amount": "1"},
    ("post", "/api/v1/accounts/{account}/transfers"): {
        "request_id": "t1",
        "to": "eve",
        "asset": "USDT",
        "amount": "1",
    },
    ("post", "/api/v1/accounts/{account}/reset"): {"request_id": "r1", "balances": {"USDT": "1"}},
}
QUERIES = {
    ("delete", "/api/v1/halts"): {"scope": "all"},
    **{("get", f"/api/v1/{kind}"): {"symbol": "BTC-USDT"} for kind in ("book", "trades", "candles")},
}
"""What there is to ask over HTTP, and a body with which an admin would be obeyed."""


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeyedServer]:
    with keyed_server(tmp_path_factory.mktemp("public"), "--host", "0.0.0.0", "--behind-proxy") as made:
        made.server.host = "127.0.0.1"
        yield made


@pytest.fixture(scope="module")
def local_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeyedServer]:
    """Where anybody sees the market."""
    folder = tmp_path_factory.mktemp("open")
    with keyed_server(folder) as made:
        yield made


async def rest(
    at: KeyedServer, account: str = "prometheus", scope: Scope = Scope.MONITOR
) -> httpx2.AsyncClient:
    issued = await at.key(Grant(account, (scope,)))
    return httpx2.AsyncClient(
        base_url=at.server.http(),
        headers={"authorization": f"Bearer {issued.key}.{issued.secret}"},
        verify=False,
        timeout=None,
    )


async def test_it_reads_the_numbers(public: KeyedServer) -> None:
    async with await rest(public) as prometheus:
        answer = await prometheus.get("/metrics")
        assert answer.status_code == 200
        assert "floorwire_open_orders 0.0" in answer.text
    assert httpx2.get(public.server.http("/metrics"), timeout=None).status_code == 401


async def test_it_can_do_nothing_else_over_http(public: KeyedServer) -> None:
    paths = httpx2.get(public.server.http("/openapi.json"), timeout=None).json()["paths"]
    described = {(method, path) for path, methods in paths.items() for method in methods}
    assert {asked for asked in described if asked[1] not in FREE} == FORBIDDEN.keys()
    async with await rest(public) as prometheus:
        for (method, path), body in FORBIDDEN.items():
            url = path.format(key="fw0", order_id="1", account="prometheus", number="1", venue="sim")
            answer = await prometheus.request(method, url, params=QUERIES.get((method, path)), json=body)
            said = answer.status_code, answer.json()["code"]
            assert said == (403, "forbidden"), (method, path, answer.text)
    async with await rest(public, "boss", Scope.ADMIN) as boss:
        assert (await boss.get("/api/v1/halts")).json()["halts"] == []
        limits = (await boss.get("/api/v1/limits/prometheus")).json()
        assert limits["limits"] == limits["default"]
        assert "eve" not in {row["account"] for row in (await boss.get("/api/v1/keys")).json()["keys"]}


@pytest.mark.parametrize("way", ["public", "local_server"])
async def test_it_can_do_nothing_else_over_a_connection(way: str, request: pytest.FixtureRequest) -> None:
    at: KeyedServer = request.getfixturevalue(way)
    issued = await at.key(Grant("prometheus", (Scope.MONITOR,)))
    async with at.connect(issued) as ws:
        for asked in REQUESTS:
            assert (await ask(ws, **asked))["code"] == "forbidden", asked
        assert (await ask(ws, action="ping"))["status"] == "pong"

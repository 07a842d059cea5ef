"""Answers of ``/api/v1`` are those that the OpenAPI describes, with every field: of a server that trades."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import httpx2
import pytest

from floorwire.auth.grant import Grant
from floorwire.core.authorization import Scope
from floorwire.storage.data_dir import DataDir
from tests.servers import eventually, floorwire
from tests.web.answer_schemas import AnswerSchemas

MSGPACK, CSV, PARQUET = "application/msgpack", "text/csv", "application/vnd.apache.parquet"
SYMBOL = "BTC-USDT"


class Api(NamedTuple):
    """A server, and a client of it with a key for everything."""

    http: httpx2.Client
    schemas: AnswerSchemas

    def ask(
        self,
        method: str,
        pattern: str,
        *,
        status: int,
        query: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
        json: object = None,
        **of_path: str | int,
    ) -> httpx2.Response:
        """Ask, and hold the answer to the document. ``of_path``: what the path has in place of names."""
        path = pattern.format(**of_path)
        response = self.http.request(method, path, params=query, json=json, headers=headers)
        assert response.status_code == status, (method, path, response.status_code, response.text)
        self.schemas.check(method, pattern, response)
        return response


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """Serve a simulated market, in which the key's account has an open, a filled and a cancelled order."""
    folder = tmp_path_factory.mktemp("data")
    issued = DataDir(folder, {}).keys.create(Grant("root", tuple(Scope)), {"USDT": "1000000", "BTC": "5"}, 0)
    settings = ("--set=accounts.own_accounts=3", "--set=accounts.own_deposit=USDT=5")
    with floorwire("--data", str(folder), "--seed", "7", *settings) as server:
        headers = {"authorization": f"Bearer {issued.key}.{issued.secret}"}
        with httpx2.Client(base_url=server.http(""), headers=headers, verify=False, timeout=None) as http:
            assert eventually(lambda: http.get("/ready").status_code == 200)
            api = Api(http, AnswerSchemas(http.get("/openapi.json").content))
            _trade(api)
            yield api


def _order(name: str, **fields: object) -> dict[str, object]:
    return {"client_order_id": name, "symbol": SYMBOL, "side": "buy", "quantity": "0.01", **fields}


def _trade(api: Api) -> None:
    place = "/api/v1/orders"
    market = _order("filled", type="market")
    api.ask("post", place, status=201, json=market)
    api.ask("post", place, status=200, json=market)
    for name in ("open", "ended"):
        api.ask(
            "post", place, status=201, json=_order(name, type="limit", price="20000", time_in_force="gtc")
        )
    orders = api.ask("get", place, status=200).json()["orders"]
    assert {order["client_order_id"] for order in orders} >= {"open", "ended"}
    order_id = {order["client_order_id"]: order["order_id"] for order in orders}
    one = "/api/v1/orders/{order_id}"
    api.ask("patch", one, status=200, order_id=order_id["open"], json={"price": "20001"})
    api.ask("delete", one, status=200, order_id=order_id["ended"])
    for text in order_id.values():
        api.ask("get", one, status=200, order_id=text)
    assert eventually(lambda: api.http.get("/api/v1/fills").json().get("fills"))


def test_every_answer_has_a_schema(api: Api) -> None:
    schemas = {at: schema for at, schema in api.schemas.schemas().items() if at[0].startswith("/api/v1/")}
    assert [at for at, schema in schemas.items() if not schema] == []
    given = {(path, method) for path, method, status, _ in schemas if status in ("200", "201")}
    assert given == {(path, method) for path, method, _, _ in schemas}


@pytest.mark.parametrize("state", [None, "open", "closed", "all", "filled", "cancelled"])
def test_orders_fit(api: Api, state: str | None) -> None:
    query = {} if state is None else {"state": state}
    orders = api.ask("get", "/api/v1/orders", status=200, query=query).json()["orders"]
    assert orders


@pytest.mark.parametrize("path", ["fills", "ledger", "account", "balances", "positions", "limits"])
def test_what_an_account_has_fits(api: Api, path: str) -> None:
    answer = api.ask("get", f"/api/v1/{path}", status=200).json()
    assert all(
        answer[name] for name in answer if name in ("fills", "entries", "days", "balances", "positions")
    )


@pytest.mark.parametrize("kind", [CSV, PARQUET])
@pytest.mark.parametrize("path", ["orders", "fills", "ledger", "trades", "candles"])
def test_tables_fit(api: Api, path: str, kind: str) -> None:
    query: dict[str, str | int] = {"symbol": SYMBOL, "limit": 5} if path in ("trades", "candles") else {}
    answer = api.ask("get", f"/api/v1/{path}", status=200, query=query, headers={"accept": kind})
    assert answer.headers["content-type"].partition(";")[0] == kind
    assert answer.content


@pytest.mark.parametrize("kind", ["application/json", MSGPACK])
def test_market_data_fits(api: Api, kind: str) -> None:
    accept = {"accept": kind}
    asked: tuple[tuple[str, dict[str, str | int]], ...] = (
        ("time", {}),
        ("symbols", {"limit": 3}),
        ("ticker", {"symbol": SYMBOL}),
        ("ticker", {}),
        ("book", {"symbol": SYMBOL, "depth": 5}),
        ("trades", {"symbol": SYMBOL}),
        ("candles", {"symbol": SYMBOL, "interval": "1s"}),
    )
    for path, query in asked:
        answer = api.ask("get", f"/api/v1/{path}", status=200, query=query, headers=accept)
        assert answer.headers["content-type"] == kind
        if "etag" in answer.headers and path == "symbols":
            known = {**accept, "if-none-match": answer.headers["etag"]}
            api.ask("get", f"/api/v1/{path}", status=304, query=query, headers=known)


def test_keys_fit(api: Api) -> None:
    keys, one = "/api/v1/keys", "/api/v1/keys/{key}"
    whole = {
        "account": "bob", "scopes": ["market", "trade"], "symbols": [SYMBOL], "accounts": ["bob"],
        "max_notional": "5", "addresses": ["192.0.2.0/24"], "expires": "30d", "deposit": {"USDT": "5"},
    }  # fmt: skip
    for new in ({"account": "carol", "scopes": ["market"]}, whole):
        key = api.ask("post", keys, status=201, json=new).json()["key"]
        api.ask("post", f"{one}/rotate", status=200, key=key)
        api.ask("delete", one, status=200, key=key)
    assert len(api.ask("get", keys, status=200).json()["keys"]) >= 3
    api.ask("delete", one, status=404, key="nobody")
    api.ask("post", keys, status=400, json={})


def test_what_operators_do_fits(api: Api) -> None:
    limits = "/api/v1/limits/{account}"
    api.ask(
        "put", limits, status=200, account="bob", json={"max_open_orders": 5, "max_position": {"XYZ": "1"}}
    )
    assert api.ask("get", limits, status=200, account="bob").json()["unknown_assets"] == ["XYZ"]
    for scope, name in (("account", "bob"), ("symbol", "ETH-USDT"), ("key", "k"), ("all", "")):
        halt = {"scope": scope, **({"name": name} if name else {})}
        api.ask("post", "/api/v1/halts", status=200, json=halt)
        assert api.ask("get", "/api/v1/halts", status=200).json()["halts"]
        api.ask("delete", "/api/v1/halts", status=200, query=halt)
    api.ask("get", "/api/v1/journal", status=200)
    api.ask("get", "/api/v1/quarantine", status=200)
    api.ask("delete", "/api/v1/quarantine/{number}", status=400, number=1)
    api.ask("get", "/api/v1/replays", status=200)
    api.ask("patch", "/api/v1/replays/{venue}", status=400, venue="sim", json={"paused": True})


def test_accounts_and_tickets_fit(api: Api) -> None:
    api.ask("post", "/api/v1/accounts", status=201, json={"name": "grid"})
    assert api.ask("get", "/api/v1/accounts", status=200).json()["accounts"] == ["root", "root--grid"]
    of = "/api/v1/accounts/{account}/"
    given = {"request_id": "1", "asset": "USDT", "amount": "1"}
    api.ask("post", f"{of}withdrawals", status=200, account="root", json=given)
    api.ask("post", f"{of}withdrawals", status=200, account="root", json=given)
    moved = {**given, "request_id": "2", "to": "root--grid"}
    api.ask("post", f"{of}transfers", status=200, account="root", json=moved)
    api.ask(
        "post",
        f"{of}reset",
        status=200,
        account="root--grid",
        json={"request_id": "3", "balances": {"USDT": "9"}},
    )
    causes = {row["cause"] for row in api.ask("get", "/api/v1/ledger", status=200).json()["entries"]}
    assert {"fill", "withdrawal"} <= causes
    api.ask("post", "/api/v1/tickets", status=201)
    page = {"origin": str(api.http.base_url).rstrip("/")}
    guest = httpx2.post(f"{page['origin']}/api/v1/tickets", headers=page, verify=False, timeout=None)
    assert guest.status_code == 204
    api.schemas.check("post", "/api/v1/tickets", guest)


def test_refused_orders_fit(api: Api) -> None:
    place, one = "/api/v1/orders", "/api/v1/orders/{order_id}"
    assert api.ask("post", place, status=422, json=_order("low", type="limit", price="0.5")).json()["order"]
    assert api.ask("post", place, status=400, json={}).json()["order"] == "rejected"
    assert api.ask("delete", one, status=404, order_id="999").json()["order"] == "rejected"
    assert (
        api.ask("patch", one, status=404, order_id="999", json={"price": "1"}).json()["order"] == "rejected"
    )
    api.ask("get", one, status=404, order_id="999")
    assert api.ask("delete", place, status=404, query={"symbol": "NOPE-USDT"}).json()["order"] == "rejected"
    api.ask("delete", place, status=200, query={"symbol": SYMBOL})

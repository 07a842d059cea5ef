"""Unknown and malformed fields are refused everywhere; who is not signed in learns nothing of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import pytest
from fastapi.testclient import TestClient
from starlette.testclient import WebSocketDenialResponse

from floorwire.auth.grant import Grant
from floorwire.core.authorization import Scope
from tests.web.admin_server import AdminServer, body, open_admin_server

TWICE = b'{"scope": "all", "scope": "symbol", "name": "BTC-USDT"}'
JSON = {"content-type": "application/json"}
ALL = Grant("root", (Scope.ACCOUNT, Scope.TRADE, Scope.ADMIN, Scope.MARKET))
PUBLIC = ("/", "/static/app.js", "/health", "/ready", "/openapi.json", "/asyncapi.json", "/docs", "/asyncapi")


Key: TypeAlias = dict[str, str]


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory) -> AdminServer:
    return open_admin_server(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def client(at: AdminServer) -> Iterator[TestClient]:
    with at.client() as client:
        yield client


@pytest.fixture(scope="module")
def key(at: AdminServer) -> Key:
    return at.key(ALL)


@pytest.mark.parametrize("limit", ["5_0", "+5", "05", " 5", "5.0", "5e0", "\u0665", "", "0", "1000000"])
def test_a_number_has_one_spelling(client: TestClient, key: Key, limit: str) -> None:
    refused = client.get("/api/v1/fills", headers=key, params={"limit": limit})
    assert (refused.status_code, body(refused)["code"]) == (400, "bad_request")
    assert client.get("/api/v1/fills?limit=50", headers=key).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "twice"),
    [
        ("POST", "/api/v1/orders", b'{"symbol": "BTC-USDT", "side": "buy", "side": "sell"}'),
        ("PATCH", "/api/v1/orders/1", b'{"price": "1", "price": "2"}'),
        ("PUT", "/api/v1/limits/alice", b'{"max_orders": 1, "max_orders": 2}'),
        ("POST", "/api/v1/halts", TWICE),
        (
            "POST",
            "/api/v1/keys",
            b'{"account": "bob", "scopes": ["market"], "deposit": {"A": "1", "A": "2"}}',
        ),
        ("POST", "/api/v1/keys", b'{"account": "bob", "scopes": ["market"], "acc\\u006funt": "eve"}'),
    ],
)
def test_a_field_that_a_body_has_twice_is_refused(
    client: TestClient, key: Key, method: str, path: str, twice: bytes
) -> None:
    refused = client.request(method, path, headers={**key, **JSON}, content=twice)
    assert (refused.status_code, body(refused)["code"]) == (400, "bad_request")
    assert "given twice" in str(body(refused)["message"])


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le"])
@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/api/v1/keys", '{"account": "bob", "scopes": ["market"]}'),
        ("/api/v1/halts", '{"scope": "account", "name": "bob"}'),
        ("/api/v1/orders", '{"symbol": "BTC-USDT"}'),
    ],
)
def test_a_body_is_utf8(client: TestClient, key: Key, path: str, text: str, encoding: str) -> None:
    """Who inspects requests on their way reads UTF-8 only."""
    refused = client.post(path, headers={**key, **JSON}, content=text.encode(encoding))
    assert (refused.status_code, body(refused)["code"]) == (400, "bad_json")


def test_a_body_has_no_halves_of_characters(client: TestClient, key: Key) -> None:
    text = b'{"scope": "account", "name": "\xed\xa0\x80"}'
    refused = client.post("/api/v1/halts", headers={**key, **JSON}, content=text)
    assert (refused.status_code, body(refused)["code"]) == (400, "bad_json")


@pytest.mark.parametrize("expires", ["true", "9007199254740992.0", "9e15", "-1", "1e400", "NaN"])
def test_a_number_in_a_body_has_one_spelling(client: TestClient, key: Key, expires: str) -> None:
    content = f'{{"account": "bob", "scopes": ["market"], "expires": {expires}}}'
    refused = client.post("/api/v1/keys", headers={**key, **JSON}, content=content)
    assert refused.status_code == 400
    assert "expires" in body(refused)["message"]
    assert "is past" not in body(refused)["message"]


@pytest.mark.parametrize(
    "change",
    [
        '{"speed": true}',
        '{"speed": "2"}',
        '{"at": true}',
        '{"at": 1.0}',
        '{"paused": 1}',
        '{"paused": "yes"}',
    ],
)
def test_a_number_is_no_truth_and_no_text(client: TestClient, key: Key, change: str) -> None:
    refused = client.patch("/api/v1/replays/none", headers={**key, **JSON}, content=change)
    assert (refused.status_code, body(refused)["code"]) == (400, "bad_request")
    assert body(refused)["message"].startswith("body."), "not because there is no such replay"


@pytest.mark.parametrize(
    ("method", "path", "content"),
    [
        ("POST", "/api/v1/orders", b"{"),
        ("POST", "/api/v1/orders?zzz=1", b"{}"),
        ("PATCH", "/api/v1/orders/1", b"{"),
        ("PATCH", "/api/v1/orders/x", b"{}"),
        ("GET", "/api/v1/fills?limit=x", b""),
        ("DELETE", "/api/v1/orders", b"{}"),
        ("PUT", "/api/v1/limits/alice", b"{"),
        ("POST", "/api/v1/halts", b"{"),
        ("POST", "/api/v1/halts", TWICE),
        ("POST", "/api/v1/halts?zzz=1", b"{}"),
        ("POST", "/api/v1/keys", b"{"),
        ("POST", "/api/v1/keys", b"[]"),
        ("POST", "/api/v1/keys", b"\xff"),
    ],
)
def test_who_is_not_signed_in_is_told_that_and_nothing_else(
    client: TestClient, key: Key, method: str, path: str, content: bytes
) -> None:
    refused = client.request(method, path, headers=JSON, content=content)
    assert (refused.status_code, body(refused)["code"]) == (401, "unauthenticated")
    assert refused.headers["www-authenticate"] == "Bearer"
    told = client.request(method, path, headers={**JSON, **key}, content=content)
    assert told.status_code == 400


def test_a_wrong_key_is_told_so_before_its_body_is_read(client: TestClient) -> None:
    wrong = {"authorization": "Bearer k.s", **JSON}
    refused = client.post("/api/v1/keys", headers=wrong, content=b"{")
    assert (refused.status_code, body(refused)["code"]) == (401, "bad_signature")


@pytest.mark.parametrize("path", PUBLIC)
def test_public_paths_take_no_query(client: TestClient, path: str) -> None:
    assert client.get(path).status_code in (200, 503)
    refused = client.get(f"{path}?zzz=1")
    assert (refused.status_code, body(refused)["code"]) == (400, "bad_request")


@pytest.mark.parametrize(
    "query", ["zzz=1", "ticket=a&ticket=b", "zzz", "&".join("ticket=a" for _ in range(20))]
)
@pytest.mark.parametrize("path", ["/ws", "/ws/ticker"])
def test_a_handshake_takes_one_ticket_and_nothing_else(
    client: TestClient, key: Key, path: str, query: str
) -> None:
    with (
        pytest.raises(WebSocketDenialResponse) as denied,
        client.websocket_connect(f"{path}?{query}", headers=key),
    ):
        pass
    assert (denied.value.status_code, denied.value.text) == (400, "bad_query")

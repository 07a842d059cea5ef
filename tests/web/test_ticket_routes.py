from __future__ import annotations

from pathlib import Path

import pytest
from starlette.testclient import WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect

from floorwire.auth.grant import Grant
from floorwire.config import AuthSettings, DoorSettings
from floorwire.core.authorization import Scope
from tests.web.admin_server import HOME, OWN_PAGE, body, open_admin_server

TRADER = Grant("alice", (Scope.MARKET, Scope.TRADE), symbols=("BTC-USDT",))


def test_a_key_gets_a_ticket_and_the_ticket_signs_in_once(tmp_path: Path) -> None:
    at = open_admin_server(tmp_path, auth=AuthSettings(market="key"))
    header = at.key(TRADER)
    with at.client() as client:
        answer = client.post("/api/v1/tickets", headers=header)
        assert answer.status_code == 201
        ticket = body(answer)["ticket"]
        with client.websocket_connect(f"/ws?ticket={ticket}") as ws:
            ws.send_json({"action": "symbols"})
            assert ws.receive_json() == {"status": "ok", "symbols": []}
        with (
            client.websocket_connect(f"/ws?ticket={ticket}") as ws,
            pytest.raises(WebSocketDisconnect) as closed,
        ):
            ws.receive_json()
        assert closed.value.code == 4500


def test_a_key_for_metrics_gets_no_ticket(tmp_path: Path) -> None:
    at = open_admin_server(tmp_path)
    metrics_only, more = (
        at.key(Grant("ops", scopes)) for scopes in ((Scope.MONITOR,), (Scope.MONITOR, Scope.ACCOUNT))
    )
    with at.client() as client:
        refused = client.post("/api/v1/tickets", headers=metrics_only)
        assert (refused.status_code, body(refused)["code"]) == (403, "forbidden")
        assert client.post("/api/v1/tickets", headers=more).status_code == 201
    said = [(line["how"], line["code"]) for line in at.audit() if line["event"] == "refused"]
    assert said == [("ticket", "forbidden")]


def test_nobody_gets_no_ticket(tmp_path: Path) -> None:
    open_admin_server(tmp_path).key()
    with open_admin_server(tmp_path).client() as client:
        answer = client.post("/api/v1/tickets")
        assert (answer.status_code, body(answer)["code"]) == (401, "unauthenticated")
        answer = client.post("/api/v1/tickets", headers=OWN_PAGE)
        assert (answer.status_code, answer.content) == (204, b"")


def test_on_the_first_run_our_own_page_on_this_machine_gets_the_demos(tmp_path: Path) -> None:
    at = open_admin_server(tmp_path)
    with at.client() as client:
        ticket = body(client.post("/api/v1/tickets", headers=OWN_PAGE))["ticket"]
        with client.websocket_connect(f"/ws?ticket={ticket}") as ws:
            ws.send_json({"action": "ping"})
            assert ws.receive_json()["status"] == "pong"
    assert [line["account"] for line in at.audit() if line["event"] == "sign_in"] == ["demo"]


@pytest.mark.parametrize(
    ("peer", "base_url", "headers"),
    [
        ("127.0.0.1", HOME, {}),  # not a page
        ("127.0.0.1", HOME, {"origin": "http://127.0.0.1:9000"}),  # another page on this machine
        ("127.0.0.1", HOME, {"origin": "https://evil.example"}),
        ("127.0.0.1", HOME, {"origin": "null"}),
        ("192.0.2.7", HOME, OWN_PAGE),  # from elsewhere
        # DNS rebinding: a name of the attacker's that points to this machine
        ("127.0.0.1", "http://evil.example:8000", {"origin": "http://evil.example:8000"}),
        ("127.0.0.1", "http://evil.example:8000", OWN_PAGE),
    ],
)
def test_the_demo_is_for_nobody_else(
    tmp_path: Path, peer: str, base_url: str, headers: dict[str, str]
) -> None:
    with open_admin_server(tmp_path).client(peer, base_url) as client:
        assert client.post("/api/v1/tickets", headers=headers).status_code in (204, 401, 403)


def test_there_is_no_demo_behind_a_proxy(tmp_path: Path) -> None:
    for number, doors in enumerate(
        (DoorSettings(behind_proxy=True), DoorSettings(trusted_proxies=("127.0.0.1",)))
    ):
        with open_admin_server(tmp_path / str(number), doors=doors).client() as client:
            page = {"origin": HOME.replace("http:", "https:")}  # The proxy does TLS.
            assert client.post("/api/v1/tickets", headers=page).status_code == 204


def test_a_page_of_another_site_gets_nowhere(tmp_path: Path) -> None:
    at = open_admin_server(tmp_path, doors=DoorSettings(origins=("https://desk.example",)))
    header = at.key(TRADER)
    with at.client() as client:
        answer = client.post("/api/v1/tickets", headers={**header, "origin": "https://evil.example"})
        assert (answer.status_code, body(answer)["code"]) == (403, "forbidden")
        with (
            pytest.raises(WebSocketDenialResponse) as denied,
            client.websocket_connect("/ws", headers={"origin": "https://evil.example"}),
        ):
            pass
        assert denied.value.status_code == 403
        answer = client.post("/api/v1/tickets", headers={**header, "origin": "https://desk.example"})
        assert answer.status_code == 201
        assert answer.headers["access-control-allow-origin"] == "https://desk.example"
        with client.websocket_connect("/ws", headers={"origin": "https://desk.example"}):
            pass


def test_the_bearer_at_the_handshake(tmp_path: Path) -> None:
    at = open_admin_server(tmp_path, auth=AuthSettings(market="key"))
    header = at.key(TRADER)
    with at.client() as client:
        with client.websocket_connect("/ws", headers=header) as ws:
            ws.send_json({"action": "symbols"})
            assert ws.receive_json()["status"] == "ok"
        with client.websocket_connect("/ws") as ws:
            ws.send_json({"action": "symbols"})
            assert ws.receive_json()["code"] == "unauthenticated"
        for wrong in ("Bearer a.b", "Basic YTpi", "Bearer", header["authorization"] + "x"):
            with (
                pytest.raises(WebSocketDenialResponse) as denied,
                client.websocket_connect("/ws", headers={"authorization": wrong}),
            ):
                pass
            assert denied.value.status_code == 401

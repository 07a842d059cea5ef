from __future__ import annotations

from pathlib import Path

import pytest
from starlette.testclient import WebSocketDenialResponse

from floorwire.auth.grant import Grant
from floorwire.config import DoorSettings, SettingsError
from floorwire.core.authorization import Scope
from tests.web.admin_server import open_admin_server

TRADER = Grant("alice", (Scope.MARKET, Scope.TRADE))


@pytest.mark.parametrize("listed", ["https://Desk.Example/", "https://desk.example:443"])
def test_an_origin_in_any_spelling_passes_the_handshake_and_the_preflight(
    tmp_path: Path, listed: str
) -> None:
    at = open_admin_server(tmp_path, doors=DoorSettings(origins=(listed,)))
    header = at.key(TRADER)
    page = {"origin": "https://desk.example"}
    asked = {"access-control-request-method": "POST", "access-control-request-headers": "authorization"}
    with at.client() as client:
        with client.websocket_connect("/ws", headers=page):
            pass
        preflight = client.options("/api/v1/tickets", headers={**page, **asked})
        assert (preflight.status_code, preflight.headers["access-control-allow-origin"]) == (
            200,
            "https://desk.example",
        )
        ticket = client.post("/api/v1/tickets", headers={**header, **page})
        assert (ticket.status_code, ticket.headers["access-control-allow-origin"]) == (
            201,
            "https://desk.example",
        )


@pytest.mark.parametrize(
    "listed", ["*", "desk.example", "https://desk.example/app", "https://*.example", "ftp://x"]
)
def test_what_is_no_origin_is_refused_at_the_start(tmp_path: Path, listed: str) -> None:
    with pytest.raises(SettingsError, match=r"doors\.origins: .* is not an origin"):
        open_admin_server(tmp_path, doors=DoorSettings(origins=(listed,)))


def test_a_page_without_tls_does_not_speak_for_the_one_with_it(tmp_path: Path) -> None:
    """On both ways in: the scheme is the connection's, or what a trusted proxy says."""
    at = open_admin_server(
        tmp_path, host="192.0.2.1", doors=DoorSettings(behind_proxy=True, trusted_proxies=("127.0.0.1",))
    )
    header = at.key(TRADER)
    with at.client(base_url="http://gw.example") as client:
        for said, scheme, other in (({}, "https", "http"), ({"x-forwarded-proto": "http"}, "http", "https")):
            own = {**header, **said, "host": "gw.example", "origin": f"{scheme}://gw.example"}
            assert client.post("/api/v1/tickets", headers=own).status_code == 201
            with client.websocket_connect("/ws", headers=own):
                pass
            stranger = {**own, "origin": f"{other}://gw.example"}
            assert client.post("/api/v1/tickets", headers=stranger).status_code == 403
            with pytest.raises(WebSocketDenialResponse), client.websocket_connect("/ws", headers=stranger):
                pass

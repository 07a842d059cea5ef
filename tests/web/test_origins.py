from __future__ import annotations

from pathlib import Path

import pytest

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


@pytest.mark.parametrize("listed", ["*", "desk.example", "https://desk.example/app", "https://*.example"])
def test_what_is_no_origin_is_refused_at_the_start(tmp_path: Path, listed: str) -> None:
    with pytest.raises(SettingsError, match=r"doors\.origins: .* is not an origin"):
        open_admin_server(tmp_path, doors=DoorSettings(origins=(listed,)))

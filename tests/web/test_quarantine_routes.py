"""Operators list orders in quarantine and release them; a narrowed one sees its own accounts' only."""

from __future__ import annotations

from pathlib import Path

from floorwire.auth.grant import Grant
from floorwire.core.account_events import AccountEntry, Quarantined
from floorwire.core.authorization import Scope
from floorwire.core.execution_reports import Filled
from tests.web.admin_server import AdminServer, body, open_admin_server

STRAY = Filled(99, "t", 5, 1, 0, "maker", 1)


def fill_quarantine(server: AdminServer) -> None:
    """A venue fills an order that nobody knows; and somebody reports what cannot be of alice's."""
    desk = server.gateway.desk
    desk.reported([STRAY, STRAY])
    committer = desk._lifecycle.state.committer
    assert committer is not None
    event = Quarantined("alice", 2, "rem", 7, "fw0123456771", "why", "what", 5)
    accounts = committer.store.order_manager._accounts
    committer.add_entries([AccountEntry(event, accounts.apply(event))])


def test_operators_list_and_release(tmp_path: Path) -> None:
    server = open_admin_server(tmp_path, journal="memory")
    root = server.key()
    alice = server.key(Grant("alice", (Scope.ADMIN,), accounts=("alice",)))
    bob = server.key(Grant("bob", (Scope.ADMIN,), accounts=("bob",)))
    symbol = server.key(Grant("ops", (Scope.ADMIN,), symbols=("BTC-USDT",)))
    trader = server.key(Grant("alice", (Scope.TRADE,)))
    with server.client() as client:
        path = "/api/v1/quarantine"
        assert client.get(path, headers=root).json()["quarantine"] == []
        assert client.portal is not None
        client.portal.call(fill_quarantine, server)
        nobody, hers = client.get(path, headers=root).json()["quarantine"]
        assert (nobody["number"], nobody["account"], nobody["order_id"]) == (1, "", "99")
        assert "Filled(order_id=99" in nobody["report"]
        assert hers == {
            "number": 2,
            "venue": "rem",
            "account": "alice",
            "order_id": "7",
            "symbol": None,
            "state": None,
            "client_id": "fw0123456771",
            "reason": "why",
            "report": "what",
            "ts": 5,
        }
        assert client.get(path, headers=alice).json()["quarantine"] == [hers]
        for narrow in (bob, symbol):
            assert client.get(path, headers=narrow).json()["quarantine"] == []
            refused = client.delete(f"{path}/2", headers=narrow)
            assert (refused.status_code, body(refused)["code"]) == (400, "bad_request")
        assert client.get(path, headers=trader).status_code == 403
        assert client.delete(f"{path}/1", headers=alice).status_code == 400
        assert client.delete(f"{path}/2", headers=alice).json() == {"status": "ok", "number": 2}
        assert client.delete(f"{path}/1?over=true", headers=root).status_code == 200
        assert client.delete(f"{path}/1", headers=root).status_code == 400
        assert client.get(path, headers=root).json()["quarantine"] == []
    targets = [line.get("target") for line in server.audit() if line.get("event") == "quarantine.release"]
    assert "2" in targets
    assert "1 over" in targets

"""A signed login on a connection: it counts when it is durable, and what comes after it waits."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from floorwire.access.authenticator import Authenticator
from floorwire.app import Gateway
from floorwire.auth.grant import Grant
from floorwire.config import Settings
from floorwire.core.authorization import Scope
from floorwire.core.codes import CloseCode
from floorwire.hub import list_replies
from floorwire.hub.waiting_messages import WAITING_BYTES, WaitingMessages
from floorwire.protocol.requests import login_signature
from floorwire.storage.key_store import Issued
from tests.hub.hub_harness import FakeWire, HubHarness


class Login:
    """A connection that sends logins. The test says when they are durable."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        gateway = Gateway(Settings(data=str(folder)), venues=[])
        self.issued = gateway.data_dir.keys.create(Grant("alice", (Scope.MARKET,)), {}, 1)
        self.authenticator = gateway.authenticator
        self.authenticator.keyring.replace(gateway.data_dir.keys.list_keys())
        self.keys = gateway.data_dir.keys
        self.clock = gateway.clock
        self.waiting: list[Callable[[bool], None]] = []
        patch.setattr(Authenticator, "when_durable", lambda _, done: self.waiting.append(done))
        self.wire: FakeWire = HubHarness(self.authenticator).connect()

    def send(self, issued: Issued | None = None, **fields: object) -> None:
        """Send a signed login."""
        key, ts = issued or self.issued, self.clock.wall_us() + len(self.waiting)
        signature = login_signature(key.secret, ts)
        self.wire.ask("login", key=key.key, ts=ts, signature=signature, **fields)

    def end(self, is_durable: bool = True) -> None:
        """Let the oldest login that waits be durable."""
        self.waiting.pop(0)(is_durable)

    def answers(self) -> list[tuple[object, object]]:
        """Return the ids and statuses of the answers since the last call."""
        return [(message.get("id"), message["status"]) for message in self.wire.messages()]


@pytest.fixture
def login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Login:
    return Login(tmp_path, monkeypatch)


def test_it_is_answered_when_it_is_durable_and_all_in_order(login: Login) -> None:
    login.wire.ask("ping", id=1)
    login.send(id=2)
    login.wire.ask("ping", id=3)
    login.wire.ask("subscriptions", id=4)
    assert login.answers() == [(1, "pong")]
    assert login.wire.connection.principal.key == ""
    login.end()
    assert login.answers() == [(2, "ok"), (3, "pong"), (4, "ok")]
    assert login.wire.connection.principal.key == login.issued.key
    login.wire.ask("ping", id=5)
    assert login.answers() == [(5, "pong")]


def test_a_login_behind_a_login_waits_for_itself(login: Login) -> None:
    for number in (1, 3):
        login.send(id=number)
        login.wire.ask("ping", id=number + 1)
    login.end()
    assert login.answers() == [(1, "ok"), (2, "pong")]
    login.end()
    assert login.answers() == [(3, "ok"), (4, "pong")]


def test_a_long_request_behind_a_login_lets_nothing_pass(
    login: Login, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_replies, "ROWS_AT_ONCE", 1)
    monkeypatch.setattr(FakeWire, "defer", lambda _: None)
    connection = login.wire.connection
    login.send(id=1)
    login.wire.ask("symbols", id=2)
    login.wire.ask("ping", id=3)
    login.end()
    assert login.answers() == [(1, "ok")]
    login.wire.ask("ping", id=4)
    while connection.work():
        pass
    connection.end_of_read()
    assert login.answers() == [(2, "ok"), (3, "pong"), (4, "pong")]
    login.wire.ask("ping", id=5)
    assert login.answers() == [(5, "pong")]


def test_what_could_not_be_written_does_not_count(login: Login) -> None:
    login.send(id=1)
    login.wire.ask("ping", id=2)
    login.end(is_durable=False)
    assert login.answers() == [(1, "error"), (2, "pong")]
    assert login.wire.connection.principal.key == ""
    login.authenticator.audit.flush()
    lines = [json.loads(line) for line in (login.folder / "audit.jsonl").read_text().splitlines()]
    assert [(line["event"], line.get("code")) for line in lines] == [
        ("sign_in", None),
        ("refused", "internal"),
    ]


def test_a_key_that_is_revoked_meanwhile_does_not_sign_in(login: Login) -> None:
    login.send(id=1)
    login.keys.revoke(login.issued.key, 2)
    login.authenticator.keyring.replace(login.keys.list_keys())
    login.end()
    assert login.answers() == [(1, "error")]
    assert login.wire.connection.principal.key == ""


def test_a_connection_that_is_gone_meanwhile_does_not_sign_in(login: Login) -> None:
    login.send(id=1)
    login.wire.ask("ping", id=2)
    login.wire.cut()
    login.end()
    assert login.wire.messages() == []
    assert login.wire.connection.principal.key == ""
    assert login.authenticator.has_room(login.wire.connection.principal)


def test_what_waits_is_bounded(login: Login) -> None:
    login.send(id=1)
    for _ in range(WAITING_BYTES):
        if login.wire.code is not None:
            break
        login.wire.ask("ping")
    assert login.wire.code == CloseCode.RATE
    login.wire.connection.received(b"{}", binary=False)
    login.end()


def test_the_first_message_is_held_however_large_it_is() -> None:
    held = WaitingMessages()
    assert held.add(bytes(2 * WAITING_BYTES), True)
    assert not held.add(b"", True)
    assert held.pop() == (bytes(2 * WAITING_BYTES), True)
    assert len(held) == 0
    assert held.add(b"a", True)
    assert held.add(b"b", False)
    assert [held.pop(), held.pop()] == [(b"a", True), (b"b", False)]

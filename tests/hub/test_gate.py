from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal, TypeAlias

import jwt
import pytest

from floorwire.config import Auth, Jwt, Limits, Settings, SettingsError
from floorwire.core.auth import GUEST, STRANGER, Principal, Scope
from floorwire.core.codes import CloseCode, Code
from floorwire.core.refusal import Refusal
from floorwire.doors.grant import Grant
from floorwire.hub import gate as gate_module
from floorwire.hub.gate import DEMO, Gate
from floorwire.protocol.login import signature
from floorwire.protocol.requests import Login
from floorwire.storage.keys import Issued
from floorwire.storage.locker import Locker
from tests.doors.issuer import SHARED

HERE = "192.0.2.7"
START = 1_800_000_000_000_000
S = 1_000_000
Line: TypeAlias = "dict[str, str | int]"


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now_us = START
        self.looked = 0

    def __call__(self) -> int:
        self.looked += 1
        return self.now_us


class Visitor:
    """A connection that remembers how it was shown out."""

    def __init__(self) -> None:
        self.closed: list[tuple[CloseCode, str]] = []

    def close(self, code: CloseCode, reason: str) -> None:
        self.closed.append((code, reason))


class House:
    """A data folder, and gates that open on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = Clock()
        self.locker = Locker(folder, {})

    def gate(self, settings: Settings | None = None, *, is_home: bool = True) -> Gate:
        return Gate(settings or Settings(), self.locker, self.clock, is_home=is_home)

    def key(self, *, expires_us: int | None = None, symbols: tuple[str, ...] | None = None) -> Issued:
        grant = Grant("alice", (Scope.MARKET, Scope.TRADE), symbols=symbols, expires_us=expires_us)
        return self.locker.keys.create(grant, {}, self.clock())

    def lines(self) -> list[Line]:
        return [json.loads(line) for line in (self.folder / "audit.jsonl").read_text().splitlines()]


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    monkeypatch.setattr(gate_module, "POLL_S", 0.01)
    return House(tmp_path)


@asynccontextmanager
async def running(gate: Gate) -> AsyncIterator[None]:
    task = asyncio.create_task(gate.run())
    await asyncio.sleep(0)
    yield
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not true():
            await asyncio.sleep(0.005)


async def polled(house: House) -> None:
    """Wait until the gate has looked several times who has to go: each time it looks at the clock."""
    looked = house.clock.looked
    await until(lambda: house.clock.looked >= looked + 3)


def bearer(issued: Issued) -> str:
    return f"{issued.key}.{issued.secret}"


def signed(issued: Issued, ts_us: int = START) -> Login:
    return Login(key=issued.key, ts=ts_us, signature=signature(issued.secret, ts_us))


async def test_every_way_in_is_in_the_record(house: House, tmp_path: Path) -> None:
    issued = house.key()
    secret = tmp_path / "shared"
    secret.write_bytes(SHARED)
    secret.chmod(0o600)
    trusting = Auth(jwt=Jwt(issuer="i", audience="a", secret_file=str(secret)))
    gate = house.gate(Settings(auth=trusting))
    token = jwt.encode({"iss": "i", "aud": "a", "sub": "bob", "exp": START // S + 60}, SHARED, "HS256")
    async with running(gate):
        alice = gate.bearer(bearer(issued), HERE)
        assert gate.login(signed(issued), HERE) is alice
        ticket = gate.issue(alice, HERE)
        assert ticket.expires == START + 30 * S
        assert gate.ticket(ticket.ticket, HERE) is alice
        assert gate.login(Login(token=token), HERE).account == "bob"
    told = [(line["event"], line.get("how"), line["account"], line["key"]) for line in house.lines()]
    assert told == [
        ("sign_in", "bearer", "alice", issued.key),
        ("sign_in", "signature", "alice", issued.key),
        ("ticket", None, "alice", issued.key),
        ("sign_in", "ticket", "alice", issued.key),
        ("sign_in", "token", "bob", "jwt:bob"),
    ]
    text = (house.folder / "audit.jsonl").read_text()
    for secret_text in (issued.secret, ticket.ticket, token):
        assert secret_text not in text


@pytest.mark.parametrize(
    "request_",
    [Login(), Login(key="k"), Login(key="k", ts=1), Login(token="t", key="k"), Login(ts=1, signature="s")],
)
def test_half_a_login_is_a_bad_request(house: House, request_: Login) -> None:
    with pytest.raises(Refusal) as raised:
        house.gate().login(request_, HERE)
    assert raised.value.code is Code.BAD_REQUEST


async def test_refusals_are_recorded_without_what_may_be_a_secret(house: House) -> None:
    issued = house.key()
    gate = house.gate()
    async with running(gate):
        for text in (f"{issued.key}.wrong-secret", issued.secret, f"{issued.secret}.{issued.key}"):
            with pytest.raises(Refusal):
                gate.bearer(text, HERE)
        with pytest.raises(Refusal):
            gate.login(Login(token="not.a.token"), HERE)
    lines = house.lines()
    assert [line["event"] for line in lines] == ["refused"] * 4
    assert [line.get("key") for line in lines] == [issued.key, None, None, None]
    assert [line["how"] for line in lines] == ["bearer"] * 3 + ["token"]
    assert lines[3]["reason"] == "no issuer of tokens is trusted"
    text = (house.folder / "audit.jsonl").read_text()
    assert issued.secret not in text
    assert "wrong-secret" not in text


async def test_a_revoked_keys_connections_are_closed(house: House) -> None:
    first, second = house.key(), house.key()
    gate = house.gate()
    visitors = {issued.key: Visitor() for issued in (first, second)}
    async with running(gate):
        for issued in (first, second):
            gate.enter(visitors[issued.key], gate.bearer(bearer(issued), HERE))
        house.locker.keys.revoke(first.key, START)
        await until(lambda: bool(visitors[first.key].closed))
        assert visitors[first.key].closed[0][0] is CloseCode.KEY_REVOKED
        assert not visitors[second.key].closed
        with pytest.raises(Refusal):
            gate.bearer(bearer(first), HERE)
        house.locker.keys.rotate(second.key)
        await until(lambda: bool(visitors[second.key].closed))
    closed = [line for line in house.lines() if line["event"] == "closed"]
    assert [line["target"] for line in closed] == [first.key, second.key]


async def test_an_expired_keys_connections_are_closed(house: House) -> None:
    issued = house.key(expires_us=START + 10 * S)
    gate = house.gate()
    visitor = Visitor()
    async with running(gate):
        gate.enter(visitor, gate.bearer(bearer(issued), HERE))
        await polled(house)
        assert not visitor.closed
        house.clock.now_us = START + 11 * S
        await until(lambda: bool(visitor.closed))
        assert visitor.closed[0][0] is CloseCode.KEY_REVOKED


async def test_a_key_made_beside_the_server_signs_in(house: House) -> None:
    gate = house.gate()
    async with running(gate):
        issued = house.key()
        await until(lambda: gate.has_keys)
        gate.bearer(bearer(issued), HERE)


async def test_a_login_used_before_a_restart_is_not_good_again(house: House) -> None:
    issued = house.key()
    first = house.gate()
    async with running(first):
        first.login(signed(issued), HERE)
    house.clock.now_us += 5 * S
    again = house.gate()
    with pytest.raises(Refusal) as raised:
        again.login(signed(issued), HERE)
    assert raised.value.code is Code.BAD_SIGNATURE
    again.login(signed(issued, START + 1), HERE)


async def test_a_database_that_cannot_be_read_shows_nobody_out(house: House) -> None:
    issued = house.key()
    gate = house.gate()
    visitor = Visitor()
    async with running(gate):
        gate.enter(visitor, gate.bearer(bearer(issued), HERE))
        with (house.folder / "keys.db").open("r+b") as file:
            file.write(b"\0" * 100)
        await polled(house)
        assert not visitor.closed


def test_a_key_has_room_for_so_many_connections(house: House) -> None:
    gate = house.gate(Settings(limits=Limits(connections_per_key=2)))
    alice = Principal("alice", "k1", frozenset())
    visitors = [Visitor(), Visitor()]
    for visitor in visitors:
        assert gate.has_room(alice)
        gate.enter(visitor, alice)
    assert not gate.has_room(alice)
    assert gate.has_room(GUEST)
    gate.leave(visitors[0], alice)
    assert gate.has_room(alice)


def test_connections_of_a_key_share_one_bucket_while_any_is_here(house: House) -> None:
    gate = house.gate()
    alice = Principal("alice", "k1", frozenset())
    first, second = Visitor(), Visitor()
    bucket = gate.enter(first, alice)
    assert bucket is not None
    assert gate.enter(second, alice) is bucket
    gate.leave(first, alice)
    gate.leave(second, alice)
    assert gate.enter(first, alice) is not bucket
    assert gate.enter(second, GUEST) is None
    gate.leave(second, GUEST)


@pytest.mark.parametrize(
    ("market", "is_home", "anonymous"),
    [
        ("auto", True, GUEST),
        ("auto", False, STRANGER),
        ("key", True, STRANGER),
        ("open", False, GUEST),
    ],
)
def test_who_nobody_is(
    house: House, market: Literal["auto", "key", "open"], is_home: bool, anonymous: Principal
) -> None:
    gate = house.gate(Settings(auth=Auth(market=market)))
    assert gate.anonymous(at_home=is_home) is anonymous


def test_the_first_run_has_a_demo_account_with_play_money(house: House) -> None:
    assert house.gate().demo is DEMO
    assert house.gate().demo is DEMO
    assert [(given.account, given.asset) for given in house.locker.keys.deposits()] == [("demo", "USDT")]
    assert Scope.ADMIN not in DEMO.scopes


def test_there_is_no_demo_where_others_can_reach_it(house: House) -> None:
    assert house.gate(is_home=False).demo is None
    assert house.locker.keys.deposits() == []


def test_there_is_no_demo_once_there_are_keys(house: House) -> None:
    house.key()
    assert house.gate().demo is None


def test_a_secret_of_the_issuer_that_others_may_read_is_refused(house: House, tmp_path: Path) -> None:
    path = tmp_path / "shared"
    trusting = Settings(auth=Auth(jwt=Jwt(issuer="i", audience="a", secret_file=str(path))))
    with pytest.raises(SettingsError, match=r"secret_file.*shared"):
        house.gate(trusting)
    path.write_bytes(SHARED)
    path.chmod(0o644)
    with pytest.raises(SettingsError, match="others may read it"):
        house.gate(trusting)


async def test_a_request_is_no_sign_in(house: House) -> None:
    issued = house.key()
    gate = house.gate()
    async with running(gate):
        assert gate.request(bearer(issued), HERE).key == issued.key
        with pytest.raises(Refusal):
            gate.request("a.b", HERE)
    assert [(line["event"], line["how"]) for line in house.lines()] == [("refused", "request")]

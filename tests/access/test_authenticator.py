from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal, TypeAlias

import jwt
import pytest

from floorwire.access import authenticator as authenticator_module
from floorwire.access.authenticator import DEMO, Authenticator
from floorwire.auth.failure_throttle import FREE
from floorwire.auth.grant import Grant
from floorwire.clock import HOLD_US, LOOK_US
from floorwire.config import AuthSettings, JwtSettings, LimitSettings, Settings, SettingsError
from floorwire.core.authorization import ANONYMOUS, ANONYMOUS_MARKET, Principal, Scope
from floorwire.core.codes import CloseCode, Code
from floorwire.core.refusal import Refusal
from floorwire.protocol.requests import Login, login_signature
from floorwire.storage.data_dir import DataDir
from floorwire.storage.key_store import Issued
from tests.auth.issuer import SHARED
from tests.clocks import Times, following
from tests.storage.rotation import rotate

HERE = "192.0.2.7"
START = 1_800_000_000_000_000
S = 1_000_000
Line: TypeAlias = "dict[str, str | int]"


class Now:
    """A time that stands until it is moved."""

    def __init__(self) -> None:
        self.now_us = START
        self.looked = 0

    def __call__(self) -> int:
        self.looked += 1
        return self.now_us


class FakeConnection:
    """A connection that records how it was closed."""

    def __init__(self) -> None:
        self.closed: list[tuple[CloseCode, str]] = []

    def close(self, code: CloseCode, reason: str) -> None:
        self.closed.append((code, reason))


class SignInHarness:
    """A data folder, and authenticators on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = Now()
        self.data_dir = DataDir(folder, {})

    def authenticator(self, settings: Settings | None = None, *, is_local: bool = True) -> Authenticator:
        return Authenticator(settings or Settings(), self.data_dir, following(self.clock), is_local=is_local)

    def key(self, *, expires_us: int | None = None, symbols: tuple[str, ...] | None = None) -> Issued:
        grant = Grant("alice", (Scope.MARKET, Scope.TRADE), symbols=symbols, expires_us=expires_us)
        return self.data_dir.keys.create(grant, {}, self.clock())

    def lines(self) -> list[Line]:
        return [json.loads(line) for line in (self.folder / "audit.jsonl").read_text().splitlines()]


@pytest.fixture
def harness(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SignInHarness:
    monkeypatch.setattr(authenticator_module, "POLL_S", 0.01)
    return SignInHarness(tmp_path)


@asynccontextmanager
async def running(authenticator: Authenticator) -> AsyncIterator[None]:
    task = asyncio.create_task(authenticator.run())
    await asyncio.sleep(0)
    yield
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not true():
            await asyncio.sleep(0.005)


async def polled(harness: SignInHarness) -> None:
    """Wait until the authenticator has polled several times. Each poll reads the clock."""
    looked = harness.clock.looked
    await until(lambda: harness.clock.looked >= looked + 3)


def bearer(issued: Issued) -> str:
    return f"{issued.key}.{issued.secret}"


def signed(issued: Issued, ts_us: int = START) -> Login:
    return Login(key=issued.key, ts=ts_us, signature=login_signature(issued.secret, ts_us))


async def test_every_way_in_is_in_the_record(harness: SignInHarness, tmp_path: Path) -> None:
    issued = harness.key()
    secret = tmp_path / "shared"
    secret.write_bytes(SHARED)
    secret.chmod(0o600)
    trusting = AuthSettings(jwt=JwtSettings(issuer="i", audience="a", secret_file=str(secret)))
    authenticator = harness.authenticator(Settings(auth=trusting))
    token = jwt.encode({"iss": "i", "aud": "a", "sub": "bob", "exp": START // S + 60}, SHARED, "HS256")
    async with running(authenticator):
        alice = authenticator.verify_bearer(bearer(issued), HERE)
        assert authenticator.login(signed(issued), HERE) is alice
        ticket = authenticator.issue_ticket(alice, HERE)
        assert ticket.expires == START + 30 * S
        assert authenticator.redeem_ticket(ticket.ticket, HERE) is alice
        assert authenticator.login(Login(token=token), HERE).account == "bob"
    recorded = [(line["event"], line.get("how"), line["account"], line["key"]) for line in harness.lines()]
    assert recorded == [
        ("sign_in", "bearer", "alice", issued.key),
        ("sign_in", "signature", "alice", issued.key),
        ("ticket", None, "alice", issued.key),
        ("sign_in", "ticket", "alice", issued.key),
        ("sign_in", "token", "bob", "jwt:bob"),
    ]
    text = (harness.folder / "audit.jsonl").read_text()
    for secret_text in (issued.secret, ticket.ticket, token):
        assert secret_text not in text


@pytest.mark.parametrize(
    "request_",
    [Login(), Login(key="k"), Login(key="k", ts=1), Login(token="t", key="k"), Login(ts=1, signature="s")],
)
def test_half_a_login_is_a_bad_request(harness: SignInHarness, request_: Login) -> None:
    with pytest.raises(Refusal) as raised:
        harness.authenticator().login(request_, HERE)
    assert raised.value.code is Code.BAD_REQUEST


async def test_refusals_are_recorded_without_what_may_be_a_secret(harness: SignInHarness) -> None:
    issued = harness.key()
    authenticator = harness.authenticator()
    async with running(authenticator):
        for text in (f"{issued.key}.wrong-secret", issued.secret, f"{issued.secret}.{issued.key}"):
            with pytest.raises(Refusal):
                authenticator.verify_bearer(text, HERE)
        with pytest.raises(Refusal):
            authenticator.login(Login(token="not.a.token"), HERE)
    lines = harness.lines()
    assert [line["event"] for line in lines] == ["refused"] * 4
    assert [line.get("key") for line in lines] == [issued.key, None, None, None]
    assert [line["how"] for line in lines] == ["bearer"] * 3 + ["token"]
    assert lines[3]["reason"] == "no issuer of tokens is trusted"
    text = (harness.folder / "audit.jsonl").read_text()
    assert issued.secret not in text
    assert "wrong-secret" not in text


async def test_a_revoked_keys_connections_are_closed(harness: SignInHarness) -> None:
    first, second = harness.key(), harness.key()
    authenticator = harness.authenticator()
    connections = {issued.key: FakeConnection() for issued in (first, second)}
    async with running(authenticator):
        for issued in (first, second):
            authenticator.add_session(
                connections[issued.key], authenticator.verify_bearer(bearer(issued), HERE)
            )
        harness.data_dir.keys.revoke(first.key, START)
        await until(lambda: bool(connections[first.key].closed))
        assert connections[first.key].closed[0][0] is CloseCode.KEY_REVOKED
        assert not connections[second.key].closed
        with pytest.raises(Refusal):
            authenticator.verify_bearer(bearer(first), HERE)
        rotate(harness.data_dir.keys, second.key)
        await until(lambda: bool(connections[second.key].closed))
    closed = [line for line in harness.lines() if line["event"] == "closed"]
    assert [line["target"] for line in closed] == [first.key, second.key]


async def test_an_expired_keys_connections_are_closed(harness: SignInHarness) -> None:
    issued = harness.key(expires_us=START + 10 * S)
    authenticator = harness.authenticator()
    connection = FakeConnection()
    async with running(authenticator):
        authenticator.add_session(connection, authenticator.verify_bearer(bearer(issued), HERE))
        await polled(harness)
        assert not connection.closed
        harness.clock.now_us = START + 11 * S
        await until(lambda: bool(connection.closed))
        assert connection.closed[0][0] is CloseCode.KEY_REVOKED


async def test_a_key_made_beside_the_server_signs_in(harness: SignInHarness) -> None:
    authenticator = harness.authenticator()
    async with running(authenticator):
        issued = harness.key()
        await until(lambda: authenticator.has_keys)
        authenticator.verify_bearer(bearer(issued), HERE)


async def test_a_login_used_before_a_restart_is_not_good_again(harness: SignInHarness) -> None:
    issued = harness.key()
    first = harness.authenticator()
    written: list[bool] = []
    async with running(first):
        for ts in (START, START + 20 * S):
            first.login(signed(issued, ts), HERE)
        first.when_durable(written.append)
        await until(lambda: bool(written))
    assert written == [True]
    (harness.folder / "audit.jsonl").unlink()
    harness.clock.now_us += 5 * S
    again = harness.authenticator()
    for ts, code in ((START, Code.CLOCK_SKEW), (START + 20 * S, Code.BAD_SIGNATURE)):
        with pytest.raises(Refusal) as raised:
            again.login(signed(issued, ts), HERE)
        assert raised.value.code is code
    again.login(signed(issued, START + 5 * S), HERE)


async def test_a_database_that_cannot_be_read_shows_nobody_out(harness: SignInHarness) -> None:
    issued = harness.key()
    authenticator = harness.authenticator()
    connection = FakeConnection()
    async with running(authenticator):
        authenticator.add_session(connection, authenticator.verify_bearer(bearer(issued), HERE))
        with (harness.folder / "keys.db").open("r+b") as file:
            file.write(b"\0" * 100)
        await polled(harness)
        assert not connection.closed


def test_a_key_has_room_for_so_many_connections(harness: SignInHarness) -> None:
    authenticator = harness.authenticator(Settings(limits=LimitSettings(connections_per_key=2)))
    alice = Principal("alice", "k1", frozenset())
    connections = [FakeConnection(), FakeConnection()]
    for connection in connections:
        assert authenticator.has_room(alice)
        authenticator.add_session(connection, alice)
    assert not authenticator.has_room(alice)
    assert authenticator.has_room(ANONYMOUS_MARKET)
    authenticator.remove_session(connections[0], alice)
    assert authenticator.has_room(alice)


def test_connections_of_a_key_share_one_bucket_while_any_is_here(harness: SignInHarness) -> None:
    authenticator = harness.authenticator()
    alice = Principal("alice", "k1", frozenset())
    first, second = FakeConnection(), FakeConnection()
    bucket = authenticator.add_session(first, alice)
    assert bucket is not None
    assert authenticator.add_session(second, alice) is bucket
    authenticator.remove_session(first, alice)
    authenticator.remove_session(second, alice)
    assert authenticator.add_session(first, alice) is not bucket
    assert authenticator.add_session(second, ANONYMOUS_MARKET) is None
    authenticator.remove_session(second, ANONYMOUS_MARKET)


@pytest.mark.parametrize(
    ("market", "is_local", "anonymous"),
    [
        ("auto", True, ANONYMOUS_MARKET),
        ("auto", False, ANONYMOUS),
        ("key", True, ANONYMOUS),
        ("open", False, ANONYMOUS_MARKET),
    ],
)
def test_who_nobody_is(
    harness: SignInHarness, market: Literal["auto", "key", "open"], is_local: bool, anonymous: Principal
) -> None:
    authenticator = harness.authenticator(Settings(auth=AuthSettings(market=market)))
    assert authenticator.anonymous(is_local=is_local) is anonymous


def test_the_first_run_has_a_demo_account_with_play_money(harness: SignInHarness) -> None:
    assert harness.authenticator().demo is DEMO
    assert harness.authenticator().demo is DEMO
    assert [(given.account, given.asset) for given in harness.data_dir.keys.deposits()] == [("demo", "USDT")]
    assert Scope.ADMIN not in DEMO.scopes


def test_there_is_no_demo_where_others_can_reach_it(harness: SignInHarness) -> None:
    assert harness.authenticator(is_local=False).demo is None
    assert harness.data_dir.keys.deposits() == []


def test_there_is_no_demo_once_there_are_keys(harness: SignInHarness) -> None:
    harness.key()
    assert harness.authenticator().demo is None


def test_a_secret_of_the_issuer_that_others_may_read_is_refused(
    harness: SignInHarness, tmp_path: Path
) -> None:
    path = tmp_path / "shared"
    trusting = Settings(auth=AuthSettings(jwt=JwtSettings(issuer="i", audience="a", secret_file=str(path))))
    with pytest.raises(SettingsError, match=r"secret_file.*shared"):
        harness.authenticator(trusting)
    path.write_bytes(SHARED)
    path.chmod(0o644)
    with pytest.raises(SettingsError, match=r"others may read or change it; .* chmod 600 .*shared"):
        harness.authenticator(trusting)


async def test_a_request_is_no_sign_in(harness: SignInHarness) -> None:
    issued = harness.key()
    authenticator = harness.authenticator()
    async with running(authenticator):
        assert authenticator.verify_request(bearer(issued), HERE).key == issued.key
        with pytest.raises(Refusal):
            authenticator.verify_request("a.b", HERE)
    assert [(line["event"], line["how"]) for line in harness.lines()] == [("refused", "request")]


async def test_a_login_is_not_good_again_when_the_clock_is_set_back_to_it(harness: SignInHarness) -> None:
    times, issued = Times(START), harness.key()
    authenticator = Authenticator(Settings(), harness.data_dir, times.clock(), is_local=True)
    used = signed(issued, START)
    authenticator.login(used, HERE)
    for _ in range(2):  # so long that it is forgotten
        times.sleep(40 * S)
        authenticator.login(signed(issued, times.system_us), HERE)
    times.step(-80 * S)
    times.sleep(LOOK_US)
    authenticator.verify_bearer(bearer(issued), HERE)
    times.sleep(HOLD_US)
    times.step(-HOLD_US)
    assert abs(times.system_us - START) < S, "it is the date of the login again"
    with pytest.raises(Refusal) as raised:
        authenticator.login(used, HERE)
    assert raised.value.code is Code.BAD_SIGNATURE
    assert "used before" in raised.value.message
    authenticator.login(signed(issued, times.system_us + 1), HERE)


async def test_waits_of_who_failed_are_no_longer_when_the_clock_is_set_back(harness: SignInHarness) -> None:
    times, issued = Times(START), harness.key()
    authenticator = Authenticator(Settings(), harness.data_dir, times.clock(), is_local=True)
    for _ in range(FREE + 1):
        with pytest.raises(Refusal):
            authenticator.verify_request(f"{issued.key}.wrong", HERE)
    times.step(-3_600 * S)
    with pytest.raises(Refusal) as raised:
        authenticator.verify_request(bearer(issued), HERE)
    wait_us = raised.value.wait_us or 0
    assert 0 < wait_us <= S
    times.sleep(wait_us)
    authenticator.verify_request(bearer(issued), HERE)


@pytest.mark.parametrize("step_us", [3_600 * S, -3_600 * S])
async def test_a_ticket_is_good_for_as_long_as_it_says(harness: SignInHarness, step_us: int) -> None:
    times, issued = Times(START), harness.key()
    authenticator = Authenticator(Settings(), harness.data_dir, times.clock(), is_local=True)
    alice = authenticator.verify_bearer(bearer(issued), HERE)
    ticket = authenticator.issue_ticket(alice, HERE)
    late = authenticator.issue_ticket(alice, HERE)
    times.step(step_us)
    times.sleep(29 * S)
    assert authenticator.redeem_ticket(ticket.ticket, HERE) is alice
    times.sleep(2 * S)
    with pytest.raises(Refusal):
        authenticator.redeem_ticket(late.ticket, HERE)

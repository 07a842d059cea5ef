"""Attacks on sign-in, over real connections: replays across a restart, and failures that lock others out."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
import websockets

from floorwire.core.codes import CloseCode
from floorwire.storage.key_store import Issued
from tests.cli.operator import disk_full
from tests.e2e.sign_in_servers import KeyedServer, admin, ask, closed, keyed_server, login, now_us
from tests.servers import floorwire

AHEAD_US = 20_000_000
"""How far a client's clock is ahead: its login is in time for as long after it was used."""

SHARED = "127.0.0.44"
"""An address that an owner of a key shares with strangers."""


@pytest.mark.parametrize("off_us", [0, pytest.param(AHEAD_US, marks=pytest.mark.slow)])
async def test_a_login_used_just_before_kill_9_is_not_good_after_it(tmp_path: Path, off_us: int) -> None:
    with keyed_server(tmp_path, "--seed", "1") as first:
        issued = await first.key()
        used = login(issued, now_us() + off_us)
        async with first.connect() as ws:
            assert (await ask(ws, **used))["status"] == "ok"
            first.server.signal(signal.SIGKILL)
            first.server.wait()
    with floorwire("--data", str(tmp_path), "--seed", "1") as again:
        server = KeyedServer(again, tmp_path, issued)
        async with server.connect() as ws:
            assert (await ask(ws, **used))["code"] in ("bad_signature", "clock_skew")
            assert (await ask(ws, **login(issued)))["status"] == "ok"


async def test_nothing_rests_on_the_audit_log(tmp_path: Path) -> None:
    with keyed_server(tmp_path, "--seed", "1") as first:
        issued = await first.key()
        used = [login(issued, now_us() + off_us) for off_us in (0, AHEAD_US)]
        async with first.connect() as ws:
            for request in used:
                assert (await ask(ws, **request))["status"] == "ok"
    (tmp_path / "audit.jsonl").rename(tmp_path / "audit.jsonl.1")
    with floorwire("--data", str(tmp_path), "--seed", "1") as again:
        server = KeyedServer(again, tmp_path, issued)
        async with server.connect() as ws:
            before, ahead = [await ask(ws, **request) for request in used]
            assert (before["code"], before["retry"]) == ("clock_skew", True)
            assert list(before["details"]) == ["server_ts"]  # type: ignore[arg-type]
            assert ahead["code"] == "bad_signature"
            assert (await ask(ws, **login(issued)))["status"] == "ok"


async def test_a_full_disk_stops_no_signed_login(tmp_path: Path) -> None:
    with keyed_server(tmp_path, "--seed", "1") as made, disk_full(made.server):
        async with made.connect() as ws:
            for _ in range(3):
                assert (await ask(ws, **login(made.root)))["status"] == "ok"


async def test_what_is_sent_behind_a_login_is_done_as_who_signed_in(tmp_path: Path) -> None:
    with keyed_server(tmp_path, "--seed", "1", "--set", "auth.market=key") as made:
        issued = await made.key()
        async with made.connect() as ws:
            for request in (
                {"action": "symbols", "id": 1},
                {**login(issued), "id": 2},
                {"action": "symbols", "id": 3},
                {**login(issued, now_us() + AHEAD_US), "id": 4},
                {"action": "ping", "id": 5},
            ):
                await ws.send(json.dumps(request))
            answers = [json.loads(await ws.recv()) for _ in range(5)]
    assert [(answer["id"], answer["status"]) for answer in answers] == [
        (1, "error"),
        (2, "ok"),
        (3, "ok"),
        (4, "ok"),
        (5, "pong"),
    ]


async def test_strangers_do_not_lock_a_key_out_of_a_server_that_has_just_started(tmp_path: Path) -> None:
    owner = admin(tmp_path)
    with floorwire("--data", str(tmp_path), "--seed", "1") as started:
        server = KeyedServer(started, tmp_path, owner)
        for number in range(40):
            with pytest.raises(websockets.InvalidStatus, match="401"):
                await server.connect(
                    headers={"Authorization": f"Bearer {owner.key}.wrong"}, local=f"127.0.1.{number // 8}"
                )
        async with server.connect(owner) as ws:
            assert (await ask(ws, action="ping"))["status"] == "pong"


async def test_strangers_at_the_owners_address_lock_out_neither_its_key_nor_its_tickets(
    tmp_path: Path,
) -> None:
    """They are behind one proxy, say. The owner has signed in from there before."""
    with keyed_server(tmp_path, "--seed", "1") as made:
        owner = await made.key()
        async with made.connect(owner, local=SHARED) as ws:
            assert (await ask(ws, action="ping"))["status"] == "pong"
        ticket = await asyncio.to_thread(ticket_of, made, owner)
        async with made.connect(local=SHARED) as stranger:
            for number in range(60):
                for wrong in (
                    {"token": "a.b.c"},
                    {"token": f"{number}"},
                    {"key": owner.key, "ts": now_us(), "signature": "00"},
                    {"key": f"fw{number:016x}", "ts": now_us(), "signature": "00"},
                ):
                    said = await ask(stranger, action="login", **wrong)
                    assert said["code"] in ("bad_signature", "rate_limited")
        for _ in range(12):
            async with made.connect(path="/ws?ticket=wrong", local=SHARED) as ws:
                assert await closed(ws) in (CloseCode.BAD_CREDENTIALS, CloseCode.RATE)
        wrong = {"Authorization": f"Bearer {owner.key}.wrong"}
        for _ in range(20):  # each one that fails makes the wait twice as long
            with pytest.raises(websockets.InvalidStatus, match=r"401|429") as refused:
                await made.connect(headers=wrong, local=SHARED)
            if refused.value.response.status_code == 429:
                break
        assert refused.value.response.status_code == 429
        async with made.connect(owner, local=SHARED) as ws:
            assert (await ask(ws, action="ping"))["status"] == "pong"
            assert (await ask(ws, **login(owner)))["status"] == "ok"
        async with made.connect(path=f"/ws?ticket={ticket}", local=SHARED) as ws:
            assert (await ask(ws, action="ping"))["status"] == "pong"


def ticket_of(made: KeyedServer, owner: Issued) -> str:
    """Return a ticket of the key."""
    headers = {"authorization": f"Bearer {owner.key}.{owner.secret}"}
    with urlopen(Request(made.server.http("/api/v1/tickets"), headers=headers, method="POST")) as answer:
        said: dict[str, str] = json.load(answer)
    return said["ticket"]

"""Keys of a running server: made, changed and replaced by others, seen from outside."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request

import pytest
import websockets

from floorwire.auth.grant import Grant
from floorwire.core.authorization import Scope
from floorwire.storage.key_store import Issued
from tests.e2e.sign_in_servers import KeyedServer, ask, closed, keyed_server, login, now_us, until
from tests.forked_python import run
from tests.storage.rotation import rotate

BOB = Grant("bob", (Scope.MARKET,))
LIMITS = ("--set", "limits.logins_per_second_per_key=1000")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeyedServer]:
    with keyed_server(tmp_path_factory.mktemp("data"), "--seed", "1", *LIMITS) as server:
        yield server


async def signs_in(at: KeyedServer, issued: Issued, local: str = "127.0.0.20") -> bool:
    """Return whether the handshake is accepted, now."""
    try:
        async with at.connect(issued, local=local) as ws:
            return (await ask(ws, action="ping"))["status"] == "pong"
    except websockets.InvalidStatus as refused:
        return refused.response.status_code != 401


def get(at: KeyedServer, path: str, issued: Issued) -> tuple[int, str]:
    """Return the status and the body of a request with this key."""
    request = Request(at.server.http(path), headers={"authorization": f"Bearer {issued.key}.{issued.secret}"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as refused:
        return refused.code, refused.read().decode()


def keys_command(at: KeyedServer, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``floorwire keys``."""
    return run("-m", "floorwire", "keys", *arguments, "--data", str(at.folder))


def write(at: KeyedServer, statement: str, *values: object) -> None:
    """Write into keys.db, as somebody without the master key can."""
    with closing(sqlite3.connect(at.folder / "keys.db", isolation_level=None)) as rows:
        rows.execute(statement, values)


def copy(file: Path, to: Path) -> None:
    """Copy, in another process: SQLite's locks of this one would end when it closes the file."""
    subprocess.run(["cp", file, to], check=True)


async def revoke(at: KeyedServer, issued: Issued) -> None:
    """Revoke the key, and wait until the server has seen it."""
    async with at.connect(issued, local="127.0.0.29") as ws:
        at.keys.revoke(issued.key, now_us())
        assert await closed(ws) == 4501
    assert not await signs_in(at, issued, "127.0.0.29")


@asynccontextmanager
async def watching(at: KeyedServer, issued: Issued) -> AsyncIterator[websockets.ClientConnection]:
    """Connect as somebody whom nothing of this concerns."""
    async with at.connect(issued, local="127.0.0.30") as ws:
        yield ws
        assert (await ask(ws, action="ping"))["status"] == "pong"


async def test_a_key_made_beside_the_server_signs_in_at_once_in_every_way(made: KeyedServer) -> None:
    async with made.connect(local="127.0.0.21") as ws:
        for number in range(5):
            assert await signs_in(made, made.keys.create(BOB, {}, now_us()), f"127.0.1.{number + 1}")
            issued = made.keys.create(BOB, {}, now_us())
            assert get(made, "/api/v1/keys", issued)[0] == 403, "known, and no admin"
            said = await ask(ws, **login(made.keys.create(BOB, {}, now_us())))
            assert said["status"] == "ok", said


async def test_a_new_secret_is_good_at_once(made: KeyedServer) -> None:
    issued = await made.key()
    for number in range(3):
        issued = rotate(made.keys, issued.key)
        assert await signs_in(made, issued, f"127.0.2.{number + 1}")


async def test_requests_are_answered_while_a_login_waits_for_the_keys(made: KeyedServer) -> None:
    async with made.connect(local="127.0.0.22") as ws:
        wrong = login(Issued("fw0123456789abcdef", "wrong"))
        await ws.send(json.dumps({**wrong, "id": "login"}))
        await ws.send(json.dumps({"action": "ping", "id": "ping"}))
        said = [json.loads(await ws.recv()) for _ in range(2)]
        assert {one["id"]: one.get("code") for one in said} == {"login": "bad_signature", "ping": None}


async def test_a_client_that_leaves_while_it_waits_leaves_nothing(made: KeyedServer) -> None:
    before = made.server.sockets()
    for _ in range(20):
        ws = await made.connect(local="127.0.0.23")
        await ws.send(json.dumps(login(Issued("fw0123456789abcdef", "wrong"))))
        ws.transport.abort()
    await until(lambda: made.server.sockets() <= before)


@pytest.mark.parametrize(("old", "new"), [('"a0"', '"a1"'), ('"market"', '"admin"')])
async def test_a_row_that_somebody_changed_opens_nothing_and_is_told_of(
    made: KeyedServer, old: str, new: str
) -> None:
    issued, other = await made.key(Grant("a0", (Scope.MARKET,))), await made.key()
    async with watching(made, other), made.connect(issued, local="127.0.0.24") as ws:
        change = "UPDATE keys SET allows = CAST(replace(CAST(allows AS TEXT), ?, ?) AS BLOB) WHERE id = ?"
        write(made, change, old, new, issued.key)
        assert await closed(ws) == 4501
        assert not await signs_in(made, issued, "127.0.0.25")
        assert get(made, "/api/v1/keys", issued)[0] == 401
        await revoke(made, await made.key())  # Other changes are seen.
    assert f"the row of key '{issued.key}' was changed by somebody else" in made.server.log
    assert 'floorwire_key_store_faults{fault="unverified"} 1.0' in get(made, "/metrics", other)[1]
    listed = keys_command(made, "list", "--json")
    assert (listed.returncode, issued.key in listed.stderr, issued.key in listed.stdout) == (1, True, False)
    accepted = keys_command(made, "accept")
    assert (accepted.returncode, issued.key in accepted.stdout) == (0, True), accepted.stderr
    assert keys_command(made, "list").returncode == 0
    assert await signs_in(made, other)


async def test_a_revoked_key_whose_old_row_is_put_back_stays_revoked(made: KeyedServer) -> None:
    issued = await made.key()
    with closing(sqlite3.connect(made.folder / "keys.db")) as rows:
        row = rows.execute("SELECT * FROM keys WHERE id = ?", (issued.key,)).fetchone()
    assert await signs_in(made, issued, "127.0.0.27")
    await revoke(made, issued)
    write(made, f"REPLACE INTO keys VALUES ({','.join('?' * len(row))})", *row)
    await until(lambda: "older rows were put back" in made.server.log)
    assert not await signs_in(made, issued, "127.0.0.28")
    assert keys_command(made, "list").returncode == 1
    made.keys.accept()


async def test_a_deposit_that_somebody_wrote_credits_nothing(made: KeyedServer) -> None:
    issued = made.keys.create(Grant("carol", (Scope.ACCOUNT,)), {"USDT": "5"}, now_us())
    write(
        made,
        "INSERT INTO deposits SELECT 9999, account, asset, '1000000', created_us, tag FROM deposits LIMIT 1",
    )
    await until(lambda: "a deposit's row was changed by somebody else" in made.server.log)
    balances = json.loads(get(made, "/api/v1/balances", issued)[1])["balances"]
    assert [(row["asset"], row["available"]) for row in balances] == [("USDT", "5")]
    assert 'floorwire_key_store_faults{fault="unverified_deposits"} 1.0' in get(made, "/metrics", issued)[1]


async def test_a_keys_database_that_is_replaced_or_gone_is_noticed(tmp_path: Path) -> None:
    with keyed_server(tmp_path / "data", "--seed", "1") as at:
        first = await at.key()
        async with watching(at, first):
            with closing(sqlite3.connect(at.folder / "keys.db")) as one:
                one.execute("VACUUM INTO ?", (str(tmp_path / "copy"),))
            os.replace(tmp_path / "copy", at.folder / "keys.db")
            for name in ("keys.db-wal", "keys.db-shm"):
                (at.folder / name).unlink(missing_ok=True)
            await until(lambda: "replaced by another file" in at.server.log)
            made = at.keys.create(BOB, {}, now_us())
            assert await signs_in(at, made)
            shutil.move(at.folder / "keys.db", tmp_path / "away")
            await until(lambda: "changes of keys cannot be seen" in at.server.log)
            assert await signs_in(at, first), "the known keys hold"
            assert not (at.folder / "keys.db").exists()
            faults = get(at, "/metrics", first)[1]
            assert 'floorwire_key_store_faults{fault="unreadable"} 1.0' in faults


async def test_a_keys_database_that_is_overwritten_in_place_is_noticed(tmp_path: Path) -> None:
    """``cp old keys.db``: the same file, with rows that SQLite was told nothing of."""
    with keyed_server(tmp_path / "data", "--seed", "1") as at:
        bob = at.keys.create(BOB, {}, now_us())
        assert await signs_in(at, bob)
        with closing(sqlite3.connect(at.folder / "keys.db")) as one:
            one.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            copy(at.folder / "keys.db", tmp_path / "old")
            at.keys.revoke(bob.key, now_us())
            one.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        await until(lambda: get(at, "/api/v1/keys", bob)[0] == 401)  # The server has seen it.
        inode = (at.folder / "keys.db").stat().st_ino
        copy(tmp_path / "old", at.folder / "keys.db")
        assert (at.folder / "keys.db").stat().st_ino == inode
        await until(lambda: "keys.db was tampered with" in at.server.log)
        assert not await signs_in(at, bob), "the running server knows the newer row"


def test_a_key_is_not_rotated_if_its_new_secret_could_not_be_shown(made: KeyedServer) -> None:
    issued = made.keys.create(BOB, {}, now_us())
    command = [sys.executable, "-m", "floorwire", "keys", "rotate", issued.key, "--data", str(made.folder)]
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, timeout=60, check=False)
    assert ended.returncode == 2, ended.stderr
    assert get(made, "/api/v1/keys", issued)[0] == 403, "the old secret is good"


def test_a_key_is_not_made_if_its_secret_could_not_be_shown(made: KeyedServer) -> None:
    before = made.keys.list_keys(), made.keys.deposits()
    command = [sys.executable, "-m", "floorwire", "keys", "create", "--data", str(made.folder)]
    command += ["--account", "dave", "--scopes", "market", "--deposit", "USDT=5"]
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, timeout=60, check=False)
    assert ended.returncode == 2, ended.stderr
    assert (made.keys.list_keys(), made.keys.deposits()) == before


def test_a_rotation_killed_before_the_secret_was_read_changed_nothing(made: KeyedServer) -> None:
    issued = made.keys.create(BOB, {}, now_us())
    command = [sys.executable, "-m", "floorwire", "keys", "rotate", issued.key, "--data", str(made.folder)]
    read, write_end = os.pipe()
    os.set_blocking(write_end, False)
    with suppress(BlockingIOError):
        while True:
            os.write(write_end, b"x" * 4_096)
    os.set_blocking(write_end, True)
    before = made.keys.find(issued.key)
    process = subprocess.Popen(command, stdout=write_end)
    ends_s = time.monotonic() + 5  # Not every system tells where a process waits.
    while "pipe_write" not in Path(f"/proc/{process.pid}/wchan").read_text() and time.monotonic() < ends_s:
        assert process.poll() is None
        time.sleep(0.02)
    process.kill()
    process.wait()
    os.close(read)
    os.close(write_end)
    assert made.keys.find(issued.key) == before
    assert get(made, "/api/v1/keys", issued)[0] == 403

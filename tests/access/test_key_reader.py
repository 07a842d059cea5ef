from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterable, Set
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from floorwire.access import key_reader
from floorwire.access.authenticator import Authenticator
from floorwire.access.key_reader import MAX_WAITING, MAX_WAITING_PER_ADDRESS, KeyReader
from floorwire.auth.failure_throttle import FREE
from floorwire.auth.grant import Grant
from floorwire.auth.keyring import Key, Keyring, KeyTable
from floorwire.auth.secret_sealer import SecretSealer
from floorwire.clock import Clock
from floorwire.config import Settings
from floorwire.core.authorization import Scope
from floorwire.core.refusal import Refusal
from floorwire.protocol.requests import Login, login_signature
from floorwire.storage.data_dir import DataDir
from floorwire.storage.database import DatabaseError
from floorwire.storage.key_store import Issued, KeyStore

NOW = 1_800_000_000_000_000
HERE = "192.0.2.7"
GRANT = Grant("alice", (Scope.MARKET,))


class CountingReader(KeyReader):
    """Counts its reads. A read waits for ``gate`` first, in its thread."""

    def __init__(self, store: KeyStore, sealer: SecretSealer) -> None:
        self.ring = Keyring(sealer)
        super().__init__(self.ring, store, lambda _: None)
        self.gate = threading.Event()
        self.gate.set()
        self.reads = 0

    async def refresh(self) -> None:
        self.reads += 1
        await asyncio.to_thread(self.gate.wait)
        await super().refresh()


@pytest.fixture
def data_dir(tmp_path: Path) -> DataDir:
    return DataDir(tmp_path, {})


@pytest.fixture
def reader(data_dir: DataDir) -> CountingReader:
    return CountingReader(data_dir.keys, data_dir.sealer)


@asynccontextmanager
async def running(reader: KeyReader) -> AsyncIterator[None]:
    task = asyncio.create_task(reader.run())
    await asyncio.sleep(0)
    yield
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    reader.close()


async def test_all_who_wait_share_a_read(reader: CountingReader) -> None:
    done: list[int] = []
    async with running(reader):
        for number in range(MAX_WAITING):
            assert reader.after_read(f"10.0.{number >> 8}.{number & 255}", partial(done.append, number))
        async with asyncio.timeout(30):
            while len(done) < MAX_WAITING:
                await asyncio.sleep(0.001)
    assert done == list(range(MAX_WAITING))
    assert reader.reads == 1


async def test_who_comes_during_a_read_waits_for_the_next(reader: CountingReader, data_dir: DataDir) -> None:
    reader.gate.clear()
    seen: list[int] = []
    async with running(reader):
        assert reader.after_read(HERE, lambda: seen.append(len(reader.ring)))
        while not reader.reads:
            await asyncio.sleep(0)
        assert reader.after_read(HERE, lambda: seen.append(len(reader.ring)))
        data_dir.keys.create(GRANT, {}, NOW)
        reader.gate.set()
        async with asyncio.timeout(30):
            while len(seen) < 2:
                await asyncio.sleep(0.001)
    assert seen[1] == 1
    assert reader.reads == 2


async def test_so_many_wait_and_no_more(reader: CountingReader) -> None:
    assert not reader.after_read(HERE, lambda: None), "nobody reads"
    reader.gate.clear()
    async with running(reader):
        for number in range(MAX_WAITING_PER_ADDRESS):
            assert reader.after_read(HERE, lambda: None), number
        assert not reader.after_read(HERE, lambda: None)
        for number in range(MAX_WAITING - MAX_WAITING_PER_ADDRESS):
            assert reader.after_read(f"10.0.{number >> 8}.{number & 255}", lambda: None)
        assert not reader.after_read("10.9.9.9", lambda: None)
        reader.gate.set()


async def test_nobody_waits_for_a_disk_that_stalls(
    reader: CountingReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_reader, "LOOKUP_TIMEOUT_S", 0.05)
    reader.gate.clear()
    async with running(reader):
        for _ in range(2):
            resumed = asyncio.Event()
            assert reader.after_read(HERE, resumed.set)
            async with asyncio.timeout(30):
                await resumed.wait()
        assert reader.reads == 1
        reader.gate.set()


async def test_a_failure_of_one_stops_no_other(reader: CountingReader) -> None:
    failures: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context["exception"]))
    resumed = asyncio.Event()

    def fail() -> None:
        raise ValueError

    async with running(reader):
        assert reader.after_read(HERE, fail)
        assert reader.after_read(HERE, resumed.set)
        async with asyncio.timeout(30):
            await resumed.wait()
    assert len(failures) == 1


async def test_a_database_that_cannot_be_read_is_a_fault_until_it_can(
    reader: CountingReader, tmp_path: Path
) -> None:
    (tmp_path / "keys.db").rename(tmp_path / "away")
    with pytest.raises(DatabaseError, match="gone"):
        await reader.refresh()
    assert reader.faults()["unreadable"] == 1
    (tmp_path / "away").rename(tmp_path / "keys.db")
    await reader.refresh()
    assert reader.faults() == {"unverified": 0, "not_whole": 0, "unreadable": 0}
    reader.close()


async def test_an_unknown_key_and_a_wrong_secret_go_the_same_way(data_dir: DataDir) -> None:
    """The time of a refusal then tells nothing of which keys exist."""
    authenticator = Authenticator(Settings(), data_dir, Clock(), is_local=True)
    issued = data_dir.keys.create(GRANT, {}, NOW)
    wrong = [f"{issued.key}.wrong", f"fw0123456789abcdef.{issued.secret}"]
    async with running(authenticator.keys):
        await authenticator.refresh()
        for text in wrong:
            assert authenticator.read_before_bearer(text, HERE, lambda: None)
        for text in (f"{issued.key}.{issued.secret}", "a.b.c", "nonsense", f"{issued.key}"):
            assert not authenticator.read_before_bearer(text, "10.1.1.1", lambda: None) or "." not in text
        at_us = Clock().wall_us()
        for one in (Issued(issued.key, "wrong"), Issued("fw0123456789abcdef", issued.secret)):
            login = Login(key=one.key, ts=at_us, signature=login_signature(one.secret, at_us))
            assert authenticator.read_before_login(login, HERE, lambda: None)
        late = Login(key=issued.key, ts=1, signature="00")
        assert not authenticator.read_before_login(late, HERE, lambda: None), "refused whoever it is"
        right = Login(key=issued.key, ts=at_us, signature=login_signature(issued.secret, at_us))
        assert not authenticator.read_before_login(right, HERE, lambda: None)
        for _ in range(FREE + 1):
            with pytest.raises(Refusal):
                authenticator.verify_request(wrong[1], "10.2.2.2")
        assert not authenticator.read_before_bearer(wrong[1], "10.2.2.2", lambda: None), (
            "it has to wait anyway"
        )


async def test_the_event_loop_takes_a_table_that_a_thread_made(
    data_dir: DataDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With very many keys to make it takes long, and so it does to free the one before."""
    threads: list[int] = []
    prepare = Keyring.prepare

    def prepare_in(ring: Keyring, keys: Iterable[Key]) -> KeyTable:
        threads.append(threading.get_ident())
        return prepare(ring, keys)

    issued = data_dir.keys.create(GRANT, {}, NOW)
    ended: list[Set[str]] = []
    reader = KeyReader(Keyring(data_dir.sealer), data_dir.keys, ended.append)
    monkeypatch.setattr(Keyring, "prepare", prepare_in)
    data_dir.keys.revoke(issued.key, NOW)
    await reader.refresh()
    await reader.refresh()
    assert ended == [set(), {issued.key}]
    assert len(threads) == 1
    assert threads[0] != threading.get_ident()
    reader.close()

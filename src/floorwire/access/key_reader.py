"""Keeps the keyring as keys.db is, and reads it again before a sign-in is refused.

A key may have been made a moment ago by another process. So who would be refused waits for one more read,
whether the key is unknown or its secret is wrong: the time tells nothing about which keys exist. All who wait
share a read. Reads are in a thread, one at a time, with LOOKUP_GAP_S between them.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Set
from functools import partial
from typing import TypeAlias

import structlog

from floorwire.auth.client_address import network_of
from floorwire.auth.keyring import Keyring, KeyTable
from floorwire.storage.database import DatabaseError
from floorwire.storage.key_store import KeyStore, StoredKeys, UnknownKeyError

MAX_WAITING = 1_000
"""The most sign-ins that wait for a read. More are refused without one."""
MAX_WAITING_PER_ADDRESS = 20
LOOKUP_GAP_S = 0.02
LOOKUP_TIMEOUT_S = 1.0
"""A sign-in waits no longer for a read. On a disk that stalls it is then refused as the known keys say."""

AfterRead: TypeAlias = Callable[[], None]

log = structlog.get_logger("floorwire.keys")


class KeyReader:
    """Reads keys.db into the keyring. ``on_ended`` gets the keys whose sign-ins are no longer valid.

    Raises DatabaseError if it cannot be read at the start.
    """

    def __init__(self, keyring: Keyring, store: KeyStore, on_ended: Callable[[Set[str]], None]) -> None:
        self._keyring = keyring
        self._on_ended = on_ended
        self._watch = store.watch()
        self._confirm_secret = store.confirm_secret
        self._to_confirm: set[str] = set()
        """Keys whose offered secret was shown to us. Bounded by the keys."""
        self._reading = asyncio.Lock()
        self._stored = StoredKeys([], [], is_whole=True, changes=0)
        self._is_readable = True
        self._is_running = False
        self._waiting: list[AfterRead] = []
        self._waiting_by_address: Counter[str] = Counter()
        self._has_waiting = asyncio.Event()
        self.before_change: Callable[[], Awaitable[None]] | None = None
        """Awaited before changed keys count: credits the deposits that came with a new key."""
        for notice in store.notices:
            log.warning(notice)
        found = self._read()
        if found is not None:
            self._set_keys(*found)

    def faults(self) -> Mapping[str, int]:
        """Return what is wrong with keys.db now: a number for each kind, 0 where nothing is wrong."""
        return {
            "unverified": len(self._stored.unverified),
            "not_whole": int(not self._stored.is_whole),
            "unreadable": int(not self._is_readable),
        }

    async def refresh(self) -> None:
        """Read changed keys now. Raises DatabaseError."""
        try:
            async with self._reading:
                await self._confirm()
                found = await asyncio.to_thread(self._read)
                if found is not None:
                    if self.before_change is not None:
                        await self.before_change()
                    before = self._set_keys(*found)
                    del found
                    await asyncio.to_thread(before.entries.clear)
        except DatabaseError as error:
            if self._is_readable:
                log.error("changes of keys cannot be seen", error=str(error))
            self._is_readable = False
            raise
        self._is_readable = True

    def confirm(self, key: str) -> None:
        """Make the key's offered secret good with the next read: it was shown to us."""
        self._to_confirm.add(key)

    async def _confirm(self) -> None:
        while self._to_confirm:
            key = self._to_confirm.pop()
            try:
                await asyncio.to_thread(self._confirm_secret, key)
            except UnknownKeyError:
                continue  # It was revoked meanwhile.
            log.info("a new secret was used for the first time; the old one has ended", key=key)

    def after_read(self, address: str, call: AfterRead) -> bool:
        """Call ``call`` when the keys have been read once more. False: too many wait; it is not called."""
        network = network_of(address)
        if not self._is_running or len(self._waiting) >= MAX_WAITING:
            return False
        if self._waiting_by_address[network] >= MAX_WAITING_PER_ADDRESS:
            return False
        self._waiting_by_address[network] += 1
        if not self._waiting:
            asyncio.get_running_loop().call_later(LOOKUP_TIMEOUT_S, partial(self._call_all, self._waiting))
        self._waiting.append(call)
        self._has_waiting.set()
        return True

    async def run(self) -> None:
        """Read for those who wait, until cancelled."""
        self._is_running = True
        try:
            while True:
                await self._has_waiting.wait()
                self._has_waiting.clear()
                waiting, self._waiting = self._waiting, []
                self._waiting_by_address.clear()
                try:
                    await self.refresh()
                except DatabaseError:
                    pass  # It is logged. The known keys decide.
                finally:
                    self._call_all(waiting)
                await asyncio.sleep(LOOKUP_GAP_S)
        finally:
            self._is_running = False
            self._call_all(self._waiting)

    def close(self) -> None:
        """Close the database."""
        self._watch.close()

    def _call_all(self, waiting: list[AfterRead]) -> None:
        for call in waiting:
            asyncio.get_running_loop().call_soon(call)  # so that no failure of one stops the others
        waiting.clear()

    def _read(self) -> tuple[StoredKeys, KeyTable] | None:
        """Return all keys where they have changed. With very many keys it takes seconds."""
        stored = self._watch.poll()
        return None if stored is None else (stored, self._keyring.prepare(stored.keys))

    def _set_keys(self, stored: StoredKeys, table: KeyTable) -> KeyTable:
        """Let the keys count, all at once. Return those before."""
        known = self._stored.faults()
        for fault in stored.faults():
            if fault not in known:
                log.error("keys.db was tampered with", fault=fault)
        self._stored = stored
        before = self._keyring.set_table(table)
        self._on_ended(table.ended)
        return before

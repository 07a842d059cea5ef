"""Deposits: what the key store was told to give accounts, credited soon after, each once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import structlog

from floorwire.storage.database import DatabaseError
from floorwire.storage.key_store import Deposit, KeyStore

POLL_S = 0.5

log = structlog.get_logger("floorwire.desk")


class DepositWatcher:
    """Looks for new ones; ``credit`` is given all that there are, in their order."""

    def __init__(self, keys: KeyStore, credit: Callable[[Sequence[Deposit]], None]) -> None:
        self._keys = keys
        self._credit = credit
        self._known: list[Deposit] = []

    def load(self) -> None:
        """Credit what there is; blocks. Raises DatabaseError."""
        self._take(self._keys.deposits())

    async def run(self) -> None:
        """Credit what comes, until cancelled."""
        while True:
            await asyncio.sleep(POLL_S)
            after = self._known[-1].id if self._known else 0
            try:
                self._take(await asyncio.to_thread(self._keys.deposits, after))
            except DatabaseError as error:
                log.error("deposits cannot be seen", error=str(error))

    def _take(self, deposits: Sequence[Deposit]) -> None:
        if deposits:
            self._known += deposits
            self._credit(self._known)

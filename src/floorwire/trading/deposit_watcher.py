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

    def __init__(
        self,
        keys: KeyStore,
        credit: Callable[[Sequence[Deposit]], None],
        credited: Callable[[str], int | None],
    ) -> None:
        """``credited``: the last id of a store that was credited; None while that cannot be told."""
        self._keys = keys
        self._credit = credit
        self._credited = credited
        self._known: list[Deposit] = []
        self._is_checked = False

    def load(self) -> None:
        """Credit what there is; blocks. Raises DatabaseError."""
        self._check()
        self._take(self._keys.deposits())

    def _check(self) -> None:
        """Give the store another identity where it is older than the journal: it would give ids again."""
        store, last_id = self._keys.store()
        credited = self._credited(store)
        if credited is not None:
            self._is_checked = True
            if credited > last_id:
                log.warning("keys.db is older than the journal", last_deposit=last_id, credited=credited)
                self._keys.renew_store()

    async def run(self) -> None:
        """Credit what comes, until cancelled."""
        while True:
            await asyncio.sleep(POLL_S)
            after = self._known[-1] if self._known else None
            try:
                if not self._is_checked:
                    await asyncio.to_thread(self._check)
                self._take(await asyncio.to_thread(self._keys.deposits, after))
            except DatabaseError as error:
                log.error("deposits cannot be seen", error=str(error))

    def _take(self, deposits: Sequence[Deposit]) -> None:
        if deposits:
            self._known += deposits
            self._credit(self._known)

"""Credits deposits that were added to the key store, each once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import structlog

from floorwire.storage.database import DatabaseError
from floorwire.storage.deposit_rows import Deposit, StoredDeposits
from floorwire.storage.key_store import KeyStore

POLL_S = 0.5
MAX_NAMED = 20
"""The most deposits that one line of the log names."""

log = structlog.get_logger("floorwire.desk")


class DepositWatcher:
    """Polls the key store; ``credit`` gets each deposit once, in order."""

    def __init__(
        self,
        keys: KeyStore,
        credit: Callable[[Sequence[Deposit]], None],
        last_credited_id: Callable[[str], int | None],
    ) -> None:
        """``last_credited_id`` returns the last credited deposit id of a store; None while it is unknown."""
        self._keys = keys
        self._credit = credit
        self._last_credited_id = last_credited_id
        self._last: Deposit | None = None
        self._unverified: set[int] = set()
        """Ids of deposits whose row was changed by somebody else. Each is logged once."""
        self._is_checked = False
        self._is_readable = True
        self._polling = asyncio.Lock()

    @property
    def unverified(self) -> int:
        """Return the number of deposits whose row was changed by somebody else."""
        return len(self._unverified)

    def load(self) -> None:
        """Credit all deposits; blocks. Raises DatabaseError."""
        self._renew_stale_store()
        self._credit_new(self._keys.read_deposits())

    def _renew_stale_store(self) -> None:
        """Renew the identity of a store that is older than the journal: it would use ids again."""
        store, last_id = self._keys.store()
        credited = self._last_credited_id(store)
        if credited is not None:
            self._is_checked = True
            if credited > last_id:
                log.warning("keys.db is older than the journal", last_deposit=last_id, credited=credited)
                self._keys.renew_store()

    async def run(self) -> None:
        """Credit new deposits, until cancelled."""
        while True:
            await asyncio.sleep(POLL_S)
            await self.poll()

    async def poll(self) -> None:
        """Credit new deposits now. Where they cannot be read, that is logged."""
        async with self._polling:
            try:
                if not self._is_checked:
                    await asyncio.to_thread(self._renew_stale_store)
                self._credit_new(await asyncio.to_thread(self._keys.read_deposits, self._last))
                self._is_readable = True
            except DatabaseError as error:
                if self._is_readable:
                    log.error("deposits cannot be seen", error=str(error))
                self._is_readable = False

    def _credit_new(self, found: StoredDeposits) -> None:
        new = [deposit_id for deposit_id in found.unverified if deposit_id not in self._unverified]
        if new:
            self._unverified.update(new)
            log.error(
                "a deposit's row was changed by somebody else; it is not credited",
                ids=new[:MAX_NAMED],
                count=len(new),
            )
        if found.deposits:
            self._last = found.deposits[-1]
            self._credit(found.deposits)

"""The keeper: opens the journal, and opens it again where it failed, until it can be opened."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import structlog

from floorwire.core.ports import Prices
from floorwire.engine.order_manager import TradingRules
from floorwire.storage.journal import Journal, JournalError
from floorwire.trading.account_store import AccountStore

RETRY_S = 1.0

log = structlog.get_logger("floorwire.desk")


class JournalRecovery:
    """Knows how to make a book of the journal."""

    def __init__(
        self, open_journal: Callable[[], Journal], rules: TradingRules, prices: Callable[[str], Prices]
    ) -> None:
        self._open_journal = open_journal
        self._rules = rules
        self._prices = prices
        self.trouble: str | None = "the accounts have not been read yet"
        """Why there is no book; None where there is one."""

    def open(self) -> AccountStore | None:
        """Return the book, or None and say why in ``trouble``; blocks."""
        began = time.monotonic()
        try:
            journal = self._open_journal()
        except JournalError as error:
            self._failed(error)
            return None
        try:
            book = AccountStore(journal, self._rules, self._prices)
        except JournalError as error:
            journal.close()
            self._failed(error)
            return None
        self.trouble = None
        log.info(
            "accounts read",
            records=journal.last_n,
            replayed=book.replayed,
            seconds=round(time.monotonic() - began, 3),
            state=book.order_manager.state_hash(),
        )
        return book

    def _failed(self, error: JournalError) -> None:
        if str(error) != self.trouble:
            log.error("the journal cannot be opened; orders are refused", error=str(error))
        self.trouble = str(error)

    async def reopen(self, failed: AccountStore | None) -> AccountStore:
        """Close the book that failed, and return one that can be written to, however long that takes."""
        if failed is not None:
            await asyncio.to_thread(failed.journal.close)
        while True:
            book = await self._opened()
            if book is not None:
                return book
            await asyncio.sleep(RETRY_S)

    async def _opened(self) -> AccountStore | None:
        """Open in a thread; whoever is cancelled meanwhile leaves nothing open."""
        opening = asyncio.ensure_future(asyncio.to_thread(self.open))
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            book = await opening
            if book is not None:
                await asyncio.to_thread(book.journal.close)
            raise

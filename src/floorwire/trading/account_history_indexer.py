"""Keeps the index of the account history up with the journal, behind the commits and off the event loop.

The journal is the queue: nothing is handed over when an order is committed. This reads what is durable, a
part at a time, and a thread adds its rows. While orders come, it gives way: the thread would take the
interpreter's lock from them, which made an order take a third longer.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import TypeVar

import structlog

from floorwire.core.account_events import AccountEntry
from floorwire.core.codes import Code
from floorwire.core.refusal import Refusal
from floorwire.storage import worker_threads
from floorwire.storage.account_history_index import AccountHistoryIndex
from floorwire.storage.journal import ForgottenError, Journal, JournalError, JournalPart
from floorwire.trading.account_history_projection import AccountHistoryProjection
from floorwire.trading.account_store import decode_entry

PART_RECORDS = 256
"""Records of one part, unless a commit has more. A thread decodes so many in less than a millisecond."""
PAUSE_S = 0.01
"""After each part. If more became durable meanwhile, orders come, and it waits on."""
MOST_BEHIND_S = 10.0
"""How long it gives way at most. Then it adds part after part until it has all."""
IDLE_PER_PART = 4
"""It pauses this many times as long as the part took: it has a fifth of the time at most."""
IDLE_S = 0.25
"""How often durable records are looked for when nobody asks."""
RETRY_S = 1.0
MAX_WAIT_S = 2.0
"""How long a request waits for the index."""

ResultT = TypeVar("ResultT")
log = structlog.get_logger("floorwire.desk")


class AccountHistoryIndexer:
    """Follows one journal at a time: the last that ``start`` named.

    ``open_index`` returns the index, and with True makes it anew. It blocks.
    """

    def __init__(self, open_index: Callable[[bool], AccountHistoryIndex]) -> None:
        self._open_index = open_index
        self._thread: ThreadPoolExecutor | None = None
        self._index: AccountHistoryIndex | None = None
        """The index, while it is known to be of the journal."""
        self._journal: Journal | None = None
        self._identified: Callable[[AccountEntry], AccountEntry] = _as_it_is
        self._is_damaged = False
        self.failures = 0
        """How often the index could not be read or written."""
        self._last_error = ""
        """What was logged of that. It is logged again when something was indexed in between."""
        self._wanted = asyncio.Event()
        """Set when there may be something to do: a journal was opened, somebody waits for its records."""
        self._advanced = asyncio.Event()
        """Set, and replaced, when records were added."""
        self._readers = 0
        """How many requests wait for the index."""

    def start(self, journal: Journal, identified: Callable[[AccountEntry], AccountEntry]) -> None:
        """Follow this journal from now on.

        ``identified`` gives an entry of an earlier version its identities. The thread calls it.
        """
        self._journal, self._identified = journal, identified
        self._wanted.set()

    @property
    def lag_records(self) -> int:
        """How many durable records are not indexed yet."""
        durable_n = 0 if self._journal is None else self._journal.durable_n
        return max(0, durable_n - (0 if self._index is None else self._index.last_n))

    # --- reading ------------------------------------------------------------------------------------

    async def read(self, n: int, query: Callable[[AccountHistoryIndex], ResultT]) -> ResultT:
        """Return the answer of the index, which has all records up to ``n``. The query runs in the thread.

        Raises Refusal ``rate_limited`` where the index is so far behind that this would take long, and
        sqlite3.Error.
        """
        index = await self._when_indexed(n)
        try:
            return await self._in_thread(lambda: query(index))
        except sqlite3.Error as error:
            self._note_damage(error)
            raise

    async def _when_indexed(self, n: int) -> AccountHistoryIndex:
        self._readers += 1
        try:
            async with asyncio.timeout(MAX_WAIT_S):
                while self._index is None or self._index.last_n < n:
                    self._wanted.set()
                    await self._advanced.wait()
        except TimeoutError:
            pass
        finally:
            self._readers -= 1
        if self._index is None or self._index.last_n < n:
            last_n = 0 if self._index is None else self._index.last_n
            text = f"the account history is being indexed: {last_n} of {n} records"
            raise Refusal(Code.RATE_LIMITED, text, wait_us=int(MAX_WAIT_S * 1e6))
        return self._index

    def _note_damage(self, error: sqlite3.Error) -> None:
        """Have the index made anew where its file is damaged. A full disk damages nothing."""
        if not isinstance(error, sqlite3.OperationalError):
            self._is_damaged = True
            self._wanted.set()

    # --- following the journal ----------------------------------------------------------------------

    async def run(self) -> None:
        """Follow the journal, until cancelled."""
        self._thread = worker_threads.start("account-history")
        try:
            while True:
                await self._wanted.wait()
                journal = self._journal
                if journal is None:
                    self._wanted.clear()
                else:
                    await self._follow(journal)
        finally:
            self._index = None
            await asyncio.to_thread(self._thread.shutdown)

    async def _follow(self, journal: Journal) -> None:
        """Follow one journal until another is named, or until it or the index cannot be read."""
        index: AccountHistoryIndex | None = None
        try:
            index = await self._open(journal)
            await self._add_parts(journal, index)
        except JournalError:  # it failed or was closed; the desk tells of it
            if self._journal is journal:
                self._journal = None
        except (sqlite3.Error, OSError) as error:
            self.failures += 1
            if str(error) != self._last_error:  # it is tried again each second
                self._last_error = str(error)
                log.error("account history not indexed; asking for it fails", error=str(error))
            if isinstance(error, sqlite3.Error):
                self._note_damage(error)
            await asyncio.sleep(RETRY_S)
            self._wanted.set()
        finally:
            self._index = None
            if index is not None:
                await self._in_thread(index.close)

    async def _open(self, journal: Journal) -> AccountHistoryIndex:
        """Open the index, empty where it is not one of this journal."""
        is_new = self._is_damaged or journal.is_restored
        index = await self._in_thread(lambda: self._open_index(is_new))
        self._is_damaged = False
        try:
            if index.last_n and await journal.digest_at(index.last_n) != index.digest:
                log.warning("account history is indexed anew: the journal is another one")
                await self._in_thread(index.clear)
        except BaseException:
            await self._in_thread(index.close)
            raise
        return index

    async def _add_parts(self, journal: Journal, index: AccountHistoryIndex) -> None:
        projection = AccountHistoryProjection(
            decode_entry, self._identified, await self._in_thread(index.balances), index.at_us
        )
        self._index = index
        self._tell()
        loop = asyncio.get_running_loop()
        while self._journal is journal and not self._is_damaged:
            if journal.durable_n <= index.last_n:
                await self._wait_for_records()
                await self._give_way(journal)
                continue
            begun_s = loop.time()
            try:
                part = await journal.read_commits(index.last_n, PART_RECORDS)
            except ForgottenError as error:
                await self._in_thread(partial(index.skip, error.first_n - 1))
                projection.skip()
                continue
            if part.records:
                await self._in_thread(partial(_add, projection, index, part))
                self._last_error = ""
                self._tell()
            await asyncio.sleep(max(PAUSE_S, IDLE_PER_PART * (loop.time() - begun_s)))

    async def _give_way(self, journal: Journal) -> None:
        """Return when no orders come, when a request waits, or when the index is far behind."""
        loop = asyncio.get_running_loop()
        latest_s, durable_n = loop.time() + MOST_BEHIND_S, -1
        while not self._readers and journal.durable_n != durable_n and loop.time() < latest_s:
            durable_n = journal.durable_n
            await asyncio.sleep(PAUSE_S)

    async def _wait_for_records(self) -> None:
        self._wanted.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(IDLE_S):
                await self._wanted.wait()

    def _tell(self) -> None:
        self._advanced.set()
        self._advanced = asyncio.Event()

    async def _in_thread(self, work: Callable[[], ResultT]) -> ResultT:
        """Return what ``work`` returns. It ends in the thread even if the caller is cancelled."""
        assert self._thread is not None, "the indexer is not running"
        return await asyncio.shield(asyncio.get_running_loop().run_in_executor(self._thread, work))


def _add(projection: AccountHistoryProjection, index: AccountHistoryIndex, part: JournalPart) -> None:
    """Add a part to the index. Runs in the thread, which lets others run after each ``PART_RECORDS``.

    A part is whole commits, so it may have thousands of records.
    """
    rows = projection.rows(part.records[:PART_RECORDS])
    for begin in range(PART_RECORDS, len(part.records), PART_RECORDS):
        time.sleep(PAUSE_S)
        rows.extend(projection.rows(part.records[begin : begin + PART_RECORDS]))
    index.add(rows, part.last_n, part.digest, projection.at_us)


def _as_it_is(entry: AccountEntry) -> AccountEntry:
    return entry

"""Fill history: fills that are no longer in memory are read from the journal, off the event loop.

One request reads a bounded part of the journal, a page at a time. Few requests read at once; the others wait,
and where too many wait they are refused. Later replies to the same client wait too (``reply_order``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence

import structlog
from msgspec import UNSET, UnsetType

from floorwire.core.account_events import AccountEntry, OrderFilled
from floorwire.core.codes import Code
from floorwire.core.refusal import Refusal
from floorwire.protocol.desk_ports import DeskClient, Reply
from floorwire.protocol.replies import FillList, Gap, error
from floorwire.protocol.requests import RequestId
from floorwire.protocol.rows import FillRow
from floorwire.protocol.trading_requests import Fills, TradingRequest
from floorwire.storage.journal import ForgottenError, Journal, JournalRecord
from floorwire.trading import private_resume
from floorwire.trading.account_store import decode_entry
from floorwire.trading.commit_batch import DurableReply
from floorwire.trading.committer import Committer
from floorwire.trading.reply_order import ReplyOrder, ReplySlot
from floorwire.trading.visibility import Visibility

PAGE_RECORDS = 128
"""Records in one read."""
MAX_READS = 64
"""Reads of one request, jumps over other records included. A page may have fewer fills for it."""
MAX_CONCURRENT_READS = 2
"""Requests that read the journal at once."""
MAX_SEARCHES = 64
MAX_SEARCHES_PER_ACCOUNT = 8
"""Requests that read or wait, of all accounts and of one; with more: ``rate_limited``."""
RETRY_US = 100_000
FILLED = str(OrderFilled.__struct_config__.tag)

log = structlog.get_logger("floorwire.desk")


class FillSearch:
    """The state of one search. ``add`` gets the account's fills from the latest to the first."""

    def __init__(
        self,
        fills: int,
        row: Callable[[OrderFilled], FillRow],
        visibility: Visibility,
        limit: int,
        before: int,
        symbol: str | None = None,
        identified: Callable[[AccountEntry], AccountEntry] = lambda entry: entry,
    ) -> None:
        """``fills``: how many the account has. ``limit``: how many are wanted, older than the id ``before``.

        ``symbol``: only fills of this symbol. ``identified`` gives an entry of the journal its identities.
        """
        self._identified = identified
        self.remaining = fills
        """How many older fills are not checked yet: the seq of the next one on the channel ``fills``."""
        self.last_id = 0
        """The id of the fill that was checked last."""
        self.before = before
        self.rows: list[FillRow] = []
        self._row = row
        self._visibility = visibility
        self._limit = limit
        self._symbol = symbol

    @property
    def is_done(self) -> bool:
        """Whether the page is full, or no fill remains."""
        return not self.remaining or len(self.rows) == self._limit

    def add(self, fills: Iterable[OrderFilled]) -> None:
        """Check the next older fills, and keep those that are wanted."""
        for fill in fills:
            if self.is_done:
                return
            self.remaining -= 1
            self.last_id = fill.fill_id
            if fill.fill_id < self.before and self._wants(fill):
                self.rows.append(self._row(fill))

    def add_records(self, records: Iterable[JournalRecord]) -> None:
        """Check the fills of these records of the journal."""
        self.add(_fill_of(self._identified(decode_entry(record.n, record.payload))) for record in records)

    def _wants(self, fill: OrderFilled) -> bool:
        return self._symbol in (None, fill.order.ticket.symbol) and self._visibility.part_of(fill) is not None

    def reply(self, request_id: RequestId | UnsetType, *, forgotten: bool = False) -> FillList:
        """Return the page, and where the next begins; ``forgotten``: older fills are not kept any more."""
        return FillList(
            id=request_id,
            fills=self.rows,
            next=str(self.last_id) if self.remaining and not forgotten else UNSET,
            gap=Gap(1, self.remaining, "expired") if forgotten else UNSET,
        )


class FillHistory:
    """Answers ``fills`` requests; reads the journal where memory is not enough."""

    def __init__(self, reply_order: ReplyOrder, count: Callable[[TradingRequest, Reply], Reply]) -> None:
        """``count`` counts a reply for the metrics, and returns it."""
        self._reply_order = reply_order
        self._count = count
        self._running: list[ReplySlot] = []
        self._read_semaphore = asyncio.Semaphore(MAX_CONCURRENT_READS)
        self._tasks: asyncio.TaskGroup | None = None

    def answer(
        self, committer: Committer, request: Fills, client: DeskClient, search: FillSearch
    ) -> Reply | None:
        """Return the reply, or None where the journal has to be read first: it is sent later.

        Raises Refusal where too many searches run.
        """
        if search.is_done:
            return search.reply(request.id)
        self._check_limit(client.principal.account)
        slot, journal = self._reply_order.reserve(client), committer.store.journal
        self._running.append(slot)

        def read() -> None:
            assert self._tasks is not None, "the desk is not running"
            self._tasks.create_task(self._answer(journal, slot, request, search))

        committer.reply_when_durable(DurableReply(slot, request.id, None, callback=read))
        return None

    def _check_limit(self, account: str) -> None:
        self._running = running = [slot for slot in self._running if slot.reply is None]
        own = sum(slot.principal.account == account for slot in running)
        if own >= MAX_SEARCHES_PER_ACCOUNT or len(running) >= MAX_SEARCHES:
            raise Refusal(Code.RATE_LIMITED, "too many read fills of long ago", wait_us=RETRY_US)

    async def _answer(self, journal: Journal, slot: ReplySlot, request: Fills, search: FillSearch) -> None:
        reply: Reply = error(Refusal(Code.INTERNAL, "the journal cannot be read"), request.id)
        try:
            async with self._read_semaphore:
                await continue_search(journal, slot.principal.account, search)
            reply = search.reply(request.id)
        except ForgottenError:
            reply = search.reply(request.id, forgotten=True)
        except Exception:  # of the journal, or a bug of ours: the desk must go on
            log.exception("fills of long ago cannot be read")
        except asyncio.CancelledError:
            reply = error(Refusal(Code.DRAINING, Code.DRAINING.meaning), request.id)
            raise
        finally:
            slot.answer(self._count(request, reply))
            slot.flush()

    async def run(self) -> None:
        """Own the tasks that read the journal, until cancelled."""
        async with asyncio.TaskGroup() as self._tasks:
            await asyncio.get_running_loop().create_future()


async def continue_search(journal: Journal, account: str, search: FillSearch) -> None:
    """Continue the search in the journal, up to ``MAX_READS`` reads.

    Raises JournalError; ForgottenError where the remaining fills are not kept any more.
    """
    if search.last_id >= search.before:
        search.remaining = await _count_older(journal, account, search.remaining, search.before)
    place: int | None = None
    for _ in range(MAX_READS):
        if search.is_done:
            return
        if place is None:
            records: Sequence[JournalRecord] = [await _read_fill(journal, account, search.remaining)]
        else:
            records = await journal.read_account(account, place, PAGE_RECORDS, back=True)
        found = [record for record in records if record.kind == FILLED]
        search.add_records(found)
        place = records[-1].n if found else None  # no fill on this page: jump to the next one


async def _count_older(journal: Journal, account: str, fills: int, before: int) -> int:
    """Return how many of the account's first ``fills`` are older than the id ``before``, by binary search."""
    low, high = 0, fills
    low_n, high_n = 0, journal.durable_n
    while low < high:
        middle = (low + high + 1) // 2
        try:
            record = await _read_fill(journal, account, middle, low_n, high_n)
        except ForgottenError:
            low = middle  # it is older than all kept records
            continue
        if _decode_fill(record).fill_id < before:
            low, low_n = middle, record.n
        else:
            high, high_n = middle - 1, record.n
    return low


async def _read_fill(
    journal: Journal, account: str, seq: int, low_n: int = 0, high_n: int | None = None
) -> JournalRecord:
    """Return the record of the account's fill with this seq. It is between ``low_n`` and ``high_n``."""
    n = await private_resume.find_position(journal, account, "fills", seq - 1, low_n, high_n)
    found = await journal.read_account(account, n, 1)
    if not found or found[0].kind != FILLED or decode_entry(n, found[0].payload).seqs.fills != seq:
        raise ForgottenError(n, found[0].n if found else journal.durable_n + 1)
    return found[0]


def _decode_fill(record: JournalRecord) -> OrderFilled:
    return _fill_of(decode_entry(record.n, record.payload))


def _fill_of(entry: AccountEntry) -> OrderFilled:
    assert isinstance(entry.event, OrderFilled), "records of this kind are fills"
    return entry.event

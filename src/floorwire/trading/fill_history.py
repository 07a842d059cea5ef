"""The past: fills that are not at hand any more, read from the journal off the event loop.

One request reads a bounded part of the journal, a little at a time; few read at once, the others wait for
their turn, and where too many wait they are refused. A client's later answers wait for its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import structlog

from floorwire.core.account_events import OrderFilled
from floorwire.core.codes import Code
from floorwire.core.refusal import Refusal
from floorwire.protocol.desk_ports import DeskClient, Reply
from floorwire.protocol.replies import error
from floorwire.protocol.trading_requests import Fills, TradingRequest
from floorwire.storage.journal import ForgottenError, Journal, JournalRecord
from floorwire.trading import private_resume
from floorwire.trading.account_store import decoded
from floorwire.trading.commit_batch import PendingAnswer
from floorwire.trading.committer import Committer
from floorwire.trading.fill_search import FillSearch
from floorwire.trading.reply_order import PendingReply, ReplyOrder

RECORDS = 128
"""Read at once."""
ROUNDS = 64
"""Reads, or leaps over records that are no fills, of one request; a page may end with fewer fills for it."""
AT_ONCE = 2
"""Requests that read."""
MOST_ASKED = 64
MOST_ASKED_OF_ACCOUNT = 8
"""Requests that read or wait to, of all and of one account; with more they are refused: ``rate_limited``."""
WAIT_US = 100_000
FILLED = str(OrderFilled.__struct_config__.tag)

log = structlog.get_logger("floorwire.desk")


class FillHistory:
    """One desk's."""

    def __init__(self, lines: ReplyOrder, count: Callable[[TradingRequest, Reply], Reply]) -> None:
        """``count``: takes note of an answer, and returns it."""
        self._lines = lines
        self._count = count
        self._asked: list[PendingReply] = []
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._tasks: asyncio.TaskGroup | None = None

    def search(
        self, committer: Committer, client: DeskClient, request: Fills, search: FillSearch
    ) -> Reply | None:
        """Return the answer, or None where the journal has to be read for it: then it follows.

        Raises Refusal where too many are under way.
        """
        if search.is_over:
            return search.reply(request.id)
        self._check_room(client.principal.account)
        place, journal = self._lines.hold(client), committer.book.journal
        self._asked.append(place)

        def read() -> None:
            assert self._tasks is not None, "nobody comes before the desk runs"
            self._tasks.create_task(self._answer(journal, place, request, search))

        committer.answer(PendingAnswer(place, request.id, None, afterwards=read))
        return None

    def _check_room(self, account: str) -> None:
        self._asked = asked = [place for place in self._asked if place.reply is None]
        own = sum(place.principal.account == account for place in asked)
        if own >= MOST_ASKED_OF_ACCOUNT or len(asked) >= MOST_ASKED:
            raise Refusal(Code.RATE_LIMITED, "too many read fills of long ago", wait_us=WAIT_US)

    async def _answer(
        self, journal: Journal, place: PendingReply, request: Fills, search: FillSearch
    ) -> None:
        reply: Reply = error(Refusal(Code.INTERNAL, "the journal cannot be read"), request.id)
        try:
            async with self._turns:
                await find(journal, place.principal.account, search)
            reply = search.reply(request.id)
        except ForgottenError:
            reply = search.reply(request.id, forgotten=True)
        except Exception:  # of the journal, or a fault of ours: the desk must not end with it
            log.exception("fills of long ago cannot be read")
        except asyncio.CancelledError:
            reply = error(Refusal(Code.DRAINING, Code.DRAINING.meaning), request.id)
            raise
        finally:
            place.answer(self._count(request, reply))
            place.flush()

    async def run(self) -> None:
        """Read for whoever asks, until cancelled."""
        async with asyncio.TaskGroup() as self._tasks:
            await asyncio.get_running_loop().create_future()


async def find(journal: Journal, account: str, search: FillSearch) -> None:
    """Go on with a search in the journal, as far as one request may.

    Raises JournalError; ForgottenError where all that is left is not kept any more.
    """
    if search.last_id >= search.before:
        search.left = await _older(journal, account, search.left, search.before)
    place: int | None = None
    for _ in range(ROUNDS):
        if search.is_over:
            return
        if place is None:
            records: Sequence[JournalRecord] = [await _fill(journal, account, search.left)]
        else:
            records = await journal.read_account(account, place, RECORDS, back=True)
        found = [_filled(record) for record in records if record.kind == FILLED]
        search.look(found)
        place = records[-1].n if found else None  # where there were none, leap to the next


async def _older(journal: Journal, account: str, fills: int, before: int) -> int:
    """Return how many of the account's first so many fills are older than this one, by halving."""
    low, high = 0, fills
    low_n, high_n = 0, journal.durable_n
    while low < high:
        middle = (low + high + 1) // 2
        try:
            record = await _fill(journal, account, middle, low_n, high_n)
        except ForgottenError:
            low = middle  # it is older than all that are kept
            continue
        if _filled(record).fill_id < before:
            low, low_n = middle, record.n
        else:
            high, high_n = middle - 1, record.n
    return low


async def _fill(
    journal: Journal, account: str, seq: int, low_n: int = 0, high_n: int | None = None
) -> JournalRecord:
    """Return the record of the account's fill with this seq, which is between these. Raises JournalError."""
    n = await private_resume.place(journal, account, "fills", seq - 1, low_n, high_n)
    found = await journal.read_account(account, n, 1)
    if not found or found[0].kind != FILLED or decoded(n, found[0].payload).seqs.fills != seq:
        raise ForgottenError(n, found[0].n if found else journal.durable_n + 1)
    return found[0]


def _filled(record: JournalRecord) -> OrderFilled:
    event = decoded(record.n, record.payload).event
    assert isinstance(event, OrderFilled), "its kind says so"
    return event

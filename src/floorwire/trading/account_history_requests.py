"""Requests about the history of an account: they are answered from the index, off the event loop.

Few requests read at once; the others wait, and where too many wait they are refused. Later replies to the
same client wait too (``reply_order``). The rows of a reply are made in turns of the event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from floorwire.core.codes import Code
from floorwire.core.refusal import Refusal
from floorwire.protocol.desk_ports import DeskClient, Reply
from floorwire.protocol.replies import error
from floorwire.protocol.trading_requests import Query, TradingRequest
from floorwire.trading.commit_batch import DurableReply
from floorwire.trading.committer import Committer
from floorwire.trading.reply_order import ReplyOrder, ReplySlot

MAX_CONCURRENT_READS = 2
"""Requests that read the index at once."""
MAX_WAITING = 64
MAX_WAITING_PER_ACCOUNT = 8
"""Requests that read or wait, of all accounts and of one; with more: ``rate_limited``."""
RETRY_US = 100_000

log = structlog.get_logger("floorwire.desk")


class AccountHistoryRequests:
    """Owns the requests that read the history. Each has one reply, in the order of its client's requests."""

    def __init__(self, reply_order: ReplyOrder, count: Callable[[TradingRequest, Reply], Reply]) -> None:
        """``count`` counts a reply for the metrics, and returns it."""
        self._reply_order = reply_order
        self._count = count
        self._waiting: list[ReplySlot] = []
        self._read_semaphore = asyncio.Semaphore(MAX_CONCURRENT_READS)
        self._tasks: asyncio.TaskGroup | None = None

    def submit(
        self,
        committer: Committer,
        client: DeskClient,
        request: Query,
        read: Callable[[int], Awaitable[Reply]],
    ) -> None:
        """Reply with what ``read`` returns, later. It gets the number of the last record that it needs.

        Raises Refusal where too many requests read.
        """
        self._check_room(client.principal.account)
        slot, journal = self._reply_order.reserve(client), committer.store.journal
        self._waiting.append(slot)

        def start() -> None:
            assert self._tasks is not None, "the desk is not running"
            self._tasks.create_task(self._answer(slot, request, read, journal.durable_n))

        committer.reply_when_durable(DurableReply(slot, request.id, None, callback=start))

    def _check_room(self, account: str) -> None:
        self._waiting = waiting = [slot for slot in self._waiting if slot.reply is None]
        own = sum(slot.principal.account == account for slot in waiting)
        if own >= MAX_WAITING_PER_ACCOUNT or len(waiting) >= MAX_WAITING:
            raise Refusal(Code.RATE_LIMITED, "too many read what was long ago", wait_us=RETRY_US)

    async def _answer(
        self, slot: ReplySlot, request: Query, read: Callable[[int], Awaitable[Reply]], n: int
    ) -> None:
        reply: Reply = error(Refusal(Code.INTERNAL, "the account history cannot be read"), request.id)
        try:
            async with self._read_semaphore:
                reply = await read(n)
        except Refusal as refusal:
            reply = error(refusal, request.id)
        except Exception:  # of the index, or a bug of ours: the desk must go on
            log.exception("the account history cannot be read")
        except asyncio.CancelledError:
            reply = error(Refusal(Code.DRAINING, Code.DRAINING.meaning), request.id)
            raise
        finally:
            slot.answer(self._count(request, reply))
            slot.flush()

    async def run(self) -> None:
        """Own the tasks that read, until cancelled."""
        async with asyncio.TaskGroup() as self._tasks:
            await asyncio.get_running_loop().create_future()

"""Query turns: the rows of a long reply are made in turns of the event loop.

A reply may have a thousand rows, of 4 us each. A short one is made at once if this turn has room for it.
Otherwise the steps go into the turn queue, by account. Later replies to the client wait (``reply_order``).
How many rows are made at a time is bounded by the read quota, and how many replies of an account wait by
``MAX_WAITING``: also those without rows take memory.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator
from typing import TypeVar

import structlog

from floorwire.core.codes import Code
from floorwire.core.refusal import Refusal
from floorwire.protocol.desk_ports import DeskClient, Reply, Turns
from floorwire.protocol.trading_requests import Query, TradingRequest
from floorwire.trading.commit_batch import durable_reply, refusal_reply
from floorwire.trading.committer import Committer
from floorwire.trading.reply_order import ReplyOrder

ROWS_A_STEP = 100
"""Rows that one step makes."""
STEP_US = 500
"""The price of a step."""
MAX_WAITING = 1_000
"""The most replies of one account that wait for their turn. Some 5 KB each."""
RETRY_US = 100_000

ResultT = TypeVar("ResultT")
log = structlog.get_logger("floorwire.desk")


class QueryTurns:
    """Makes replies in steps. ``count`` counts a reply for the metrics, and returns it."""

    def __init__(
        self, reply_order: ReplyOrder, turns: Turns, count: Callable[[TradingRequest, Reply], Reply]
    ) -> None:
        self._reply_order = reply_order
        self._turns = turns
        self._count = count
        self._waiting: Counter[str] = Counter()
        """How many replies of each account wait for their turn."""

    def answer(
        self,
        committer: Committer,
        client: DeskClient,
        request: Query,
        steps: Generator[None, None, ResultT],
        reply_of: Callable[[DeskClient, ResultT], Reply | None],
    ) -> Reply | None:
        """Return the reply, or None where it is sent later.

        ``reply_of`` makes the reply of what the steps return. If that returns None, it replies itself. Raises
        Refusal where too many replies of the account wait.
        """
        account = client.principal.account
        if self._turns.admits(STEP_US):
            try:
                next(steps)
            except StopIteration as end:
                return reply_of(client, end.value)
        if self._waiting[account] >= MAX_WAITING:
            raise Refusal(Code.RATE_LIMITED, "too many replies wait for their turn", wait_us=RETRY_US)
        self._waiting[account] += 1
        slot = self._reply_order.reserve(client)

        def step() -> bool:
            reply: Reply | None
            try:
                next(steps)
                return True
            except StopIteration as end:
                reply = self._last(request, slot, end.value, reply_of)
            except Exception:  # a bug of ours: the replies behind this one must not wait for ever
                log.exception("fault", request=type(request).__name__)
                reply = refusal_reply(request, Refusal(Code.INTERNAL, Code.INTERNAL.meaning))
            self._end(account)
            if reply is not None:
                committer.reply_when_durable(durable_reply(slot, request, self._count(request, reply)))
            return False

        self._turns.add(step, account)
        return None

    def _end(self, account: str) -> None:
        self._waiting[account] -= 1
        if not self._waiting[account]:
            del self._waiting[account]

    @staticmethod
    def _last(
        request: Query,
        slot: DeskClient,
        result: ResultT,
        reply_of: Callable[[DeskClient, ResultT], Reply | None],
    ) -> Reply | None:
        try:
            return reply_of(slot, result)
        except Refusal as refusal:
            return refusal_reply(request, refusal)

"""Recovery: opens the journal, begins anew when it fails, and closes it.

It makes all transitions of the desk's life (``desk_state``) and takes no requests. ``Work`` is what the desk
does at the transitions.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Protocol

import structlog

from floorwire.engine.order_manager import OrderManager
from floorwire.ops.stats import DeskStats
from floorwire.storage.journal import JournalError
from floorwire.trading.account_store import AccountStore
from floorwire.trading.committer import Committer
from floorwire.trading.desk_state import (
    Closed,
    Closing,
    DeskLife,
    Draining,
    Failed,
    IllegalTransitionError,
    New,
    Opening,
    Phase,
    Recovering,
    Running,
)

RETRY_S = 1.0

log = structlog.get_logger("floorwire.desk")


class Work(Protocol):
    """What the desk does when its accounts come and go."""

    def make_committer(self, book: AccountStore, on_failure: Callable[[Exception], None]) -> Committer:
        """Return what takes the entries for this journal; ``on_failure`` is called once, with why."""
        ...

    def begin_work(self, committer: Committer) -> None:
        """The accounts were read: put them to work. May raise whatever a venue raises."""
        ...

    def tell_followers(self, committer: Committer) -> None:
        """They were read again, and are at work: tell followers what they missed."""
        ...

    def take_orders_out(self, order_manager: OrderManager) -> None:
        """The journal failed: take the accounts' orders out of the market. Never raises."""
        ...

    def end_guards(self) -> None:
        """The process ends: do what guards would do later, while the journal still takes it."""
        ...


class JournalRecovery:
    """Keeps the desk's journal open. ``open_book`` opens it and reads the accounts; it blocks."""

    def __init__(
        self, life: DeskLife, open_book: Callable[[], AccountStore], stats: DeskStats, work: Work
    ) -> None:
        self._life = life
        self._open_book = open_book
        self._stats = stats
        self._work = work

    async def open(self) -> None:
        """Read the accounts and put them to work. Where that cannot be, ``run`` tries again."""
        self._life.move(Opening())
        book, why = await self._read("the accounts have not been read yet")
        state = self._life.state
        if not isinstance(state, Opening):  # closed meanwhile
            await _close(book)
        elif book is None:
            self._life.move(Failed(why, None, None, 0, state.is_draining))
        else:
            self._begin(book)

    async def run(self) -> None:
        """Save snapshots while the journal works, and begin anew when it fails. Runs until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                committer = self._life.state.committer
                saving = None if committer is None else tasks.create_task(committer.save_snapshots())
                failed = await self._life.until(Failed)
                if saving is not None:
                    saving.cancel()
                await self._recover(failed)

    def drain(self) -> None:
        """Take no more orders, now or after recovery; cancels go on. Again: nothing happens."""
        match self._life.state:
            case Opening() | Failed() | Recovering() as state:
                self._life.move(replace(state, is_draining=True))
            case Draining() | Closing() | Closed():
                pass
            case Running(committer):
                self._life.move(Draining(committer))
            case New():
                raise IllegalTransitionError(Phase.NEW, Phase.DRAINING)

    async def close(self) -> None:
        """Do what guards would do later, and close the journal when all is durable."""
        self._work.end_guards()
        state = self._life.state
        match state:
            case Running(committer) | Draining(committer):
                self._life.move(Closing(committer))
                await committer.settled()
                if self._life.state.phase is Phase.CLOSING:  # else the journal failed; nobody begins anew
                    self._life.move(Closed(committer.risk_status))
                await _close(committer.book)
            case Failed(book=book):
                self._life.move(Closed(state.risk_status))
                await _close(book)
            case Closing():
                raise IllegalTransitionError(state.phase, Phase.CLOSING)
            case _:  # who opens the journal meanwhile closes it again
                self._life.move(Closed(state.risk_status))

    # --- parts --------------------------------------------------------------------------------------

    def _begin(self, book: AccountStore) -> bool:
        """Go to RUNNING or DRAINING with these accounts, or to FAILED. Return whether they are at work."""
        state = self._life.state
        assert isinstance(state, Opening | Recovering), state
        committer: Committer | None = None
        try:
            committer = self._work.make_committer(book, self._fail)
            if isinstance(state, Recovering):
                book.order_manager.spare(state.last_order_id)
            self._life.move(Draining(committer) if state.is_draining else Running(committer))
            self._work.begin_work(committer)
        except Exception as error:  # of a venue: market data and the other venues must not end with it
            log.exception("accounts read, but not put to work")
            if self._life.state is state:
                last_order_id = state.last_order_id if isinstance(state, Recovering) else 0
                failed = Failed(str(error), book, state.risk_status, last_order_id, state.is_draining)
                self._life.move(failed)
            elif committer is not None:
                committer.fail(error)
        return committer is not None and self._life.state.committer is committer

    def _fail(self, error: Exception) -> None:
        """The journal failed: take the accounts' orders out of the market; ``run`` begins anew."""
        match self._life.state:
            case Running(committer) | Draining(committer) as state:
                self._stats.failures += 1
                log.error("the journal failed; orders are refused", error=str(error))
                order_manager, is_draining = committer.book.order_manager, isinstance(state, Draining)
                self._life.move(
                    Failed(
                        str(error),
                        committer.book,
                        committer.risk_status,
                        order_manager.last_order_id(),
                        is_draining,
                    )
                )
                self._work.take_orders_out(order_manager)
            case Closing(committer):
                self._life.move(Closed(committer.risk_status))
            case _:
                pass  # it was closed, and fails afterwards

    async def _recover(self, failed: Failed) -> None:
        self._life.move(Recovering(failed.why, failed.risk_status, failed.last_order_id, failed.is_draining))
        await _close(failed.book)
        book = await self._reopen(failed.why)
        if book is None or not self._is_recovering():  # closed meanwhile
            await _close(book)
            return
        if not self._begin(book):
            await asyncio.sleep(RETRY_S)
            return
        committer = self._life.state.committer
        if committer is not None:
            self._work.tell_followers(committer)

    def _is_recovering(self) -> bool:
        return isinstance(self._life.state, Recovering)

    async def _reopen(self, why: str) -> AccountStore | None:
        """Return accounts that can be written to, however long that takes; None: the desk was closed."""
        while self._is_recovering():
            book, why = await self._read(why)
            if book is not None:
                return book
            await asyncio.sleep(RETRY_S)
        return None

    async def _read(self, why: str) -> tuple[AccountStore | None, str]:
        """Open the journal and read the accounts, in a thread. Return None and why, where that cannot be.

        ``why`` says what was wrong before: the same is not logged again. Leaves nothing open when cancelled.
        """
        opening = asyncio.ensure_future(asyncio.to_thread(self._open_book))
        try:
            return await asyncio.shield(opening), ""
        except JournalError as error:
            if str(error) != why:
                log.error("the journal cannot be opened; orders are refused", error=str(error))
            return None, str(error)
        except Exception as error:  # of the engine: the process must not end with it, market data goes on
            if str(error) != why:
                log.exception("the accounts cannot be read; orders are refused")
            return None, str(error)
        except asyncio.CancelledError:
            await _close_when_open(opening)
            raise


async def _close_when_open(opening: asyncio.Future[AccountStore]) -> None:
    with suppress(Exception):  # then it did not open
        await _close(await opening)


async def _close(book: AccountStore | None) -> None:
    """Close the journal, off the loop, until what waits is on disk. A cancelled caller waits for that too."""
    if book is None:
        return
    closing = asyncio.ensure_future(asyncio.to_thread(book.journal.close))
    try:
        await asyncio.shield(closing)
    except asyncio.CancelledError:
        await closing
        raise

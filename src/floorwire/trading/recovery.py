"""Recovery: opens the journal, replays it (``AccountStore``), does both again when it fails, and closes it.

It makes all transitions between the states of the desk (``desk_state``). ``RecoveryHooks`` is what the desk
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
    DeskLifecycle,
    DeskPhase,
    Draining,
    Failed,
    IllegalTransitionError,
    New,
    Opening,
    Recovering,
    Running,
)

RETRY_S = 1.0
CHECK_S = 1.0
"""How often a journal that nobody appends to is checked."""

log = structlog.get_logger("floorwire.desk")


class RecoveryHooks(Protocol):
    """What the desk does when the accounts are read, and when the journal fails."""

    def make_committer(self, store: AccountStore, on_failure: Callable[[Exception], None]) -> Committer:
        """Return the committer of this journal; it calls ``on_failure`` once, with the error."""
        ...

    def on_accounts_ready(self, committer: Committer) -> None:
        """The accounts were read: start with them. Raises what a venue raises."""
        ...

    def resend_missed_events(self, committer: Committer) -> None:
        """The desk works again: send subscribers the private events that they missed."""
        ...

    def withdraw_orders(self, order_manager: OrderManager) -> None:
        """The journal failed: begin to cancel all orders at the venues. Never raises."""
        ...

    async def orders_withdrawn(self) -> None:
        """Wait until no order is left at a venue."""
        ...

    def fire_guards(self) -> None:
        """The process ends: fire all guards now, while the journal still accepts entries."""
        ...

    async def finish_cancels(self, committer: Committer) -> None:
        """Wait until every mass cancel has cancelled its orders, or the journal has failed."""
        ...


class JournalRecovery:
    """Keeps the journal open. ``open_account_store`` opens it and reads the accounts; it blocks."""

    def __init__(
        self,
        lifecycle: DeskLifecycle,
        open_account_store: Callable[[], AccountStore],
        stats: DeskStats,
        hooks: RecoveryHooks,
    ) -> None:
        self._lifecycle = lifecycle
        self._open_account_store = open_account_store
        self._stats = stats
        self._hooks = hooks

    async def open(self) -> None:
        """Read the accounts and start. Where that fails, ``run`` tries again."""
        self._lifecycle.move_to(Opening())
        store, why = await self._read_accounts("the accounts have not been read yet")
        state = self._lifecycle.state
        if not isinstance(state, Opening):  # closed meanwhile
            await _close(store)
        elif store is None:
            self._lifecycle.move_to(Failed(why, None, None, 0, state.is_draining))
        else:
            self._start_with(store)

    async def run(self) -> None:
        """Save snapshots while the journal works, and recover when it fails. Runs until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._watch_journal())
            while True:
                committer = self._lifecycle.state.committer
                saving = None if committer is None else tasks.create_task(committer.save_snapshots())
                failed = await self._lifecycle.wait_for(Failed)
                if saving is not None:
                    saving.cancel()
                await self._recover(failed)

    async def _watch_journal(self) -> None:
        """Fail as soon as the journal is broken, though nobody appends."""
        while True:
            await asyncio.sleep(CHECK_S)
            committer = self._lifecycle.state.committer
            if committer is not None:
                journal = committer.store.journal
                journal.check()
                if journal.broken is not None:
                    committer.fail(journal.broken)

    def drain(self) -> None:
        """Refuse new orders, now or after recovery; cancels go on. Again: nothing happens."""
        match self._lifecycle.state:
            case Opening() | Failed() | Recovering() as state:
                self._lifecycle.move_to(replace(state, is_draining=True))
            case Draining() | Closing() | Closed():
                pass
            case Running(committer):
                self._lifecycle.move_to(Draining(committer))
            case New():
                raise IllegalTransitionError(DeskPhase.NEW, DeskPhase.DRAINING)

    async def close(self) -> None:
        """Fire all guards, wait until everything is durable, and close the journal."""
        self._hooks.fire_guards()
        state = self._lifecycle.state
        match state:
            case Running(committer) | Draining(committer):
                self._lifecycle.move_to(Closing(committer))
                await self._hooks.finish_cancels(committer)
                await committer.wait_until_durable()
                if self._lifecycle.state.phase is DeskPhase.CLOSING:  # else the journal failed; no recovery
                    self._lifecycle.move_to(Closed(committer.risk_status))
                await _close(committer.store)
            case Failed(store=store):
                self._lifecycle.move_to(Closed(state.risk_status))
                await _close(store)
            case Closing():
                raise IllegalTransitionError(state.phase, DeskPhase.CLOSING)
            case _:  # a thread that is opening the journal closes it again
                self._lifecycle.move_to(Closed(state.risk_status))

    # --- parts --------------------------------------------------------------------------------------

    def _start_with(self, store: AccountStore) -> bool:
        """Go to RUNNING or DRAINING with these accounts, or to FAILED. Return whether the desk works."""
        state = self._lifecycle.state
        assert isinstance(state, Opening | Recovering), state
        committer: Committer | None = None
        try:
            committer = self._hooks.make_committer(store, self._fail)
            if isinstance(state, Recovering):
                store.order_manager.skip_ids(state.last_order_id)
            self._lifecycle.move_to(Draining(committer) if state.is_draining else Running(committer))
            self._hooks.on_accounts_ready(committer)
        except Exception as error:  # of a venue: market data and the other venues must not end with it
            log.exception("accounts read, but not put to work")
            if self._lifecycle.state is state:
                last_order_id = state.last_order_id if isinstance(state, Recovering) else 0
                failed = Failed(str(error), store, state.risk_status, last_order_id, state.is_draining)
                self._lifecycle.move_to(failed)
            elif committer is not None:
                committer.fail(error)
        return committer is not None and self._lifecycle.state.committer is committer

    def _fail(self, error: Exception) -> None:
        """The journal failed: cancel all orders at the venues; ``run`` recovers."""
        match self._lifecycle.state:
            case Running(committer) | Draining(committer) as state:
                self._stats.failures += 1
                log.error("the journal failed; orders are refused", error=str(error))
                order_manager, is_draining = committer.store.order_manager, isinstance(state, Draining)
                self._lifecycle.move_to(
                    Failed(
                        str(error),
                        committer.store,
                        committer.risk_status,
                        order_manager.last_order_id(),
                        is_draining,
                    )
                )
                self._hooks.withdraw_orders(order_manager)
            case Closing(committer):
                self._lifecycle.move_to(Closed(committer.risk_status))
            case _:
                pass  # it was closed, and fails afterwards

    async def _recover(self, failed: Failed) -> None:
        self._lifecycle.move_to(
            Recovering(failed.why, failed.risk_status, failed.last_order_id, failed.is_draining)
        )
        await _close(failed.store)
        store = await self._reopen(failed.why)
        if self._is_recovering():
            await self._hooks.orders_withdrawn()
        if store is None or not self._is_recovering():  # closed meanwhile
            await _close(store)
            return
        if not self._start_with(store):
            await asyncio.sleep(RETRY_S)
            return
        committer = self._lifecycle.state.committer
        if committer is not None:
            self._hooks.resend_missed_events(committer)

    def _is_recovering(self) -> bool:
        return isinstance(self._lifecycle.state, Recovering)

    async def _reopen(self, why: str) -> AccountStore | None:
        """Try until the journal can be opened and read. Return None where the desk was closed meanwhile."""
        while self._is_recovering():
            store, why = await self._read_accounts(why)
            if store is not None:
                return store
            await asyncio.sleep(RETRY_S)
        return None

    async def _read_accounts(self, why: str) -> tuple[AccountStore | None, str]:
        """Open the journal and read the accounts, in a thread. Return None and the reason where that fails.

        ``why`` is the reason of the last failure: the same one is not logged again. Leaves nothing open when
        cancelled.
        """
        opening = asyncio.ensure_future(asyncio.to_thread(self._open_account_store))
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


async def _close(store: AccountStore | None) -> None:
    """Close the journal in a thread, after what waits is on disk. A cancelled caller waits for that too."""
    if store is None:
        return
    closing = asyncio.ensure_future(asyncio.to_thread(store.journal.close))
    try:
        await asyncio.shield(closing)
    except asyncio.CancelledError:
        await closing
        raise

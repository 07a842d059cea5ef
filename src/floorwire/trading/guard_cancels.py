"""Makes the cancels that guards ask for: cancel on disconnect, the dead man's timer.

Each is made, also where the journal fails: when there are no accounts as a guard fires, or when the cancel
is lost with the journal, it is made after the accounts have been read again.
"""

from __future__ import annotations

from functools import partial

import structlog

from floorwire.clock import Clock
from floorwire.core.account_events import Guard
from floorwire.core.codes import Code
from floorwire.trading.cancel_guards import CancelGuards, GuardOwner
from floorwire.trading.committer import Committer
from floorwire.trading.decision_executor import DecisionExecutor
from floorwire.trading.desk_state import DeskLife

log = structlog.get_logger("floorwire.desk")


class GuardCancels:
    """The guards' timers, and the cancels that are not durable yet."""

    def __init__(self, life: DeskLife, executor: DecisionExecutor, clock: Clock) -> None:
        self.guards = CancelGuards(clock, self._cancel, self._journal_guard)
        self._life = life
        self._executor = executor
        self._clock = clock
        self._due: list[tuple[GuardOwner, Code]] = []
        """Whose orders have to be cancelled, and why; removed when that is durable."""

    def begin(self, committer: Committer) -> None:
        """The accounts were read: cancel what is due. None of these orders is in a market; they stay out."""
        order_manager, stamp_us = committer.book.order_manager, self._clock.stamp_us()
        kept = {GuardOwner(account, key): guard for account, key, guard in order_manager.guards()}
        gone = [(whose, Code.DISCONNECTED) for whose in self.guards.begin(kept)]
        due, self._due = dict.fromkeys([*self._due, *gone]), []
        for whose, code in due:
            entries = order_manager.withdraw(whose.account, whose.key, code, stamp_us)
            committer.book_entries(entries)
            self._remember(committer, whose, code)
            log.info("cancelled", account=whose.account, key=whose.key, code=code.value, orders=len(entries))
        for whose in sorted({*kept, *self.guards.owners()}):
            self._journal_guard(whose, self.guards.of(whose))

    def _cancel(self, whose: GuardOwner, code: Code) -> None:
        """A guard fires: cancel now, or when there are accounts again."""
        committer = self._life.state.committer
        if committer is None:
            self._due.append((whose, code))
            return
        self._remember(committer, whose, code)
        decision = committer.book.order_manager.cancel_all(account=whose.account, key=whose.key, code=code)
        if self._executor.execute_or_fail(committer, decision, self._clock.stamp_us()):
            orders = len(decision.commands)
            log.info("cancelled", account=whose.account, key=whose.key, code=code.value, orders=orders)

    def _remember(self, committer: Committer, whose: GuardOwner, code: Code) -> None:
        """Cancel for this key again, where the journal fails before the cancel is durable."""
        self._due.append((whose, code))
        committer.then(partial(self._due.remove, (whose, code)))

    def _journal_guard(self, whose: GuardOwner, guard: Guard) -> None:
        """Journal the key's guard, if it changed; without accounts, ``begin`` does it."""
        committer = self._life.state.committer
        if committer is not None:
            with committer.failing_alone("guard"):
                order_manager = committer.book.order_manager
                committer.book_entries(
                    order_manager.set_guard(whose.account, whose.key, guard, self._clock.stamp_us())
                )

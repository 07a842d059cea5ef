"""Cancels orders when a guard fires: cancel on disconnect, the dead man's timer.

No cancel is lost when the journal fails: one that could not be made, or was not durable, is made after the
accounts have been read again.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import structlog

from floorwire.clock import Clock
from floorwire.core.account_events import Guard, MassCancel
from floorwire.core.codes import Code
from floorwire.ops.loop_stalls import LoopStalls
from floorwire.trading.committer import Committer
from floorwire.trading.desk_state import DeskLifecycle
from floorwire.trading.guard_timers import GuardOwner, GuardTimers
from floorwire.trading.mass_cancels import MassCancels

log = structlog.get_logger("floorwire.desk")


class GuardCancels:
    """Owns the guards' timers, and the cancels that are not durable yet."""

    def __init__(
        self, lifecycle: DeskLifecycle, mass_cancels: MassCancels, clock: Clock, loop_stalls: LoopStalls
    ) -> None:
        self.guards = GuardTimers(clock, self._cancel, self._journal_guard, loop_stalls)
        self._lifecycle = lifecycle
        self._mass_cancels = mass_cancels
        self._clock = clock
        self._due_cancels: list[tuple[GuardOwner, Code]] = []
        """Owners whose orders have to be cancelled, and the code; removed when that is durable."""

    def restore(self, committer: Committer) -> None:
        """The accounts were read: cancel what is due before these orders go back to their venues."""
        order_manager = committer.store.order_manager
        kept = {GuardOwner(account, key): guard for account, key, guard in order_manager.guards()}
        gone = [(owner, Code.DISCONNECTED) for owner in self.guards.restore(kept)]
        due, self._due_cancels = dict.fromkeys([*self._due_cancels, *gone]), []
        for owner, code in due:
            self._cancel(owner, code)
        for owner in sorted({*kept, *self.guards.owners()}):
            self._journal_guard(owner, self.guards.guard_of(owner))

    def _cancel(self, owner: GuardOwner, code: Code) -> None:
        """A guard fired: cancel now, or after recovery while the journal is broken."""
        committer = self._lifecycle.state.committer
        if committer is None:
            self._due_cancels.append((owner, code))
            return
        self._retry_unless_durable(committer, owner, code)
        mass_cancel = MassCancel(owner.account, key=owner.key, code=code)
        on_found = partial(self._log, owner, code)
        with committer.fail_on_error("guard"):
            order_ids = self._mass_cancels.start(committer, mass_cancel, on_found)
            if order_ids is not None:
                on_found(order_ids)

    @staticmethod
    def _log(owner: GuardOwner, code: Code, cancelled: Sequence[object] | None) -> None:
        if cancelled:  # a client could fill the log with guards that cancel nothing
            orders = len(cancelled)
            log.info("cancelled", account=owner.account, key=owner.key, code=code.value, orders=orders)

    def _retry_unless_durable(self, committer: Committer, owner: GuardOwner, code: Code) -> None:
        """Cancel again after recovery, if the journal fails before the cancel is durable."""
        self._due_cancels.append((owner, code))
        committer.when_durable(partial(self._due_cancels.remove, (owner, code)))

    def _journal_guard(self, owner: GuardOwner, guard: Guard) -> None:
        """Journal the owner's guard, if it changed; ``restore`` does it while the journal is broken."""
        committer = self._lifecycle.state.committer
        if committer is not None:
            with committer.fail_on_error("guard"):
                order_manager = committer.store.order_manager
                committer.add_entries(
                    order_manager.set_guard(owner.account, owner.key, guard, self._clock.stamp_us())
                )

"""The states of the desk: which may follow which; every other transition raises."""

from __future__ import annotations

import asyncio
import threading
from itertools import product

import pytest

from floorwire.core.ports import Prices
from floorwire.engine.order_manager import OrderManager
from floorwire.engine.trading_rules import TradingRules
from floorwire.ops.stats import DeskStats
from floorwire.trading.account_store import AccountStore, open_account_store
from floorwire.trading.committer import Committer
from floorwire.trading.desk_state import (
    NEXT,
    Closed,
    Closing,
    DeskLifecycle,
    DeskPhase,
    DeskState,
    Draining,
    Failed,
    IllegalTransitionError,
    New,
    Opening,
    Recovering,
    Running,
)
from floorwire.trading.private_fanout import PrivateFanout
from floorwire.trading.recovery import JournalRecovery
from tests.trading.flaky import Disk

LEGAL = {
    "new": "opening closed",
    "opening": "opening running draining failed closed",
    "running": "draining failed closing",
    "draining": "failed closing",
    "failed": "failed recovering closed",
    "recovering": "recovering running draining failed closed",
    "closing": "closed",
    "closed": "",
}
"""Written out again on purpose: who changes the table has to mean it."""


def accounts() -> AccountStore:
    return open_account_store(Disk().open, TradingRules(), lambda _: Prices(0, 0, 0, "connecting"))


def make_committer(store: AccountStore) -> Committer:
    def instrument_of(_: object) -> None:
        raise AssertionError("no orders here")

    return Committer(store, PrivateFanout(instrument_of, lambda: 1), 1000, lambda _: None, DeskStats())  # type: ignore[arg-type]


def states() -> dict[DeskPhase, DeskState]:
    """Return one state of each phase."""
    committer = make_committer(accounts())
    made: tuple[DeskState, ...] = (
        New(),
        Opening(),
        Running(committer),
        Draining(committer),
        Failed("why", None, None, 0, False),
        Recovering("why", None, 0, False),
        Closing(committer),
        Closed(None),
    )
    return {state.phase: state for state in made}


@pytest.mark.parametrize(
    ("before", "after"), list(product(DeskPhase, DeskPhase)), ids=lambda phase: phase.value
)
async def test_a_transition_is_legal_or_raises_with_both_names(before: DeskPhase, after: DeskPhase) -> None:
    lifecycle, made = DeskLifecycle(), states()
    lifecycle.state = made[before]
    if after.value in LEGAL[before.value].split():
        lifecycle.move_to(made[after])
        assert lifecycle.state is made[after]
    else:
        with pytest.raises(IllegalTransitionError, match=f"from {before.value} to {after.value}$") as caught:
            lifecycle.move_to(made[after])
        assert (caught.value.before, caught.value.after) == (before, after)
        assert lifecycle.state is made[before], "it stays where it was"


async def test_each_state_says_whether_the_journal_works() -> None:
    works = {phase for phase, state in states().items() if state.committer is not None}
    assert works == {DeskPhase.RUNNING, DeskPhase.DRAINING, DeskPhase.CLOSING}
    refuses_orders = {phase for phase, state in states().items() if state.committer and state.is_draining}
    assert refuses_orders == {DeskPhase.DRAINING, DeskPhase.CLOSING}


def test_every_phase_can_be_reached_and_left_for_the_end() -> None:
    reached, left = {DeskPhase.NEW}, {DeskPhase.CLOSED}
    for _ in DeskPhase:
        reached |= {after for phase in reached for after in NEXT[phase]}
        left |= {phase for phase in DeskPhase if NEXT[phase] & left}
    assert reached == left == set(DeskPhase)


async def test_a_state_is_waited_for_and_returned_at_once_when_present() -> None:
    lifecycle = DeskLifecycle()
    seen: list[Failed] = []

    async def watch() -> None:
        seen.append(await lifecycle.wait_for(Failed))

    first = asyncio.create_task(watch())
    await asyncio.sleep(0)
    lifecycle.move_to(Opening())
    await asyncio.sleep(0)
    assert not seen
    failed = Failed("why", None, None, 0, False)
    lifecycle.move_to(failed)
    await first
    await watch()
    assert seen == [failed, failed]


class RecordingHooks:
    """Hooks that record their calls."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.fault: Exception | None = None

    def make_committer(self, store: AccountStore, on_failure: object) -> Committer:
        """Return one, or fail as told."""
        if self.fault is not None:
            raise self.fault
        return make_committer(store)

    def on_accounts_ready(self, committer: Committer) -> None:
        """Record the call."""
        self.done.append("ready")

    def resend_missed_events(self, committer: Committer) -> None:
        """Record the call."""
        self.done.append("tell")

    def withdraw_orders(self, order_manager: OrderManager) -> None:
        """Record the call."""
        self.done.append("out")

    async def orders_withdrawn(self) -> None:
        """Record the call."""
        self.done.append("withdrawn")

    def fire_guards(self) -> None:
        """Record the call."""
        self.done.append("end")

    async def finish_cancels(self, committer: Committer) -> None:
        """Record the call."""
        self.done.append("finish")


async def test_calls_in_the_wrong_state_raise() -> None:
    lifecycle = DeskLifecycle()
    recovery = JournalRecovery(lifecycle, accounts, DeskStats(), RecordingHooks())
    with pytest.raises(IllegalTransitionError, match="from new to draining"):
        recovery.drain()
    await recovery.open()
    with pytest.raises(IllegalTransitionError, match="from running to opening"):
        await recovery.open()
    recovery.drain()
    recovery.drain()
    await recovery.close()
    recovery.drain()
    with pytest.raises(IllegalTransitionError, match="from closed to closed"):
        await recovery.close()
    with pytest.raises(IllegalTransitionError, match="from closed to opening"):
        await recovery.open()


async def test_accounts_that_cannot_be_put_to_work_are_closed_and_read_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("floorwire.trading.recovery.RETRY_S", 0.001)
    opened: list[AccountStore] = []

    def opening() -> AccountStore:
        opened.append(accounts())
        return opened[-1]

    lifecycle, hooks = DeskLifecycle(), RecordingHooks()
    recovery = JournalRecovery(lifecycle, opening, DeskStats(), hooks)
    hooks.fault = ZeroDivisionError("a fault of ours")
    await recovery.open()
    assert lifecycle.state.phase is DeskPhase.FAILED
    running = asyncio.create_task(recovery.run())
    while len(opened) < 3:
        await asyncio.sleep(0.001)
    hooks.fault = None
    await lifecycle.wait_for(Running)
    assert [store.journal.broken is None for store in opened] == [False] * (len(opened) - 1) + [True]
    assert hooks.done == ["withdrawn"] * (len(opened) - 1) + ["ready", "tell"]
    running.cancel()


async def test_who_is_closed_after_a_failure_leaves_no_journal_open() -> None:
    opened: list[AccountStore] = []

    def opening() -> AccountStore:
        opened.append(accounts())
        return opened[-1]

    lifecycle, hooks = DeskLifecycle(), RecordingHooks()
    hooks.fault = ZeroDivisionError("a fault of ours")
    recovery = JournalRecovery(lifecycle, opening, DeskStats(), hooks)
    await recovery.open()
    recovery.drain()
    assert (lifecycle.state.phase, lifecycle.state.is_draining) == (DeskPhase.FAILED, True)
    await recovery.close()
    assert [str(store.journal.broken) for store in opened] == ["the journal is closed"]


async def test_accounts_read_after_the_end_are_closed_and_not_put_to_work() -> None:
    opened: list[AccountStore] = []
    begun: list[int] = []
    may_open = threading.Event()
    may_open.set()

    def opening() -> AccountStore:
        begun.append(1)
        assert may_open.wait(20)
        opened.append(accounts())
        return opened[-1]

    lifecycle, hooks = DeskLifecycle(), RecordingHooks()
    hooks.fault = ZeroDivisionError("a fault of ours")
    recovery = JournalRecovery(lifecycle, opening, DeskStats(), hooks)
    await recovery.open()
    hooks.fault = None
    may_open.clear()
    running = asyncio.create_task(recovery.run())
    while len(begun) < 2:
        await asyncio.sleep(0.001)
    await recovery.close()
    may_open.set()
    while len(opened) < 2 or opened[-1].journal.broken is None:
        await asyncio.sleep(0.001)
    assert not running.done(), "the end is no failure"
    assert (lifecycle.state.phase, hooks.done) == (DeskPhase.CLOSED, ["end"])
    running.cancel()


async def test_accounts_that_the_engine_cannot_replay_stop_orders_and_not_the_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("floorwire.trading.recovery.RETRY_S", 0.001)
    faults: list[Exception] = [OverflowError("too large for the engine"), OverflowError("and again")]

    def opening() -> AccountStore:
        if faults:
            raise faults.pop()
        return accounts()

    lifecycle, hooks = DeskLifecycle(), RecordingHooks()
    recovery = JournalRecovery(lifecycle, opening, DeskStats(), hooks)
    await recovery.open()
    assert lifecycle.state == Failed("and again", None, None, 0, False)
    running = asyncio.create_task(recovery.run())
    await lifecycle.wait_for(Running)
    assert hooks.done == ["withdrawn", "ready", "tell"]
    running.cancel()

"""Mass cancels: cancels many orders in turns, so that the event loop does other work in between.

``docs/orders.md`` has the states. Few orders are cancelled at once. For more, the journal gets the start of
the mass cancel first. Then each turn cancels some orders, when the turn before is durable. So a slow disk
slows them down, and never has more than one turn's records to write. If the process ends midway, the next one
goes on (``resume``) before any order goes back into the market (``after_running``).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeAlias

import structlog

from floorwire.clock import Clock
from floorwire.core.account_events import MassCancel, MassCancelStarted
from floorwire.core.codes import Code
from floorwire.engine.mass_cancel_scan import MassCancelScan
from floorwire.engine.order_manager import OrderDecision
from floorwire.trading.committer import Committer
from floorwire.trading.decision_executor import DecisionExecutor

EXAMINED_A_TURN = 5_000
"""Open orders that one turn examines, of all mass cancels. An order takes 0.2 us, and 1 us where it is in no
cache of the processor. So a turn also ends after TURN_US."""
EXAMINED_A_STEP = 500
"""Open orders examined between two looks at the clock."""
CANCELS_A_TURN = 100
"""Cancels in one turn of the event loop, of all mass cancels."""
TURN_US = 1_500
"""After this time a turn ends, with fewer cancels. Encoding and private events take as long again."""
STEP = 10
"""Cancels between two looks at the clock."""

Callback: TypeAlias = Callable[[], None]
OnFound: TypeAlias = Callable[[Sequence[int] | None], None]
"""Gets the ids of the orders that are being cancelled; None where the journal failed before."""

log = structlog.get_logger("floorwire.desk")


@dataclass(eq=False)
class _Running:
    """A mass cancel that takes several turns."""

    started: MassCancelStarted
    scan: MassCancelScan
    order_ids: list[int]
    on_found: OnFound
    sent: int = field(default=0)
    """How many of the orders were dealt with."""

    @property
    def code(self) -> Code | None:
        """The reason, for the orders."""
        return self.started.mass_cancel.code


class MassCancels:
    """The mass cancels that are running. They take turns. They end without a word when the journal fails."""

    def __init__(self, executor: DecisionExecutor, clock: Clock) -> None:
        self._executor = executor
        self._clock = clock
        self._committer: Committer | None = None
        """The one that ``_running`` and ``_finding`` belong to."""
        self._running: deque[_Running] = deque()
        """Those whose orders are all found. Bounded by the open orders: each has at least one."""
        self._finding: deque[_Running] = deque()
        """Those whose orders are being looked for. Bounded by the rate of requests, and by the guards."""
        self._waiting: list[tuple[set[_Running], Callback]] = []
        """Callbacks, each with the mass cancels that it waits for. Bounded by venues and changed symbols."""
        self._is_turn_scheduled = False
        self._sent_now = self._examined_now = self._examining_us = 0
        """Cancels sent, and open orders examined with the time it took, in this turn of the event loop."""
        self._is_counting = False
        """Whether the next turn of the loop sets these to 0."""

    def start(self, committer: Committer, mass_cancel: MassCancel, on_found: OnFound) -> Sequence[int] | None:
        """Cancel the orders, now or in turns. Return their ids; None: ``on_found`` gets them later.

        Raises what a venue raises. What was executed is then unknown, so the caller must fail the committer.
        """
        self._use(committer)
        order_manager, stamp_us = committer.store.order_manager, self._clock.stamp_us()
        started = order_manager.mass_cancel(mass_cancel, stamp_us)
        scan = order_manager.scan(started)
        order_ids = self._find_now(scan)
        if scan.is_done and self._fits_now(len(order_ids)):
            self._send(committer, order_ids, mass_cancel.code, stamp_us)
            return order_ids
        committer.add_entries([order_manager.start_mass_cancel(started)])
        self._go_on(committer, _Running(started, scan, order_ids, on_found))
        return order_ids if scan.is_done else None

    def resume(self, committer: Committer) -> None:
        """The accounts were read: go on with the mass cancels that had not ended."""
        self._use(committer)
        order_manager, stamp_us = committer.store.order_manager, self._clock.stamp_us()
        for started in order_manager.unfinished_mass_cancels():
            scan = order_manager.scan(started)
            running = _Running(started, scan, self._find_now(scan), _ignore)
            if scan.is_done and self._fits_now(len(running.order_ids)):
                self._send(committer, running.order_ids, running.code, stamp_us)
                self._end(committer, running, stamp_us)
            else:
                self._go_on(committer, running)

    def after_running(self, committer: Committer, callback: Callback) -> None:
        """Call back when all mass cancels that run now have ended: at once where none runs.

        Never where the journal fails before.
        """
        self._use(committer)
        running = {*self._running, *self._finding}
        if running:
            self._waiting.append((running, callback))
        else:
            callback()

    async def finish(self, committer: Committer) -> None:
        """Return when no mass cancel is running any more, or the journal has failed."""
        while committer is self._committer and not committer.has_failed and (self._running or self._finding):
            await committer.wait_until_durable()
            await asyncio.sleep(0)

    # --- parts --------------------------------------------------------------------------------------

    def _use(self, committer: Committer) -> None:
        """Forget what belongs to an earlier opening of the journal: recovery has cancelled those orders."""
        if committer is not self._committer:
            self._give_up_finding()
            self._committer = committer
            self._running, self._waiting, self._is_turn_scheduled = deque(), [], False

    def _give_up_finding(self) -> None:
        """The journal failed: say so to those whose orders were not found yet."""
        finding, self._finding = self._finding, deque()
        for running in finding:
            running.on_found(None)

    def _fits_now(self, count: int) -> bool:
        return not count or (not self._running and self._sent_now + count <= CANCELS_A_TURN)

    def _find_now(self, scan: MassCancelScan) -> list[int]:
        """Examine as many orders as this turn of the loop still may."""
        self._count_turn()
        order_ids: list[int] = []
        while not scan.is_done and self._may_examine():
            before, began_us = scan.examined, self._clock.monotonic_us()
            order_ids += scan.find(min(EXAMINED_A_STEP, EXAMINED_A_TURN - self._examined_now))
            self._examined_now += scan.examined - before
            self._examining_us += self._clock.monotonic_us() - began_us
        return order_ids

    def _may_examine(self) -> bool:
        return self._examined_now < EXAMINED_A_TURN and self._examining_us < TURN_US

    def _find(self, committer: Committer) -> None:
        """Look for more orders; when all of a mass cancel are found, let them be cancelled."""
        if committer is not self._committer:
            return
        while self._finding and not committer.has_failed and self._may_examine():
            running = self._finding[0]
            with committer.fail_on_error("mass cancel"):
                running.order_ids += self._find_now(running.scan)
                if running.scan.is_done:
                    self._finding.popleft()
                    running.on_found(running.order_ids)
                    self._enqueue(committer, running)
        if committer.has_failed:
            self._give_up_finding()
        elif self._finding:
            asyncio.get_running_loop().call_soon(self._find, committer)

    def _go_on(self, committer: Committer, running: _Running) -> None:
        """Let the orders be found, and cancelled in turns."""
        if running.scan.is_done:
            self._enqueue(committer, running)
            return
        self._finding.append(running)
        if len(self._finding) == 1:
            asyncio.get_running_loop().call_soon(self._find, committer)

    def _enqueue(self, committer: Committer, running: _Running) -> None:
        self._running.append(running)
        self._schedule_turn(committer)

    def _schedule_turn(self, committer: Committer) -> None:
        """Cancel more when everything so far is durable; never where the journal fails."""
        if not self._is_turn_scheduled:
            self._is_turn_scheduled = True
            committer.when_durable(partial(self._on_durable, committer))

    def _on_durable(self, committer: Committer) -> None:
        # In the next turn of the loop, so that it reads sockets between two turns of ours.
        asyncio.get_running_loop().call_soon(self._turn, committer)

    def _turn(self, committer: Committer) -> None:
        """Cancel some orders of the first mass cancel, and of the next ones if it has fewer."""
        if committer is not self._committer or committer.has_failed:
            return
        self._is_turn_scheduled = False
        stamp_us, until_us = self._clock.stamp_us(), self._clock.monotonic_us() + TURN_US
        left = CANCELS_A_TURN
        with committer.fail_on_error("mass cancel"):
            while self._running and left > 0 and self._clock.monotonic_us() < until_us:
                running = self._running[0]
                order_ids = running.order_ids[running.sent : running.sent + STEP]
                running.sent += len(order_ids)
                left -= STEP
                self._send(committer, order_ids, running.code, stamp_us)
                if running.sent == len(running.order_ids):
                    self._running.popleft()
                    self._end(committer, running, stamp_us)
        if self._running and not committer.has_failed:
            self._running.rotate(-1)  # a small one does not wait for the end of a large one
            self._schedule_turn(committer)

    def _send(self, committer: Committer, order_ids: Sequence[int], code: Code | None, stamp_us: int) -> None:
        """Cancel those of the orders that are still open."""
        if not order_ids:
            return
        self._count_turn()
        self._sent_now += len(order_ids)
        commands = committer.store.order_manager.cancels(order_ids, code)
        self._executor.execute(committer, OrderDecision(None, (), commands), stamp_us)

    def _count_turn(self) -> None:
        if not self._is_counting:
            self._is_counting = True
            asyncio.get_running_loop().call_soon(self._start_turn)

    def _start_turn(self) -> None:
        self._is_counting = False
        self._sent_now = self._examined_now = self._examining_us = 0

    def _end(self, committer: Committer, running: _Running, stamp_us: int) -> None:
        number = running.started.number
        committer.add_entries([committer.store.order_manager.end_mass_cancel(number, stamp_us)])
        if running.order_ids:
            log.info("mass cancel ended", number=number, orders=len(running.order_ids))
        for others, callback in self._waiting:
            others.discard(running)
            if not others:
                asyncio.get_running_loop().call_soon(self._call_back, committer, callback)
        self._waiting = [waiting for waiting in self._waiting if waiting[0]]

    def _call_back(self, committer: Committer, callback: Callback) -> None:
        if committer is self._committer and not committer.has_failed:
            with committer.fail_on_error("after mass cancels"):
                callback()


def _ignore(_order_ids: Sequence[int] | None) -> None:
    """Nobody asks which orders are cancelled."""

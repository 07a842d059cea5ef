"""Remote venue: the desk's side of one venue outside this process.

``docs/live-orders.md`` has its states. ``engine.remote_orders`` decides everything. This class journals what
that decides, sends commands when it is durable, and calls when a time has come. A connector sends the
commands, and brings the venue's reports.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from enum import Enum
from functools import partial
from typing import Protocol

import structlog

from floorwire.clock import Clock
from floorwire.core.account_events import Quarantined
from floorwire.core.execution_reports import Report
from floorwire.core.order_commands import Cancel, Command, Place
from floorwire.core.ports import Prices
from floorwire.core.remote_order_messages import (
    LinkDown,
    LinkUp,
    PlaceOrder,
    RemoteCommand,
    RemotePolicy,
    RemoteReport,
)
from floorwire.engine.order_inquiries import NEVER_US
from floorwire.engine.remote_account import RemoteDecision
from floorwire.engine.remote_orders import RemoteOrders
from floorwire.ops.stats import RemoteFigures
from floorwire.trading.committer import Committer

LEAST_WAIT_S = 0.005
"""The shortest time between two calls of ``wake``, so that other work gets its turn."""
MOST_SOURCE = 1_000
"""Characters of a report that the log has."""
LAST_WAIT_S = 2.0
"""How long the end of the process waits for the answers to its last cancels."""

log = structlog.get_logger("floorwire.desk")


class RemotePhase(Enum):
    """The names of the states."""

    UNREAD = "unread"
    DOWN = "down"
    RECONCILING = "reconciling"
    OPEN = "open"
    FAULT = "fault"


class CommandSender(Protocol):
    """Sends commands to one venue. A connector does."""

    def send(self, command: RemoteCommand) -> None:
        """Begin to send. Answers come as reports, never before this returns. Never raises."""
        ...

    def prepare(self, command: PlaceOrder) -> None:
        """Make ready what can be made before the command may leave. Nothing is sent. Never raises."""
        ...


class RemoteVenue:
    """One account at one venue outside this process. The desk executes its commands here."""

    def __init__(
        self,
        venue: str,
        account: str,
        policy: RemotePolicy,
        clock: Clock,
    ) -> None:
        self.venue = venue
        self.account = account
        self.policy = policy
        self._prices: Callable[[str], Prices] = _no_prices
        self._clock = clock
        self._sender: CommandSender | None = None
        self._committer: Committer | None = None
        """None: there are no accounts."""
        self._remote: RemoteOrders | None = None
        self._is_linked = False
        self._has_fault = False
        self.ignored = 0
        """Reports that came without accounts, or after a fault."""
        self._undurable = self._waiting = 0
        """The desk's commands, and decisions with commands to send, that wait until they are durable."""
        self._timer: asyncio.TimerHandle | None = None

    @property
    def phase(self) -> RemotePhase:
        """The state."""
        if self._has_fault:
            return RemotePhase.FAULT
        if self._remote is None:
            return RemotePhase.UNREAD
        if not self._is_linked:
            return RemotePhase.DOWN
        return RemotePhase.OPEN if self._remote.is_ready else RemotePhase.RECONCILING

    def connect(self, sender: CommandSender, prices: Callable[[str], Prices]) -> None:
        """Send commands there. Called once, before anything else.

        ``prices``: returns the venue's own prices of a symbol, for the risk checks.
        """
        self._sender = sender
        self._prices = prices

    # --- the accounts -------------------------------------------------------------------------------

    def open(self, committer: Committer) -> None:
        """The accounts were read: the venue's orders are kept there. ``start`` follows."""
        order_manager, now_us = committer.store.order_manager, self._clock.monotonic_us()
        epoch = committer.store.epoch
        self._committer, self._undurable, self._waiting = committer, 0, 0
        self._remote = order_manager.open_remote(self.venue, self.account, self.policy, epoch, now_us)

    def start(self, committer: Committer) -> None:
        """Look up the orders that were on their way."""
        if self._remote is not None and not self._has_fault:
            self._decide(committer, partial(self._remote.start, is_linked=self._is_linked), "start")

    def close(self) -> None:
        """There are no accounts any more. The orders stay at the venue."""
        self._committer = self._remote = None
        self._set_timer()

    async def last_commands(self, committer: Committer) -> None:
        """Wait until the last commands have left, and for a while for their answers."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + LAST_WAIT_S
        while committer is self._committer and not committer.has_failed and loop.time() < until_s:
            remote = self._remote
            is_waiting = self._undurable or self._waiting
            if remote is None or not (is_waiting or (self._is_linked and remote.is_waiting_for_answers())):
                return
            await committer.wait_until_durable()
            await asyncio.sleep(LEAST_WAIT_S)

    # --- VenueExecutor of the router ----------------------------------------------------------------

    def execute(self, command: Command) -> Sequence[Report]:
        """Send the command when everything so far is durable. Reports about it come later."""
        committer = self._committer
        if committer is not None:
            self._undurable += 1
            execute = partial(self._execute, committer, command)
            if type(command) is not Place:
                committer.when_durable(execute)
            elif committer.when_order_durable(command.order_id, execute):
                self._prepare(committer, command)  # the disk writes its intent already
            elif self._undurable == 1:
                committer.while_writing(partial(self._prepare, committer, command))
        return ()

    def prices(self, symbol: str) -> Prices:
        """Return the venue's own prices of the symbol."""
        return self._prices(symbol)

    def _prepare(self, committer: Committer, command: Place) -> None:
        """While the disk writes the intent: make the order ready, so that it leaves soon after."""
        remote, sender = self._remote, self._sender
        if remote is None or sender is None or committer is not self._committer or self._has_fault:
            return
        try:
            prepared = remote.prepare(command)
            if prepared is not None:
                sender.prepare(prepared)
        except Exception:  # a bug of ours: the order is made when it is sent
            log.exception("fault; an order was not prepared", venue=self.venue)

    def _execute(self, committer: Committer, command: Command) -> None:
        remote = self._remote
        if remote is None or committer is not self._committer:
            return
        self._undurable -= 1
        if committer.has_failed:
            return
        if self._has_fault:
            cancel = remote.cancel_command(command.order_id) if isinstance(command, Cancel) else None
            self._send([] if cancel is None else [cancel])
            return
        self._decide(committer, partial(remote.command, command), command)

    # --- what happens -------------------------------------------------------------------------------

    def reported(self, report: RemoteReport) -> None:
        """Book what the venue reports. Never raises."""
        if isinstance(report, LinkUp | LinkDown):
            self._set_linked(is_linked=isinstance(report, LinkUp))
        remote, committer = self._remote, self._committer
        if remote is None or committer is None or committer.has_failed or self._has_fault:
            self.ignored += 1
            return
        self._decide(committer, partial(remote.receive, report), report)

    def send_when_durable(self, committer: Committer, commands: list[RemoteCommand]) -> None:
        """Send the commands of an operator's decision. Its entries are in the committer already."""
        self._send_when_durable(committer, commands)
        self._set_timer()

    def figures(self) -> RemoteFigures:
        """Return the numbers for the metrics."""
        unknown = 0 if self._remote is None else self._remote.unknown_count()
        counts = {} if self._remote is None else self._remote.counts
        return RemoteFigures(self.phase.value, unknown, {**counts, "ignored": self.ignored})

    def _set_linked(self, *, is_linked: bool) -> None:
        if is_linked is not self._is_linked:
            self._is_linked = is_linked
            log.info("orders: private stream", venue=self.venue, is_up=is_linked)

    def _wake(self) -> None:
        self._timer = None
        remote, committer = self._remote, self._committer
        if remote is None or committer is None or committer.has_failed or self._has_fault:
            return
        self._decide(committer, remote.wake, "wake")

    # --- parts --------------------------------------------------------------------------------------

    def _decide(
        self, committer: Committer, decide: Callable[[int, int], RemoteDecision], source: object
    ) -> None:
        """Carry out a decision. ``source``: what it is about, for the log. Never raises."""
        try:
            at = self._clock.moment()
            decision = decide(at.now_us, at.stamp_us)
            self._carry_out(committer, decision)
        except Exception as error:  # a bug of ours: this venue stops, and the accounts are read again
            self._has_fault = True
            about = repr(source)[:MOST_SOURCE]
            log.exception(
                "fault; this venue takes no orders until the next start", venue=self.venue, at=about
            )
            committer.fail(error)

    def _carry_out(self, committer: Committer, decision: RemoteDecision) -> None:
        if decision.entries:
            committer.add_entries(decision.entries)
            for entry in decision.entries:
                if isinstance(entry.event, Quarantined):
                    log_quarantined(entry.event)
        if decision.entries or self._waiting:
            self._send_when_durable(committer, decision.commands)
        else:
            self._send(decision.commands)
        self._set_timer()

    def _send_when_durable(self, committer: Committer, commands: list[RemoteCommand]) -> None:
        if commands:
            self._waiting += 1
            committer.when_durable(partial(self._on_durable, committer, commands))

    def _on_durable(self, committer: Committer, commands: list[RemoteCommand]) -> None:
        if committer is self._committer:
            self._waiting -= 1
            self._send(commands)

    def _send(self, commands: Sequence[RemoteCommand]) -> None:
        assert self._sender is not None, "a connector was given before"
        for command in commands:
            self._sender.send(command)

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._remote is None or self._has_fault:
            return
        due_us = self._remote.due_us()
        if due_us < NEVER_US:
            wait_s = max(LEAST_WAIT_S, (due_us - self._clock.monotonic_us()) / 1_000_000)
            self._timer = asyncio.get_running_loop().call_later(wait_s, self._wake)


def _no_prices(_symbol: str) -> Prices:
    return Prices(0, 0, 0, "connecting")


def log_quarantined(quarantined: Quarantined) -> None:
    """Tell operators of an order in quarantine."""
    log.error(
        "order in quarantine",
        number=quarantined.number,
        venue=quarantined.venue,
        account=quarantined.account,
        order=quarantined.order_id,
        client_id=quarantined.client_id,
        reason=quarantined.reason,
    )

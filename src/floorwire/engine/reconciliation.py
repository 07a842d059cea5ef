"""Reconciliation: when the account at a remote venue is compared with ours, and which balances to believe.

States: IDLE (until the next time), ASKED (a request is on its way), DOWN (no private stream).
``docs/live-orders.md`` has the picture.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from floorwire.core.remote_order_messages import Reconcile, RemotePolicy
from floorwire.engine.order_inquiries import NEVER_US

RETRY_US = 1_000_000
"""The pause after a request that failed, or that left something open. It doubles, up to the policy's
interval."""
MOST_ASKED = 8
"""Requests whose answers count. The oldest one is forgotten first."""


class ReconciliationState(Enum):
    """DOWN: the stream is down. ASKED: a request is on its way. IDLE: the next one has a time."""

    DOWN = "down"
    IDLE = "idle"
    ASKED = "asked"


class Reconciliation:
    """The reconciliation of one account at one venue. It keeps no balances: those are in the accounts."""

    def __init__(self, policy: RemotePolicy, now_us: int) -> None:
        self.state = ReconciliationState.DOWN
        self.is_ready = False
        """Whether the account was reconciled since the stream came up: nothing was open any more, or there
        were two answers."""
        self._was_answered = False
        """Whether an answer has come since then."""
        self._policy = policy
        self._last_request = now_us  # above those of an earlier opening of the journal
        self._asked: dict[int, int] = {}
        """By request without an answer: when it was asked. The answer to one that was given up counts too:
        where the venue's budget is small, each one would be late."""
        self._due_us = NEVER_US
        self._pause_us = RETRY_US
        self._unconfirmed: Mapping[str, int] = {}
        """By asset: by how much the venue's balance was larger than ours, the last time."""
        self._money_events = 0
        """How many fills were booked up to then."""
        self._is_open = False
        """Whether the last answer left something open."""

    def start(self, now_us: int) -> None:
        """The stream is up: reconcile at once."""
        self.state, self._due_us, self._pause_us = ReconciliationState.IDLE, now_us, RETRY_US
        self.is_ready = self._was_answered = self._is_open = False

    def stop(self) -> None:
        """The stream is down: what was asked counts for nothing."""
        self.state, self._due_us, self.is_ready = ReconciliationState.DOWN, NEVER_US, False
        self._unconfirmed = {}
        self._asked.clear()

    def due_us(self) -> int:
        """Return when ``ask`` has something to do."""
        return self._due_us

    def ask(self, now_us: int, cursor: str) -> Reconcile | None:
        """Return the request that is due, if one is. One without an answer is given up then."""
        if self.state is ReconciliationState.DOWN or now_us < self._due_us:
            return None
        self.state = ReconciliationState.ASKED
        self._last_request += 1
        self._asked[self._last_request] = now_us
        if len(self._asked) > MOST_ASKED:
            del self._asked[next(iter(self._asked))]
        self._due_us = now_us + 3 * self._policy.answer_us
        # once in each interval all is read, whatever is open
        is_second_look = self._is_open and self._pause_us < self._policy.reconcile_us
        return Reconcile(self._last_request, cursor, is_second_look)

    def failed(self, request: int, now_us: int) -> None:
        """No complete answer came: ask again after a pause."""
        was_asked = self._asked.pop(request, None) is not None
        if was_asked and not self._asked:
            self.state = ReconciliationState.IDLE
            self._due_us = now_us + self._pause_us
            self._pause_us = min(2 * self._pause_us, self._policy.reconcile_us)

    def answered(self, request: int) -> int | None:
        """Return when it was asked; None where it counts for nothing. What was asked before it is not awaited
        any more."""
        asked_us = self._asked.pop(request, None)
        if asked_us is not None:
            for older in [number for number in self._asked if number < request]:
                del self._asked[older]
        return asked_us

    def confirm(
        self, differences: Mapping[str, int], money_events: int, now_us: int, *, is_quiet: bool
    ) -> list[str]:
        """End the reconciliation. Return the assets whose balance at the venue to believe.

        Balances may be older or newer than the fills that we know. So a difference counts when it is the same
        twice, and nothing was booked in between. ``money_events``: how many fills were booked so far.
        ``is_quiet``: no order is unknown, and no fill is missing.
        """
        before = self._unconfirmed if money_events == self._money_events else {}
        self._unconfirmed, self._money_events = differences if is_quiet else {}, money_events
        believed = [asset for asset, more in differences.items() if is_quiet and before.get(asset) == more]
        self._unconfirmed = {
            asset: more for asset, more in self._unconfirmed.items() if asset not in believed
        }
        self._is_open = is_open = bool(self._unconfirmed) or not is_quiet
        # Where money moves all the time, no difference is the same twice. Orders do not wait for that: what
        # the account has too little of is refused in any case.
        self.is_ready = self.is_ready or not is_open or self._was_answered
        self._was_answered = True
        self.state = ReconciliationState.IDLE
        if is_open:
            self._due_us = now_us + self._pause_us
            self._pause_us = min(2 * self._pause_us, self._policy.reconcile_us)
        else:
            self._due_us, self._pause_us = now_us + self._policy.reconcile_us, RETRY_US
        return believed

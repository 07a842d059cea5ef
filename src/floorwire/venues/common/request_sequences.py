"""Request sequences: signed HTTP requests of which each follows from the answer to the one before.

A sequence is a generator. It yields a request, gets the answer, and returns reports. Each request that it
yields is sent once. So a sequence that yields a place once places once, whatever the answers are.

Where a budget is too small for all, the more urgent sequences go first, and of these the one that began
first. A request waits for those before it that need the same budget: one that needs much of it is not passed
by others for ever, and a sequence that began is not given up halfway, which would waste what it has used.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Generator, Sequence
from enum import IntEnum
from typing import Final, TypeAlias

import msgspec

from floorwire.core.microseconds import SECOND_US
from floorwire.core.order_ports import OrderAdapterOutput
from floorwire.core.ports import Answer, Fetch, Method
from floorwire.core.remote_order_messages import RemoteReport
from floorwire.venues.common.pending_requests import NEVER_US, PendingRequests
from floorwire.venues.common.request_budgets import RequestBudgets

MOST_SEQUENCES = 64
LONGEST_US = 25 * SECOND_US
"""A sequence that takes longer is given up. ``RemotePolicy.answer_us`` has to be longer than this."""


class Urgency(IntEnum):
    """What goes first."""

    ORDER = 0
    """Requests about orders, and what has to be known or set before there are any."""
    ACCOUNT = 1
    """Reads that new orders wait for."""
    READ = 2
    """Reads that can wait. They leave ``BudgetRule.for_urgent`` to the others."""


class HttpRequest(msgspec.Struct, frozen=True):
    """A request before it is signed."""

    path: str
    query: str = ""
    """Without the question mark."""
    method: Method = "GET"
    body: bytes = b""
    budget: str = "read"
    """The kind of ``RequestBudgets`` that it is spent from."""
    key: str = ""
    weight: int = 1
    is_signed: bool = True


Reports: TypeAlias = Sequence[RemoteReport]
Steps: TypeAlias = Generator[HttpRequest, Answer, Reports]
Sign: TypeAlias = Callable[[int, HttpRequest, int], Fetch]
"""From the number of a request, the request and the date to what is sent."""


class BadAnswerError(ValueError):
    """The venue answered with what is of no use here. The text has the venue's code, and no secrets."""


UNUSABLE: Final = (ValueError, LookupError, ArithmeticError, RecursionError)
"""What a sequence may raise where the peer's answer is of no use. The errors of msgspec are ValueErrors."""


class _Sequence:
    __slots__ = ("ends_us", "failed", "is_new", "is_useless", "steps", "urgency", "waiting")

    def __init__(self, steps: Steps, failed: Reports, ends_us: int, urgency: Urgency) -> None:
        self.steps = steps
        self.urgency = urgency
        self.is_new = True
        """Whether nothing of it was sent yet."""
        self.is_useless = False
        """It ends when the answer comes that is on its way."""
        self.failed = failed
        """The reports where the sequence raises, or takes too long."""
        self.ends_us = ends_us
        self.waiting: HttpRequest | None = None
        """What waits for its budget."""


class RequestSequences:
    """Runs the sequences of one account.

    At most ``MOST_SEQUENCES`` run. One more fails at once.
    """

    def __init__(
        self, sign: Sign, budgets: RequestBudgets, most_sent: int = MOST_SEQUENCES, reading_us: int = 0
    ) -> None:
        """``most_sent``: how many requests may be on their way; 1 where the order of arrival counts.

        ``reading_us``: reads are not given up before this time after their first request. Where the budget is
        small, most of it is waiting.
        """
        self._sign = sign
        self._budgets = budgets
        self._most_sent = most_sent
        self._reading_us = reading_us
        self._sent: PendingRequests[_Sequence] = PendingRequests(MOST_SEQUENCES, LONGEST_US)
        self._running: list[_Sequence] = []
        """The most urgent ones first, of these in the order in which they began."""

    @property
    def is_full(self) -> bool:
        """Whether one more would fail at once."""
        return len(self._running) >= MOST_SEQUENCES

    def is_running(self, steps: Steps | None) -> bool:
        """Return whether the sequence was started, and has not ended."""
        return any(sequence.steps is steps for sequence in self._running)

    def start(
        self, steps: Steps, failed: Reports, now_us: int, date_us: int, urgency: Urgency = Urgency.ORDER
    ) -> list[OrderAdapterOutput]:
        """Start a sequence; ``failed`` are its reports where it cannot be carried out."""
        if self.is_full:
            steps.close()
            return list(failed)
        sequence = _Sequence(steps, failed, now_us + LONGEST_US, urgency)
        insort(self._running, sequence, key=lambda one: one.urgency)
        return self._advance(sequence, None) + self._ask_all(now_us, date_us)

    def give_up(self, steps: Steps | None) -> list[OrderAdapterOutput]:
        """End the sequence, if it runs: what it would find is of no use any more.

        Where an answer is on its way, it ends with that: nothing else may be sent before, where one is sent
        at a time.
        """
        outputs: list[OrderAdapterOutput] = []
        for sequence in list(self._running):
            if sequence.steps is steps and sequence.waiting is None:
                sequence.is_useless = True
            elif sequence.steps is steps:
                outputs += self._give_up(sequence)
        return outputs

    def answered(self, answer: Answer, now_us: int, date_us: int) -> list[OrderAdapterOutput]:
        """Take in an answer. One that nobody waits for changes nothing."""
        sequence = self._sent.take(answer.request)
        if sequence is None:
            return []
        outputs = self._give_up(sequence) if sequence.is_useless else self._advance(sequence, answer)
        return outputs + self._ask_all(now_us, date_us)

    def wake(self, now_us: int, date_us: int) -> list[OrderAdapterOutput]:
        """Send what has a budget now, and give up what takes too long."""
        outputs: list[OrderAdapterOutput] = []
        for sequence in list(self._running):
            if now_us >= sequence.ends_us:
                outputs += self._give_up(sequence)
        return outputs + self._ask_all(now_us, date_us)

    def due_us(self, now_us: int) -> int:
        """Return when ``wake`` has something to do."""
        due_us = min((sequence.ends_us for sequence in self._running), default=NEVER_US)
        if len(self._sent) < self._most_sent:
            for sequence, request in self._next():
                free_us = self._budgets.free_us(
                    request.budget, request.key, now_us, request.weight, can_wait=_can_wait(sequence)
                )
                due_us = min(due_us, max(now_us + 1, free_us))
        return due_us

    def _next(self) -> list[tuple[_Sequence, HttpRequest]]:
        """Return what waits for a budget: of each budget the one request that is next."""
        first: dict[tuple[str, str, bool], tuple[_Sequence, HttpRequest]] = {}
        for sequence in self._running:
            request = sequence.waiting
            if request is not None:
                first.setdefault(_line_of(request), (sequence, request))
        return list(first.values())

    def _ask_all(self, now_us: int, date_us: int) -> list[OrderAdapterOutput]:
        """Send what may be sent now."""
        outputs: list[OrderAdapterOutput] = []
        full: set[tuple[str, str, bool]] = set()
        for sequence in self._running:
            request = sequence.waiting
            if request is None or _line_of(request) in full:
                continue
            may_be_sent = len(self._sent) < self._most_sent and self._budgets.spend(
                request.budget, request.key, now_us, request.weight, can_wait=_can_wait(sequence)
            )
            if may_be_sent:
                outputs.append(self._ask(sequence, request, now_us, date_us))
            else:
                full.add(_line_of(request))
        return outputs

    def _advance(self, sequence: _Sequence, answer: Answer | None) -> list[OrderAdapterOutput]:
        try:
            request = next(sequence.steps) if answer is None else sequence.steps.send(answer)
        except StopIteration as ended:
            self._running.remove(sequence)
            return list(ended.value)
        except UNUSABLE:
            self._running.remove(sequence)
            return list(sequence.failed)
        sequence.waiting = request
        return []

    def _ask(
        self, sequence: _Sequence, request: HttpRequest, now_us: int, date_us: int
    ) -> OrderAdapterOutput:
        if sequence.is_new and sequence.urgency is not Urgency.ORDER:
            sequence.ends_us = max(sequence.ends_us, now_us + self._reading_us)
        sequence.waiting, sequence.is_new = None, False
        return self._sign(self._sent.add(sequence, now_us), request, date_us)

    def _give_up(self, sequence: _Sequence) -> list[OrderAdapterOutput]:
        self._running.remove(sequence)
        for number, sent in list(self._sent):
            if sent is sequence:
                self._sent.take(number)
        sequence.steps.close()
        return list(sequence.failed)


def _line_of(request: HttpRequest) -> tuple[str, str, bool]:
    """Return what it waits in line for. What the budget does not count waits for nobody."""
    return request.budget, request.key, request.weight > 0


def _can_wait(sequence: _Sequence) -> bool:
    return sequence.urgency is Urgency.READ

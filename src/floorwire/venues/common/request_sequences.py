"""Request sequences: signed HTTP requests of which each follows from the answer to the one before.

A sequence is a generator. It yields a request, gets the answer, and returns reports. Each request that it
yields is sent once. So a sequence that yields a place once places once, whatever the answers are.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Final, TypeAlias

import msgspec

from floorwire.core.order_ports import OrderAdapterOutput
from floorwire.core.ports import Answer, Fetch, Method
from floorwire.core.remote_orders import RemoteReport
from floorwire.venues.common.pending_requests import NEVER_US, PendingRequests
from floorwire.venues.common.request_budgets import RequestBudgets

SECOND_US = 1_000_000
MOST_SEQUENCES = 64
LONGEST_US = 25 * SECOND_US
"""A sequence that takes longer is given up. ``RemotePolicy.answer_us`` has to be longer than this."""


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
    __slots__ = ("ends_us", "failed", "steps", "waiting")

    def __init__(self, steps: Steps, failed: Reports, ends_us: int) -> None:
        self.steps = steps
        self.failed = failed
        """The reports where the sequence raises, or takes too long."""
        self.ends_us = ends_us
        self.waiting: HttpRequest | None = None
        """What waits for its budget."""


class RequestSequences:
    """Runs the sequences of one account.

    At most ``MOST_SEQUENCES`` run. One more fails at once. Requests wait for their budget in order.
    """

    def __init__(self, sign: Sign, budgets: RequestBudgets, most_sent: int = MOST_SEQUENCES) -> None:
        """``most_sent``: how many requests may be on their way; 1 where the order of arrival counts."""
        self._sign = sign
        self._budgets = budgets
        self._most_sent = most_sent
        self._sent: PendingRequests[_Sequence] = PendingRequests(MOST_SEQUENCES, LONGEST_US)
        self._running: list[_Sequence] = []

    @property
    def is_full(self) -> bool:
        """Whether one more would fail at once."""
        return len(self._running) >= MOST_SEQUENCES

    def begin(self, steps: Steps, failed: Reports, now_us: int, date_us: int) -> list[OrderAdapterOutput]:
        """Begin a sequence; ``failed`` are its reports where it cannot be carried out."""
        if self.is_full:
            steps.close()
            return list(failed)
        sequence = _Sequence(steps, failed, now_us + LONGEST_US)
        self._running.append(sequence)
        return self._advance(sequence, None, now_us, date_us)

    def answered(self, answer: Answer, now_us: int, date_us: int) -> list[OrderAdapterOutput]:
        """Take in an answer. One that nobody waits for changes nothing."""
        sequence = self._sent.take(answer.request)
        if sequence is None:
            return []
        outputs = self._ask_all(self._running, now_us, date_us)  # those that waited longer go first
        return outputs + self._advance(sequence, answer, now_us, date_us)

    def wake(self, now_us: int, date_us: int) -> list[OrderAdapterOutput]:
        """Send what has a budget now, and give up what takes too long."""
        outputs: list[OrderAdapterOutput] = []
        for sequence in list(self._running):
            if now_us >= sequence.ends_us:
                outputs += self._give_up(sequence)
        return outputs + self._ask_all(self._running, now_us, date_us)

    def due_us(self, now_us: int) -> int:
        """Return when ``wake`` has something to do."""
        due_us = NEVER_US
        for sequence in self._running:
            due_us = min(due_us, sequence.ends_us)
            request = sequence.waiting
            if request is not None and len(self._sent) < self._most_sent:
                free_us = self._budgets.free_us(request.budget, request.key, now_us, request.weight)
                due_us = min(due_us, max(now_us + 1, free_us))
        return due_us

    def _ask_all(self, sequences: Sequence[_Sequence], now_us: int, date_us: int) -> list[OrderAdapterOutput]:
        outputs: list[OrderAdapterOutput] = []
        for sequence in sequences:
            if sequence.waiting is not None:
                outputs += self._ask(sequence, sequence.waiting, now_us, date_us)
        return outputs

    def _advance(
        self, sequence: _Sequence, answer: Answer | None, now_us: int, date_us: int
    ) -> list[OrderAdapterOutput]:
        try:
            request = next(sequence.steps) if answer is None else sequence.steps.send(answer)
        except StopIteration as ended:
            self._running.remove(sequence)
            return list(ended.value)
        except UNUSABLE:
            self._running.remove(sequence)
            return list(sequence.failed)
        return self._ask(sequence, request, now_us, date_us)

    def _ask(
        self, sequence: _Sequence, request: HttpRequest, now_us: int, date_us: int
    ) -> list[OrderAdapterOutput]:
        may_be_sent = len(self._sent) < self._most_sent and self._budgets.spend(
            request.budget, request.key, now_us, request.weight
        )
        if not may_be_sent:
            sequence.waiting = request
            return []
        sequence.waiting = None
        return [self._sign(self._sent.add(sequence, now_us), request, date_us)]

    def _give_up(self, sequence: _Sequence) -> list[OrderAdapterOutput]:
        self._running.remove(sequence)
        for number, sent in list(self._sent):
            if sent is sequence:
                self._sent.take(number)
        sequence.steps.close()
        return list(sequence.failed)

"""The deadline of an HTTP connection, with a clock of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from floorwire.ops.loop_stalls import MAX_WAITS, SETTLE_S, LoopStalls
from floorwire.ops.stats import Stats
from floorwire.web.http_deadline import BODY_GRACE_S, LEAST_READ_BYTES, HttpDeadline, HttpPhase

TIMEOUT_S = 10.0


class Loop(asyncio.SelectorEventLoop):
    """A loop with one timer, whose time stands still until it is told to go on."""

    now_s = 1_000.0
    due_s = 0.0
    callback: Callable[[], None] | None = None

    def time(self) -> float:
        return self.now_s

    def call_later(self, delay: float, callback: Callable[[], None]) -> asyncio.TimerHandle:  # type: ignore[override]
        self.due_s, self.callback = self.now_s + delay, callback
        self.timer = asyncio.TimerHandle(self.due_s, callback, (), self)
        return self.timer

    def stand_still(self, seconds: float) -> None:
        """Let time pass in which no timer runs. Then those that are due run once."""
        self.now_s += seconds
        callback, self.callback = self.callback, None
        assert callback is not None
        callback()

    def go_on(self, seconds: float) -> None:
        """Let time pass."""
        end_s = self.now_s + seconds
        while self.callback is not None and self.due_s <= end_s:
            callback, self.callback, self.now_s = self.callback, None, self.due_s
            callback()
        self.now_s = end_s


class Transport(asyncio.Transport):
    """A transport of which a peer reads as much as the test says."""

    unread_bytes = 0
    closing = False

    def get_write_buffer_size(self) -> int:
        return self.unread_bytes

    def is_closing(self) -> bool:
        return self.closing


class Parts:
    """A deadline and what it looks at."""

    def __init__(self) -> None:
        self.loop, self.transport = Loop(), Transport()
        self.ends = 0
        self.deadline = HttpDeadline(self.loop, self.transport, TIMEOUT_S, self._end, LoopStalls(Stats()))

    def _end(self) -> None:
        self.ends += 1


@pytest.fixture
def parts() -> Parts:
    made = Parts()
    made.loop.close()
    return made


@pytest.mark.parametrize(
    ("phase", "seconds"),
    [(HttpPhase.IDLE, TIMEOUT_S), (HttpPhase.HEAD, TIMEOUT_S), (HttpPhase.BODY, TIMEOUT_S + BODY_GRACE_S)],
)
def test_a_phase_that_waits_for_the_peer_ends(parts: Parts, phase: HttpPhase, seconds: float) -> None:
    parts.loop.go_on(TIMEOUT_S - 1)
    parts.deadline.enter(phase)
    parts.loop.go_on(seconds - 0.1)
    assert parts.ends == 0
    parts.loop.go_on(0.2)
    assert parts.ends == 1
    parts.loop.go_on(10 * TIMEOUT_S)
    assert parts.ends == 1


def test_the_first_request_has_a_deadline_too(parts: Parts) -> None:
    parts.loop.go_on(TIMEOUT_S)
    assert parts.ends == 1


def test_the_app_may_take_longer(parts: Parts) -> None:
    parts.deadline.enter(HttpPhase.ANSWER)
    parts.loop.go_on(5 * TIMEOUT_S)
    assert parts.ends == 0
    parts.transport.closing = True
    parts.loop.go_on(TIMEOUT_S)
    assert parts.ends == 1, "a transport that is closed has to be gone some time"


@pytest.mark.parametrize("phase", [HttpPhase.ANSWER, HttpPhase.IDLE])
def test_a_peer_that_reads_a_large_answer_may_take_longer(parts: Parts, phase: HttpPhase) -> None:
    parts.deadline.enter(phase)
    for left in (3, 2, 1):
        parts.transport.unread_bytes = left * LEAST_READ_BYTES
        parts.loop.go_on(TIMEOUT_S)
        assert parts.ends == 0
    parts.transport.unread_bytes = 1
    parts.loop.go_on(TIMEOUT_S)
    assert parts.ends == 1


def test_nothing_comes_after_the_end(parts: Parts) -> None:
    parts.deadline.stop()
    assert parts.loop.timer.cancelled()


@pytest.mark.parametrize("phase", [HttpPhase.IDLE, HttpPhase.HEAD, HttpPhase.BODY])
def test_after_a_stall_of_the_loop_input_is_read_before_it_judges(parts: Parts, phase: HttpPhase) -> None:
    parts.deadline.enter(phase)
    parts.loop.stand_still(3 * TIMEOUT_S)
    assert parts.ends == 0
    parts.deadline.enter(HttpPhase.ANSWER)  # What lay in the socket is read: the request is whole.
    parts.loop.go_on(SETTLE_S)
    assert parts.ends == 0


def test_a_peer_that_sent_nothing_ends_after_a_stall_too(parts: Parts) -> None:
    parts.loop.stand_still(3 * TIMEOUT_S)
    parts.loop.go_on(SETTLE_S)
    assert parts.ends == 1


def test_a_loop_that_stalls_all_the_time_does_not_keep_it_from_judging(parts: Parts) -> None:
    for _ in range(MAX_WAITS):
        parts.loop.stand_still(3 * TIMEOUT_S)
        assert parts.ends == 0
    parts.loop.stand_still(3 * TIMEOUT_S)
    assert parts.ends == 1

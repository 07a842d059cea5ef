"""The connect run: clients that connect, subscribe, wait for the first event and close."""

from __future__ import annotations

import time
from array import array
from collections import Counter
from collections.abc import Iterator

import msgspec

from floorwire.cli.load.client import NO_CLOSE_FRAME, Client
from floorwire.cli.load.percentiles import Percentiles
from floorwire.cli.load.process import cpu_seconds
from floorwire.cli.load.reactor import Reactor, raise_open_file_limit
from floorwire.cli.load.subscription import SubscriptionPlan
from floorwire.cli.load.target import Target

CLEAN_ENDINGS = frozenset((NO_CLOSE_FRAME, "close 1000", "close"))
"""How a client that has sent its close frame may end."""


class ConnectPlan(msgspec.Struct, frozen=True):
    """How many clients, how many at a time, and for how many seconds at most. ``pid`` is the server's."""

    target: Target
    subscription: SubscriptionPlan
    count: int
    at_once: int
    seconds: float
    seed: int
    pid: int | None


class ConnectReport(msgspec.Struct, frozen=True):
    """The results; ``failures`` are by reason. Times begin with the TCP connect."""

    url: str
    completed: int
    failures: dict[str, int]
    seconds: float
    completed_per_second: float
    until_subscribed: Percentiles | None
    until_first_event: Percentiles | None
    server_us_per_client: float | None


class ConnectAttempt:
    """One client from its connect to its end. It reads the messages, to see the first event."""

    __slots__ = ("_attempts", "_started_ns", "client")

    def __init__(self, attempts: ConnectAttempts, index: int, frame: bytes, plan: ConnectPlan) -> None:
        self._attempts = attempts
        self._started_ns = time.monotonic_ns()
        self.client = Client(attempts.reactor, attempts, plan.target, index, frame, self)

    @property
    def age_us(self) -> int:
        """Microseconds since the connect."""
        return (time.monotonic_ns() - self._started_ns) // 1000

    def on_message(self, payload: bytes, arrived_us: int) -> None:
        """Close at the first event."""
        if self.client.index in self._attempts.waiting:
            del self._attempts.waiting[self.client.index]
            self._attempts.until_first_event_us.append(self.age_us)
            self.client.close()


class ConnectAttempts:
    """Owns the clients of a connect run."""

    def __init__(self, reactor: Reactor) -> None:
        self.reactor = reactor
        self.active: dict[int, ConnectAttempt] = {}
        """Those that have not ended, by the client's index."""
        self.waiting: dict[int, ConnectAttempt] = {}
        """Those of the active ones that have had no event yet."""
        self.until_subscribed_us = array("q")
        self.until_first_event_us = array("q")
        self.completed = 0
        self.failures: Counter[str] = Counter()

    def start(self, attempt: ConnectAttempt) -> None:
        """Connect the client."""
        self.active[attempt.client.index] = self.waiting[attempt.client.index] = attempt
        attempt.client.connect()

    def on_subscribed(self, client: Client) -> None:
        """Record how long it took to subscribe."""
        self.until_subscribed_us.append(self.active[client.index].age_us)

    def on_ended(self, client: Client) -> None:
        """Count the client as completed where it had its event and the server closed cleanly."""
        del self.active[client.index]
        unserved = self.waiting.pop(client.index, None)
        if unserved is None and client.ending in CLEAN_ENDINGS:
            self.completed += 1
        else:
            self.failures[client.ending] += 1


def run_connect(plan: ConnectPlan) -> ConnectReport:
    """Run all clients. Raises NoSuchProcessError where ``pid`` is not a process that can be measured."""
    raise_open_file_limit(plan.at_once)
    reactor = Reactor()
    attempts = ConnectAttempts(reactor)
    remaining = _attempts(plan, attempts)

    def is_done() -> bool:
        while len(attempts.active) < plan.at_once and (attempt := next(remaining, None)) is not None:
            attempts.start(attempt)
        return not attempts.active

    started, cpu = time.monotonic(), None if plan.pid is None else cpu_seconds(plan.pid)
    try:
        reactor.run(plan.seconds, is_done)
        took = time.monotonic() - started
        used = None if plan.pid is None or cpu is None else cpu_seconds(plan.pid) - cpu
    finally:
        for attempt in list(attempts.active.values()):
            attempt.client.abort("not through in time")
        reactor.close()
    return ConnectReport(
        url=plan.target.url,
        completed=attempts.completed,
        failures=dict(attempts.failures),
        seconds=took,
        completed_per_second=attempts.completed / took,
        until_subscribed=Percentiles.of(attempts.until_subscribed_us),
        until_first_event=Percentiles.of(attempts.until_first_event_us),
        server_us_per_client=None if used is None else used * 1e6 / max(1, attempts.completed),
    )


def _attempts(plan: ConnectPlan, attempts: ConnectAttempts) -> Iterator[ConnectAttempt]:
    for index, frame in enumerate(plan.subscription.frames(plan.count, plan.seed)):
        yield ConnectAttempt(attempts, index, frame, plan)

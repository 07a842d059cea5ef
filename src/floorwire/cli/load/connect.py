"""Connects: clients that open, subscribe, wait for the first event and leave, over and over."""

from __future__ import annotations

import time
from array import array
from collections import Counter
from collections.abc import Iterator

import msgspec

from floorwire.cli.load.client import VANISHED, Client
from floorwire.cli.load.percentiles import Percentiles
from floorwire.cli.load.process import cpu_seconds
from floorwire.cli.load.reactor import Reactor, allow_files
from floorwire.cli.load.subscription import SubscriptionPlan
from floorwire.cli.load.target import Target

GONE = frozenset((VANISHED, "close 1000", "close"))
"""How a client that has said goodbye may end."""


class ConnectPlan(msgspec.Struct, frozen=True):
    """How many clients, how many of them at once, and for how long at most."""

    target: Target
    wish: SubscriptionPlan
    count: int
    at_once: int
    seconds: float
    seed: int
    pid: int | None


class ConnectReport(msgspec.Struct, frozen=True):
    """What happened; ``failures`` by reason. Times run from the start of the TCP connect."""

    url: str
    completed: int
    failures: dict[str, int]
    seconds: float
    completed_per_second: float
    until_subscribed: Percentiles | None
    until_first_event: Percentiles | None
    server_us_per_client: float | None


class Visit:
    """One client's stay: the ear that waits for its first event."""

    __slots__ = ("_begin", "_visits", "client")

    def __init__(self, visits: Visits, index: int, frame: bytes, plan: ConnectPlan) -> None:
        self._visits = visits
        self._begin = time.monotonic_ns()
        self.client = Client(visits.reactor, visits, plan.target, index, frame, self)

    @property
    def age_us(self) -> int:
        """Microseconds since the client began."""
        return (time.monotonic_ns() - self._begin) // 1000

    def hear(self, payload: bytes, arrived_us: int) -> None:
        """Leave at the first event."""
        if self.client.index in self._visits.waiting:
            del self._visits.waiting[self.client.index]
            self._visits.until_first_event_us.append(self.age_us)
            self.client.leave()


class Visits:
    """Owns the clients: ``here`` have begun and not ended, ``waiting`` of these had no event yet."""

    def __init__(self, reactor: Reactor) -> None:
        self.reactor = reactor
        self.here: dict[int, Visit] = {}
        self.waiting: dict[int, Visit] = {}
        self.until_subscribed_us = array("q")
        self.until_first_event_us = array("q")
        self.completed = 0
        self.failures: Counter[str] = Counter()

    def begin(self, visit: Visit) -> None:
        """Let the client in."""
        self.here[visit.client.index] = self.waiting[visit.client.index] = visit
        visit.client.connect()

    def ready(self, client: Client) -> None:
        """Note how long the subscription took."""
        self.until_subscribed_us.append(self.here[client.index].age_us)

    def ended(self, client: Client) -> None:
        """Count the client as completed where it had its event and left in peace."""
        del self.here[client.index]
        early = self.waiting.pop(client.index, None)
        if early is None and client.ending in GONE:
            self.completed += 1
        else:
            self.failures[client.ending] += 1


def run_connect(plan: ConnectPlan) -> ConnectReport:
    """Send the clients through. Raises NoSuchProcessError where the server cannot be watched."""
    allow_files(plan.at_once)
    reactor = Reactor()
    visits = Visits(reactor)
    waiting = _visits(plan, visits)

    def all_through() -> bool:
        while len(visits.here) < plan.at_once and (visit := next(waiting, None)) is not None:
            visits.begin(visit)
        return not visits.here

    begin, cpu = time.monotonic(), None if plan.pid is None else cpu_seconds(plan.pid)
    try:
        reactor.run(plan.seconds, all_through)
        took = time.monotonic() - begin
        used = None if plan.pid is None or cpu is None else cpu_seconds(plan.pid) - cpu
    finally:
        for visit in list(visits.here.values()):
            visit.client.drop("not through in time")
        reactor.close()
    return ConnectReport(
        url=plan.target.url,
        completed=visits.completed,
        failures=dict(visits.failures),
        seconds=took,
        completed_per_second=visits.completed / took,
        until_subscribed=Percentiles.of(visits.until_subscribed_us),
        until_first_event=Percentiles.of(visits.until_first_event_us),
        server_us_per_client=None if used is None else used * 1e6 / max(1, visits.completed),
    )


def _visits(plan: ConnectPlan, visits: Visits) -> Iterator[Visit]:
    for index, frame in enumerate(plan.wish.frames(plan.count, plan.seed)):
        yield Visit(visits, index, frame, plan)

"""Fan-out: many clients receive what the server publishes."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from floorwire.cli.load.client import Client
from floorwire.cli.load.client_pool import ClientPool
from floorwire.cli.load.interval import Interval, measure
from floorwire.cli.load.process import Memory, resident_bytes
from floorwire.cli.load.reactor import Reactor, allow_files
from floorwire.cli.load.samples import Sampled, Samples
from floorwire.cli.load.subscription import SubscriptionPlan
from floorwire.cli.load.target import Target

HANDSHAKES_A_SECOND = 100
"""The slowest opening that is waited for, beside twenty seconds for any."""


class FanoutPlan(msgspec.Struct, frozen=True):
    """What to do. Times in seconds; ``pid`` is the server's, where it may be watched."""

    target: Target
    wish: SubscriptionPlan
    clients: int
    seconds: float
    warmup_s: float
    sampled: int
    at_once: int
    seed: int
    pid: int | None


class FanoutReport(msgspec.Struct, frozen=True):
    """What happened; ``endings`` counts the clients that were not open to the end, by reason."""

    url: str
    clients: int
    subscriptions: int
    opened: int
    endings: dict[str, int]
    interval: Interval
    server_memory: Memory | None


def run_fanout(plan: FanoutPlan) -> FanoutReport:
    """Open the clients, let them settle, measure, and close them."""
    allow_files(plan.clients)
    before = None if plan.pid is None else resident_bytes(plan.pid)
    reactor, samples = Reactor(), Samples()
    crowd = ClientPool(reactor)
    try:
        crowd.invite(readers(plan, reactor, crowd, samples), plan.at_once, opening_s(plan.clients))
        reactor.run(plan.warmup_s, lambda: not crowd.open)
        opened = len(crowd.open)
        interval = measure(reactor, crowd, samples, plan.seconds, plan.pid)
        memory = None if plan.pid is None or before is None else Memory.since(before, plan.pid, opened)
        endings = dict(crowd.endings)
    finally:
        crowd.dismiss()
        reactor.close()
    each = min(plan.wish.each, len(plan.wish.symbols))
    return FanoutReport(plan.target.url, plan.clients, each, opened, endings, interval, memory)


def opening_s(clients: int) -> float:
    """Return how long the opening of so many clients may take."""
    return 20 + clients / HANDSHAKES_A_SECOND


def readers(plan: FanoutPlan, reactor: Reactor, crowd: ClientPool, samples: Samples) -> Iterator[Client]:
    """Yield the clients; the sampled ones are spread evenly, for a server may serve first come first."""
    step = max(1, plan.clients // plan.sampled) if plan.sampled else plan.clients + 1
    for index, frame in enumerate(plan.wish.frames(plan.clients, plan.seed)):
        ear = Sampled(samples) if index % step == step - 1 else None
        yield Client(reactor, crowd, plan.target, index, frame, ear)

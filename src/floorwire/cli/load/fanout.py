"""The fan-out run: many clients receive what the server publishes."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from floorwire.cli.load.client import Client
from floorwire.cli.load.client_pool import ClientPool
from floorwire.cli.load.interval import Interval, measure
from floorwire.cli.load.process import Memory, resident_bytes
from floorwire.cli.load.reactor import Reactor, raise_open_file_limit
from floorwire.cli.load.samples import SampledReader, Samples
from floorwire.cli.load.subscription import SubscriptionPlan
from floorwire.cli.load.target import Target

HANDSHAKES_A_SECOND = 100
"""Opening the clients may take 20 s, plus what this rate needs."""


class FanoutPlan(msgspec.Struct, frozen=True):
    """What to run. The messages of ``sampled`` clients are read. ``pid`` is the server's, or None."""

    target: Target
    subscription: SubscriptionPlan
    clients: int
    seconds: float
    warmup_s: float
    sampled: int
    at_once: int
    seed: int
    pid: int | None


class FanoutReport(msgspec.Struct, frozen=True):
    """The results; ``endings`` counts the clients that did not stay open to the end, by reason."""

    url: str
    clients: int
    subscriptions: int
    opened: int
    endings: dict[str, int]
    interval: Interval
    server_memory: Memory | None


def run_fanout(plan: FanoutPlan) -> FanoutReport:
    """Open the clients, warm up, measure one interval, and close them. Raises NoSuchProcessError."""
    raise_open_file_limit(plan.clients)
    before = None if plan.pid is None else resident_bytes(plan.pid)
    reactor, samples = Reactor(), Samples()
    pool = ClientPool(reactor)
    try:
        pool.open_all(readers(plan, reactor, pool, samples), plan.at_once, opening_s(plan.clients))
        reactor.run(plan.warmup_s, lambda: not pool.open)
        opened = len(pool.open)
        interval = measure(reactor, pool, samples, plan.seconds, plan.pid)
        memory = None if plan.pid is None or before is None else Memory.since(before, plan.pid, opened)
        endings = dict(pool.endings)
    finally:
        pool.close_all()
        reactor.close()
    each = min(plan.subscription.each, len(plan.subscription.symbols))
    return FanoutReport(plan.target.url, plan.clients, each, opened, endings, interval, memory)


def opening_s(clients: int) -> float:
    """Return how many seconds the opening of so many clients may take."""
    return 20 + clients / HANDSHAKES_A_SECOND


def readers(plan: FanoutPlan, reactor: Reactor, pool: ClientPool, samples: Samples) -> Iterator[Client]:
    """Yield the clients. The sampled ones are spread evenly: a server may send in the order of connects."""
    step = max(1, plan.clients // plan.sampled) if plan.sampled else plan.clients + 1
    for index, frame in enumerate(plan.subscription.frames(plan.clients, plan.seed)):
        reader = SampledReader(samples) if index % step == step - 1 else None
        yield Client(reactor, pool, plan.target, index, frame, reader)

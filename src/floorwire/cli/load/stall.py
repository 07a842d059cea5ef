"""The stall run: clients that do not read, beside others that do; what happens to both."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from floorwire.cli.load.client import Client
from floorwire.cli.load.client_pool import ClientPool
from floorwire.cli.load.fanout import FanoutPlan, opening_s, readers
from floorwire.cli.load.interval import Interval, measure
from floorwire.cli.load.reactor import Reactor, raise_open_file_limit
from floorwire.cli.load.samples import SampledReader, Samples
from floorwire.cli.load.sequences import SequenceCounts
from floorwire.cli.load.subscription import SubscriptionPlan

RECEIVE_BUFFER_BYTES = 4096  # the less the kernel buffers for a client, the sooner it stalls


class StallPlan(msgspec.Struct, frozen=True):
    """The clients of ``readers`` read; beside them so many ``stalled`` clients do not.

    At the end the stalled clients read again, for ``recovery_s`` seconds.
    """

    readers: FanoutPlan
    stalled: int
    stalled_subscription: SubscriptionPlan
    recovery_s: float


class Stalled(msgspec.Struct, frozen=True):
    """What the stalled clients received when they read again; ``endings`` are by reason."""

    clients: int
    messages: int
    received_bytes: int
    endings: dict[str, int]
    tally: SequenceCounts


class StallReport(msgspec.Struct, frozen=True):
    """The reading clients in three intervals.

    ``before`` and ``after`` are without stalled clients: how much they differ is noise.
    """

    url: str
    clients: int
    opened: int
    endings: dict[str, int]
    before: Interval
    during: Interval
    after: Interval
    stalled: Stalled


def run_stall(plan: StallPlan) -> StallReport:
    """Measure the reading clients without, with, and again without stalled clients."""
    others = plan.readers
    raise_open_file_limit(others.clients + plan.stalled)
    reactor, samples, stalled_samples = Reactor(), Samples(), Samples()
    reading, stalled = ClientPool(reactor), ClientPool(reactor)

    def interval() -> Interval:
        reactor.run(others.warmup_s)
        return measure(reactor, reading, samples, others.seconds, others.pid)

    try:
        reading.open_all(
            readers(others, reactor, reading, samples), others.at_once, opening_s(others.clients)
        )
        opened = len(reading.open)
        before = interval()
        _stall(plan, reactor, stalled, stalled_samples)
        during = interval()
        outcome = _recover(plan, reactor, stalled, stalled_samples)
        after = interval()
        endings = dict(reading.endings)
    finally:
        reading.close_all()
        stalled.close_all()
        reactor.close()
    return StallReport(others.target.url, others.clients, opened, endings, before, during, after, outcome)


def _stall(plan: StallPlan, reactor: Reactor, stalled: ClientPool, samples: Samples) -> None:
    """Open the clients, and stop reading when they are subscribed."""

    def clients() -> Iterator[Client]:
        for index, frame in enumerate(plan.stalled_subscription.frames(plan.stalled, plan.readers.seed)):
            yield Client(reactor, stalled, plan.readers.target, index, frame, SampledReader(samples))

    stalled.open_all(clients(), plan.readers.at_once, opening_s(plan.stalled), RECEIVE_BUFFER_BYTES)
    for client in stalled.open.values():
        client.stop_reading()


def _recover(plan: StallPlan, reactor: Reactor, stalled: ClientPool, samples: Samples) -> Stalled:
    """Read again, count what is received, and close the clients."""
    messages, received = stalled.totals()
    for client in list(stalled.open.values()):
        client.start_reading()
    reactor.run(plan.recovery_s, lambda: not stalled.open)
    messages_now, received_now = stalled.totals()
    endings = dict(stalled.endings)
    stalled.close_all()
    return Stalled(
        plan.stalled, messages_now - messages, received_now - received, endings, samples.pop().tally
    )

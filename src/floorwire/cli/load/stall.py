"""Stall: clients that never read, beside others; what they do to those, and what becomes of them."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from floorwire.cli.load.client import Client
from floorwire.cli.load.client_pool import ClientPool
from floorwire.cli.load.fanout import FanoutPlan, opening_s, readers
from floorwire.cli.load.interval import Interval, measure
from floorwire.cli.load.reactor import Reactor, allow_files
from floorwire.cli.load.samples import Sampled, Samples
from floorwire.cli.load.sequences import Tally
from floorwire.cli.load.subscription import SubscriptionPlan

RECEIVE_BUFFER_BYTES = 4096  # the less the kernel takes for a client that does not read, the sooner it stalls


class StallPlan(msgspec.Struct, frozen=True):
    """``crowd`` reads; beside it ``stalled`` clients, with what they wish, do not.

    When the intervals are over these read again for ``recovery_s``.
    """

    crowd: FanoutPlan
    stalled: int
    stalled_wish: SubscriptionPlan
    recovery_s: float


class Stalled(msgspec.Struct, frozen=True):
    """What the stalled clients got once they read again: ``endings`` by reason for those that were closed."""

    clients: int
    messages: int
    received_bytes: int
    endings: dict[str, int]
    tally: Tally


class StallReport(msgspec.Struct, frozen=True):
    """The crowd in three intervals, of which the two without stalled clients tell what is noise."""

    url: str
    clients: int
    opened: int
    endings: dict[str, int]
    before: Interval
    during: Interval
    after: Interval
    stalled: Stalled


def run_stall(plan: StallPlan) -> StallReport:
    """Measure the crowd without, with, and without the stalled clients."""
    others = plan.crowd
    allow_files(others.clients + plan.stalled)
    reactor, samples, stalled_samples = Reactor(), Samples(), Samples()
    crowd, stalled = ClientPool(reactor), ClientPool(reactor)

    def interval() -> Interval:
        reactor.run(others.warmup_s)
        return measure(reactor, crowd, samples, others.seconds, others.pid)

    try:
        crowd.invite(readers(others, reactor, crowd, samples), others.at_once, opening_s(others.clients))
        opened = len(crowd.open)
        before = interval()
        _stall(plan, reactor, stalled, stalled_samples)
        during = interval()
        outcome = _recover(plan, reactor, stalled, stalled_samples)
        after = interval()
        endings = dict(crowd.endings)
    finally:
        crowd.dismiss()
        stalled.dismiss()
        reactor.close()
    return StallReport(others.target.url, others.clients, opened, endings, before, during, after, outcome)


def _stall(plan: StallPlan, reactor: Reactor, stalled: ClientPool, samples: Samples) -> None:
    """Open the clients and stop reading as soon as their subscription is granted."""

    def clients() -> Iterator[Client]:
        for index, frame in enumerate(plan.stalled_wish.frames(plan.stalled, plan.crowd.seed)):
            yield Client(reactor, stalled, plan.crowd.target, index, frame, Sampled(samples))

    stalled.invite(clients(), plan.crowd.at_once, opening_s(plan.stalled), RECEIVE_BUFFER_BYTES)
    for client in stalled.open.values():
        client.mute()


def _recover(plan: StallPlan, reactor: Reactor, stalled: ClientPool, samples: Samples) -> Stalled:
    """Read again, say what came, and end the clients."""
    messages, received = stalled.totals()
    for client in list(stalled.open.values()):
        client.listen()
    reactor.run(plan.recovery_s, lambda: not stalled.open)
    messages_now, received_now = stalled.totals()
    endings = dict(stalled.endings)
    stalled.dismiss()
    return Stalled(
        plan.stalled, messages_now - messages, received_now - received, endings, samples.take().tally
    )

"""One measured interval: what the clients received, how late, and how much CPU time the server used."""

from __future__ import annotations

import os
import time

import msgspec

from floorwire.cli.load.client_pool import ClientPool
from floorwire.cli.load.percentiles import Percentiles
from floorwire.cli.load.process import cpu_seconds, resident_bytes
from floorwire.cli.load.reactor import Reactor
from floorwire.cli.load.samples import Samples
from floorwire.cli.load.sequences import SequenceCounts


class Interval(msgspec.Struct, frozen=True):
    """The figures of one interval; ``received_bytes`` includes frame headers."""

    seconds: float
    deliveries: int
    deliveries_per_second: float
    received_bytes: int
    latency: Percentiles | None
    """From ``sent`` to arrival at this machine."""
    tally: SequenceCounts
    load_cpu_s: float
    load_us_per_delivery: float
    server_cpu_s: float | None
    server_us_per_delivery: float | None
    """None where the server was not measured."""
    server_resident_bytes: int | None
    """At the interval's end."""


def measure(
    reactor: Reactor, pool: ClientPool, samples: Samples, seconds: float, pid: int | None
) -> Interval:
    """Receive for ``seconds`` and return the figures. Ends early when no client is left.

    ``pid`` is the server's; None: not measured. Raises NoSuchProcessError.
    """
    samples.pop()  # what came before the interval does not count
    messages, received = pool.totals()
    started, load = time.monotonic(), cpu_seconds(os.getpid())
    server = None if pid is None else cpu_seconds(pid)
    reactor.run(seconds, lambda: not pool.open)
    server_cpu_s = None if pid is None or server is None else cpu_seconds(pid) - server
    load_cpu_s, took = cpu_seconds(os.getpid()) - load, time.monotonic() - started
    messages_now, received_now = pool.totals()
    sampled = samples.pop()
    deliveries = messages_now - messages
    return Interval(
        seconds=took,
        deliveries=deliveries,
        deliveries_per_second=deliveries / took,
        received_bytes=received_now - received,
        latency=sampled.latency,
        tally=sampled.tally,
        load_cpu_s=load_cpu_s,
        load_us_per_delivery=_us_each(load_cpu_s, deliveries),
        server_cpu_s=server_cpu_s,
        server_us_per_delivery=None if server_cpu_s is None else _us_each(server_cpu_s, deliveries),
        server_resident_bytes=None if pid is None else resident_bytes(pid),
    )


def _us_each(seconds: float, count: int) -> float:
    return seconds * 1e6 / max(1, count)

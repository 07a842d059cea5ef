"""Memory: ten thousand subscribed clients, held through a whole round of pings."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks import machine
from benchmarks.contestants import FLOORWIRE, Stable
from benchmarks.figures import Figure, Verdict, table
from benchmarks.load import bench
from benchmarks.rhythm import Rhythm
from floorwire.cli.load.fanout import FanoutReport

CLIENTS = 10_000
SECONDS = 30
"""Longer than the default ping.interval_s with its jitter: every client is pinged."""
AT_MOST_KB = 15.0
RHYTHM = Rhythm(port=0, symbols=1, bursts_per_second=1, width=1, depth=1)


def hold(stable: Stable) -> Iterator[str]:
    """Hold the clients; yield what they take."""
    with stable.serving(FLOORWIRE, RHYTHM, machine.cpu_of_server()) as server:
        report = bench(
            FanoutReport,
            machine.cpu_of_load(),
            "fanout",
            server.url(),
            clients=CLIENTS,
            symbols=RHYTHM.names[0],
            seconds=SECONDS,
            pid=server.pid,
        )
    memory, interval = report.server_memory, report.interval
    assert memory is not None
    yield "### 10,000 subscribed clients on one process, pings on"
    yield table(
        (
            "held for, s",
            "clients",
            "lost",
            "empty, MB",
            "with clients, MB",
            "KB a connection",
            "missing",
            "CPU, %",
        ),
        [
            (
                f"{interval.seconds:.0f}",
                str(report.opened),
                str(sum(report.endings.values())),
                f"{memory.before_bytes / 1e6:.1f}",
                f"{memory.after_bytes / 1e6:.1f}",
                f"{memory.growth_per_connection / 1e3:.2f}",
                str(interval.tally.missing),
                f"{100 * (interval.server_cpu_s or 0) / interval.seconds:.0f}",
            )
        ],
    )
    growth = Figure.of([memory.growth_per_connection / 1e3])
    yield Verdict("resident KB a connection beyond the empty server", growth, AT_MOST_KB).text()

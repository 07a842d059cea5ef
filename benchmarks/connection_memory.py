"""Memory a connection: ten thousand subscribed clients, held until each was pinged."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks import machine
from benchmarks.contestants import FLOORWIRE, ContestantRunner
from benchmarks.figures import Figure, TargetCheck, table
from benchmarks.load import bench
from benchmarks.workload import Workload
from floorwire.cli.load.fanout import FanoutReport

CLIENTS = 10_000
SECONDS = 30
"""Longer than the default ping.interval_s with its jitter, so that every client is pinged."""
AT_MOST_KB = 15.0
WORKLOAD = Workload(port=0, symbols=1, bursts_per_second=1, width=1, depth=1)


def measure(runner: ContestantRunner) -> Iterator[str]:
    """Hold the clients; yield how much memory and CPU they take."""
    with runner.serving(FLOORWIRE, WORKLOAD, machine.cpu_of_server()) as server:
        report = bench(
            FanoutReport,
            machine.cpu_of_load(),
            "fanout",
            server.url(),
            clients=CLIENTS,
            symbols=WORKLOAD.names[0],
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
    yield TargetCheck("resident KB a connection beyond the empty server", growth, AT_MOST_KB).text()

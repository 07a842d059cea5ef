"""Round trips of an echo as large as an order; server and client share a CPU."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks import machine
from benchmarks.contestants import ARTICLE, ECHO, FLOORWIRE, ContestantRunner
from benchmarks.figures import Figure, TargetCheck, table
from benchmarks.load import bench
from benchmarks.workload import Workload
from floorwire.cli.load.rtt import RttReport

COUNT = 50_000
AT_MOST = 1.7
QUIET = Workload(port=0, symbols=1, bursts_per_second=1, width=1, depth=1)
PING = "Floorwire, ping"
RUNS = {
    ECHO: (ECHO, "echo"),
    FLOORWIRE: (FLOORWIRE, "echo"),
    PING: (FLOORWIRE, "ping"),
    ARTICLE: (ARTICLE, "echo"),
}


def compare(runner: ContestantRunner, rounds: int) -> Iterator[str]:
    """Run the contestants in turn; yield the results."""
    reports: dict[str, list[RttReport]] = {name: [] for name in RUNS}
    for _ in range(rounds):
        for name in RUNS:
            reports[name].append(_run(name, runner))
    p50 = {name: Figure.of(report.round_trips.p50_us for report in reports[name]) for name in RUNS}
    p99 = {name: Figure.of(report.round_trips.p99_us for report in reports[name]) for name in RUNS}
    sent = {name: reports[name][0].message_bytes for name in RUNS}
    yield "### Round trip of an order-sized message, both ends on one CPU"
    yield table(
        ("", "bytes", "p50, us", "p99, us", "p50 to C echo"),
        [
            (
                name,
                str(sent[name]),
                p50[name].text(1),
                p99[name].text(1),
                p50[name].ratio_to(p50[ECHO]).text(),
            )
            for name in RUNS
        ],
    )
    yield TargetCheck("p50, Floorwire to C echo", p50[FLOORWIRE].ratio_to(p50[ECHO]), AT_MOST).text()


def _run(name: str, runner: ContestantRunner) -> RttReport:
    contestant, message = RUNS[name]
    cpu = machine.cpu_of_server()
    with runner.serving(contestant, QUIET, cpu) as server:
        path = "/ws/echo" if message == "echo" else "/ws"
        return bench(RttReport, cpu, "rtt", server.url(path), message=message, count=COUNT)

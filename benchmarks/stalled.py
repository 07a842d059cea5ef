"""A client that does not read: how it changes the latency of others, and what it receives."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import nan

from benchmarks import machine
from benchmarks.contestants import FLOORWIRE, ContestantRunner
from benchmarks.figures import Figure, TargetCheck, table
from benchmarks.load import LoadError, bench
from benchmarks.workload import Workload
from floorwire.cli.load.percentiles import Percentiles
from floorwire.cli.load.stall import StallReport

CONTRACTS = ("conflate", "skip", "disconnect")
CLIENTS, EACH, SECONDS = 100, 20, 6
AT_MOST = 1.10
WORKLOAD = Workload(port=0, symbols=100, bursts_per_second=20, width=10, depth=5)
"""380 KB a second for a client of all symbols: it fills the kernel's buffers and the outbox in 2 s."""


def compare(runner: ContestantRunner, rounds: int) -> Iterator[str]:
    """Stall one client under each contract in each round; yield the results."""
    reports = [(on_slow, _run(on_slow, runner)) for _ in range(rounds) for on_slow in CONTRACTS]
    ratios = Figure.of(_ratio(report) for _, report in reports)
    yield "### One client that never reads, beside 100 that do"
    yield (
        "p99 of the others, in us, in three intervals of one run: before it came, while it stalled, and "
        "after it was gone. How far before and after are apart is noise. The server's memory at the end of "
        "each: what is kept for resuming fills up in all three."
    )
    yield table(
        ("contract", "before", "stalled", "after", "ratio", "it got", "server's memory, MB"),
        [_row(on_slow, report) for on_slow, report in reports],
    )
    yield TargetCheck("p99 with a stalled client to p99 without", ratios, AT_MOST).text()


def _run(on_slow: str, runner: ContestantRunner) -> StallReport:
    with runner.serving(FLOORWIRE, WORKLOAD, machine.cpu_of_server()) as server:
        return bench(
            StallReport,
            machine.cpu_of_load(),
            "stall",
            server.url(),
            clients=CLIENTS,
            each=EACH,
            stalled=1,
            on_slow=on_slow,
            symbols=",".join(WORKLOAD.names),
            seconds=SECONDS,
            pid=server.pid,
        )


def _p99(times: Percentiles | None) -> float:
    if times is None:
        raise LoadError("nobody received anything")
    return times.p99_us


def _ratio(report: StallReport) -> float:
    without = (_p99(report.before.latency) + _p99(report.after.latency)) / 2
    return _p99(report.during.latency) / without


def _row(on_slow: str, report: StallReport) -> Sequence[str]:
    p99 = (f"{_p99(each.latency):.0f}" for each in (report.before, report.during, report.after))
    intervals = (report.before, report.during, report.after)
    memory = (f"{(each.server_resident_bytes or nan) / 1e6:.1f}" for each in intervals)
    return (on_slow, *p99, f"{_ratio(report):.2f}", _outcome(report), ", ".join(memory))


def _outcome(report: StallReport) -> str:
    stalled = report.stalled
    if stalled.endings:
        return ", ".join(f"{ending} after {stalled.messages} messages" for ending in stalled.endings)
    announced = stalled.tally.conflated + stalled.tally.skipped
    return f"{stalled.messages} messages, {announced} announced, {stalled.tally.missing} missing"

"""Fan-out: the server's CPU time for a delivered message, compared with the other contestants."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import nan

import msgspec

from benchmarks import machine
from benchmarks.contestants import ARTICLE, BROADCAST, FLOORWIRE, LOOP, PLAIN, ContestantRunner
from benchmarks.figures import Figure, TargetCheck, table
from benchmarks.load import bench
from benchmarks.workload import Workload
from floorwire.cli.load.fanout import FanoutReport

SECONDS = 4
COMPLETE = 0.97
"""The least share of the due deliveries. A burst at an edge of the interval makes about a percent."""


class FanoutCase(msgspec.Struct, frozen=True):
    """``clients`` with ``each`` symbols; ``targets`` are the greatest ratios of Floorwire's cost."""

    title: str
    workload: Workload
    clients: int
    each: int
    contestants: tuple[str, ...]
    targets: Mapping[str, float]

    @property
    def deliveries_per_second(self) -> float:
        """How many messages a second all clients together should receive, on average."""
        workload = self.workload
        published = workload.bursts_per_second * workload.width * workload.depth
        return published * self.clients * self.each / workload.symbols


CASES = (
    FanoutCase(
        "One symbol, 1,000 clients",
        Workload(port=0, symbols=1, bursts_per_second=40, width=1, depth=1),
        clients=1_000,
        each=1,
        contestants=(LOOP, FLOORWIRE, BROADCAST, ARTICLE, PLAIN),
        targets={LOOP: 1.25, ARTICLE: 0.5},
    ),
    FanoutCase(
        "100 symbols, 20 each, 500 clients, bursts of ten over ten symbols",
        Workload(port=0, symbols=100, bursts_per_second=40, width=10, depth=1),
        clients=500,
        each=20,
        contestants=(LOOP, FLOORWIRE, ARTICLE, PLAIN),
        targets={ARTICLE: 1 / 3},
    ),
    FanoutCase(
        "100 symbols, 20 each, 500 clients, bursts of ten of one symbol",
        Workload(port=0, symbols=100, bursts_per_second=40, width=1, depth=10),
        clients=500,
        each=20,
        contestants=(LOOP, FLOORWIRE, ARTICLE, PLAIN),
        targets={ARTICLE: 1 / 3},
    ),
)


def compare(case: FanoutCase, runner: ContestantRunner, rounds: int) -> Iterator[str]:
    """Run the contestants in turn, each round starting with another one; yield the results."""
    reports: dict[str, list[FanoutReport]] = {name: [] for name in case.contestants}
    for turn in range(rounds):
        shift = turn % len(case.contestants)
        for name in (*case.contestants[shift:], *case.contestants[:shift]):
            reports[name].append(_run(case, name, runner))
    costs = {name: Figure.of(_cost(report) for report in reports[name]) for name in case.contestants}
    workload = case.workload
    yield f"### {case.title}"
    yield (
        f"{workload.bursts_per_second:.0f} bursts a second, {workload.width * workload.depth} messages each; "
        f"{case.deliveries_per_second:.0f} deliveries a second. CPU: the server's for each delivery. "
        "Latency: from publishing to the client's kernel."
    )
    yield table(HEAD, [_row(case, reports[name], name, costs) for name in case.contestants])
    checks = (
        TargetCheck(f"CPU, Floorwire to {name}", costs[FLOORWIRE].ratio_to(costs[name]), at_most).text()
        for name, at_most in case.targets.items()
    )
    yield "\n".join((*checks, *_invalid_results(case, reports)))


def _invalid_results(case: FanoutCase, reports: Mapping[str, Sequence[FanoutReport]]) -> Iterator[str]:
    """Yield why the figures of a contestant cannot be compared."""
    for name, rounds in reports.items():
        if any(report.opened < case.clients for report in rounds):
            yield f"- **{name}** did not take all clients in every round: not comparable."
        if any(_arrived(case, report) < COMPLETE for report in rounds):
            yield f"- **{name}** did not deliver everything in time in every round: not comparable."
        if any(report.interval.tally.missing for report in rounds):
            yield f"- **{name}** lost messages: not comparable."


def _arrived(case: FanoutCase, report: FanoutReport) -> float:
    return report.interval.deliveries_per_second / case.deliveries_per_second


def _run(case: FanoutCase, name: str, runner: ContestantRunner) -> FanoutReport:
    with runner.serving(name, case.workload, machine.cpu_of_server()) as server:
        return bench(
            FanoutReport,
            machine.cpu_of_load(),
            "fanout",
            server.url(),
            clients=case.clients,
            each=case.each,
            symbols=",".join(case.workload.names),
            seconds=SECONDS,
            pid=server.pid,
        )


HEAD = (
    "", "CPU, us", "to C loop", "Floorwire to it", "CPU, %", "arrived, %", "missing", "bytes",
    "p50, us", "p99, us",
)  # fmt: skip


def _row(
    case: FanoutCase, reports: Sequence[FanoutReport], name: str, costs: Mapping[str, Figure]
) -> Sequence[str]:
    def figure(of: Callable[[FanoutReport], float], decimals: int = 0) -> str:
        return f"{Figure.of(map(of, reports)).median:.{decimals}f}"

    return (
        name,
        costs[name].text(),
        costs[name].ratio_to(costs[LOOP]).text(),
        costs[FLOORWIRE].ratio_to(costs[name]).text(),
        figure(lambda report: 100 * (report.interval.server_cpu_s or 0) / report.interval.seconds),
        figure(lambda report: 100 * _arrived(case, report), 1),
        figure(lambda report: report.interval.tally.missing + case.clients - report.opened),
        figure(lambda report: report.interval.received_bytes / max(1, report.interval.deliveries)),
        figure(lambda report: report.interval.latency.p50_us if report.interval.latency else nan),
        figure(lambda report: report.interval.latency.p99_us if report.interval.latency else nan),
    )


def _cost(report: FanoutReport) -> float:
    return report.interval.server_us_per_delivery or nan

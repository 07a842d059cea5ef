"""Fan-out: what a delivered message costs the server, beside the other contestants at the same rhythm."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import nan

import msgspec

from benchmarks import machine
from benchmarks.contestants import ARTICLE, BROADCAST, FLOORWIRE, LOOP, PLAIN, Stable
from benchmarks.figures import Figure, Verdict, table
from benchmarks.load import bench
from benchmarks.rhythm import Rhythm
from floorwire.cli.load.fanout import FanoutReport

SECONDS = 4
COMPLETE = 0.97
"""Least share of the deliveries due: a burst more or less at the edges of the interval is a percent or so."""


class Crowd(msgspec.Struct, frozen=True):
    """So many clients with so many symbols each; Floorwire's cost may be so much of each other's."""

    title: str
    rhythm: Rhythm
    clients: int
    each: int
    contestants: tuple[str, ...]
    targets: Mapping[str, float]

    @property
    def deliveries_per_second(self) -> float:
        """How many messages all clients together have to get a second, on average."""
        rhythm = self.rhythm
        published = rhythm.bursts_per_second * rhythm.width * rhythm.depth
        return published * self.clients * self.each / rhythm.symbols


CROWDS = (
    Crowd(
        "One symbol, 1,000 clients",
        Rhythm(port=0, symbols=1, bursts_per_second=40, width=1, depth=1),
        clients=1_000,
        each=1,
        contestants=(LOOP, FLOORWIRE, BROADCAST, ARTICLE, PLAIN),
        targets={LOOP: 1.25, ARTICLE: 0.5},
    ),
    Crowd(
        "100 symbols, 20 each, 500 clients, bursts of ten over ten symbols",
        Rhythm(port=0, symbols=100, bursts_per_second=40, width=10, depth=1),
        clients=500,
        each=20,
        contestants=(LOOP, FLOORWIRE, ARTICLE, PLAIN),
        targets={ARTICLE: 1 / 3},
    ),
    Crowd(
        "100 symbols, 20 each, 500 clients, bursts of ten of one symbol",
        Rhythm(port=0, symbols=100, bursts_per_second=40, width=1, depth=10),
        clients=500,
        each=20,
        contestants=(LOOP, FLOORWIRE, ARTICLE, PLAIN),
        targets={ARTICLE: 1 / 3},
    ),
)


def compare(crowd: Crowd, stable: Stable, rounds: int) -> Iterator[str]:
    """Run the contestants in turn, each round beginning with another; yield the results."""
    reports: dict[str, list[FanoutReport]] = {name: [] for name in crowd.contestants}
    for turn in range(rounds):
        shift = turn % len(crowd.contestants)
        for name in (*crowd.contestants[shift:], *crowd.contestants[:shift]):
            reports[name].append(_run(crowd, name, stable))
    costs = {name: Figure.of(_cost(report) for report in reports[name]) for name in crowd.contestants}
    rhythm = crowd.rhythm
    yield f"### {crowd.title}"
    yield (
        f"{rhythm.bursts_per_second:.0f} bursts a second, {rhythm.width * rhythm.depth} messages each; "
        f"{crowd.deliveries_per_second:.0f} deliveries a second. CPU: the server's for each delivery. "
        "Latency: from publishing to the client's kernel."
    )
    yield table(HEAD, [_row(crowd, reports[name], name, costs) for name in crowd.contestants])
    verdicts = (
        Verdict(f"CPU, Floorwire to {name}", costs[FLOORWIRE].over(costs[name]), at_most).text()
        for name, at_most in crowd.targets.items()
    )
    yield "\n".join((*verdicts, *_complaints(crowd, reports)))


def _complaints(crowd: Crowd, reports: Mapping[str, Sequence[FanoutReport]]) -> Iterator[str]:
    """Yield what makes the figures of a contestant worth less."""
    for name, rounds in reports.items():
        if any(report.opened < crowd.clients for report in rounds):
            yield f"- **{name}** did not take all clients in every round: not comparable."
        if any(_arrived(crowd, report) < COMPLETE for report in rounds):
            yield f"- **{name}** did not deliver everything in time in every round: not comparable."
        if any(report.interval.tally.missing for report in rounds):
            yield f"- **{name}** lost messages: not comparable."


def _arrived(crowd: Crowd, report: FanoutReport) -> float:
    return report.interval.deliveries_per_second / crowd.deliveries_per_second


def _run(crowd: Crowd, name: str, stable: Stable) -> FanoutReport:
    with stable.serving(name, crowd.rhythm, machine.cpu_of_server()) as server:
        return bench(
            FanoutReport,
            machine.cpu_of_load(),
            "fanout",
            server.url(),
            clients=crowd.clients,
            each=crowd.each,
            symbols=",".join(crowd.rhythm.names),
            seconds=SECONDS,
            pid=server.pid,
        )


HEAD = (
    "", "CPU, us", "to C loop", "Floorwire to it", "CPU, %", "arrived, %", "missing", "bytes",
    "p50, us", "p99, us",
)  # fmt: skip


def _row(
    crowd: Crowd, reports: Sequence[FanoutReport], name: str, costs: Mapping[str, Figure]
) -> Sequence[str]:
    def figure(of: Callable[[FanoutReport], float], decimals: int = 0) -> str:
        return f"{Figure.of(map(of, reports)).median:.{decimals}f}"

    return (
        name,
        costs[name].text(),
        costs[name].over(costs[LOOP]).text(),
        costs[FLOORWIRE].over(costs[name]).text(),
        figure(lambda report: 100 * (report.interval.server_cpu_s or 0) / report.interval.seconds),
        figure(lambda report: 100 * _arrived(crowd, report), 1),
        figure(lambda report: report.interval.tally.missing + crowd.clients - report.opened),
        figure(lambda report: report.interval.received_bytes / max(1, report.interval.deliveries)),
        figure(lambda report: report.interval.latency.p50_us if report.interval.latency else nan),
        figure(lambda report: report.interval.latency.p99_us if report.interval.latency else nan),
    )


def _cost(report: FanoutReport) -> float:
    return report.interval.server_us_per_delivery or nan

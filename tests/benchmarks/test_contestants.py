"""Every contestant starts, delivers the same load in as many bytes, and is gone afterwards."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from benchmarks.contestants import ARTICLE, BROADCAST, ECHO, FLOORWIRE, LOOP, ContestantRunner
from benchmarks.load import LoadError, bench
from benchmarks.workload import Workload

from benchmarks import machine
from floorwire.cli.load.fanout import FanoutReport
from floorwire.cli.load.rtt import RttReport

pytestmark = pytest.mark.slow
WORKLOAD = Workload(port=0, symbols=3, bursts_per_second=50, width=2, depth=2)


def fanned_out(name: str, runner: ContestantRunner) -> FanoutReport:
    with runner.serving(name, WORKLOAD, machine.cpu_of_server()) as server:
        return bench(
            FanoutReport,
            machine.cpu_of_load(),
            "fanout",
            server.url(),
            clients=10,
            each=2,
            symbols=",".join(WORKLOAD.names),
            seconds=1,
            pid=server.pid,
        )


def test_all_contestants_deliver_the_same(tmp_path: Path) -> None:
    runner = ContestantRunner(tmp_path)
    reports = {name: fanned_out(name, runner) for name in (FLOORWIRE, ARTICLE, BROADCAST, LOOP)}
    floorwire = reports[FLOORWIRE].interval
    for report in reports.values():
        interval = report.interval
        assert (report.opened, report.endings) == (10, {})
        assert interval.tally.checked > 0
        assert interval.tally.missing == interval.tally.repeated == 0
        assert interval.received_bytes / interval.deliveries == pytest.approx(
            floorwire.received_bytes / floorwire.deliveries, rel=0.02
        )


@pytest.mark.parametrize("name", [ECHO, FLOORWIRE, ARTICLE])
def test_the_echo_contestants_echo(name: str, tmp_path: Path) -> None:
    with ContestantRunner(tmp_path).serving(name, WORKLOAD, machine.cpu_of_server()) as server:
        report = bench(RttReport, machine.cpu_of_load(), "rtt", server.url("/ws/echo"), count=100)
        assert report.round_trips.count == 100
    with pytest.raises(ProcessLookupError):
        os.kill(server.pid, 0)
    with pytest.raises(LoadError, match="ended with 2"):
        bench(RttReport, machine.cpu_of_load(), "rtt", server.url("/ws/echo"))

"""What disturbs a measurement is reported."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from itertools import count

import pytest

from benchmarks import machine


def others(
    monkeypatch: pytest.MonkeyPatch,
    all_s: float,
    ours_s: float,
    yardsticks: tuple[float, float] = (10.0, 11.0),
) -> str:
    """Return the text after one second in which all processes, and ours, used so many CPU seconds."""

    def steps(by: float) -> Iterator[float]:
        return (step * by for step in count())

    clock, everything, own = steps(1.0), steps(all_s), steps(ours_s)
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(machine, "_busy_seconds", lambda: next(everything))
    monkeypatch.setattr(machine, "_our_seconds", lambda: next(own))
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    measured = iter(yardsticks)
    monkeypatch.setattr(machine, "yardstick_ms", lambda: next(measured))
    return machine.OtherProcesses().text()


def test_our_own_processes_do_not_count_as_a_disturbance(monkeypatch: pytest.MonkeyPatch) -> None:
    said = others(monkeypatch, all_s=1.5, ours_s=1.46)
    assert said == "Others used 2% of the machine meanwhile; the yardstick took 10.0 ms before, 11.0 after."


def test_other_processes_count_as_a_disturbance(monkeypatch: pytest.MonkeyPatch) -> None:
    assert others(monkeypatch, all_s=1.5, ours_s=0.5).startswith("Others used 50% of the machine")
    assert others(monkeypatch, all_s=1.5, ours_s=0.5).endswith("on a quiet machine.**")


@pytest.mark.parametrize("yardsticks", [(10.0, 12.0), (12.0, 10.0)])
def test_a_slower_yardstick_counts_as_a_disturbance(
    monkeypatch: pytest.MonkeyPatch, yardsticks: tuple[float, float]
) -> None:
    assert others(monkeypatch, 1.5, 1.46, yardsticks).endswith("on a quiet machine.**")


def test_busy_processes_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = iter([[(1, 5.0), (os.getpid(), 1.0)], [(1, 5.5), (os.getpid(), 2.0), (7, 9.0)]])
    monkeypatch.setattr(machine, "_cpu_seconds", lambda: iter(next(looks)))
    monkeypatch.setattr(machine, "_command", lambda pid: f"process {pid}")
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    assert machine.disturbances(1.0) == ["process 1 (pid 1) uses 50% of a CPU"]


def test_reads_this_machine() -> None:
    assert f"{os.cpu_count()} CPUs" in machine.description()
    assert {machine.cpu_of_load(), machine.cpu_of_server()} <= os.sched_getaffinity(0)
    assert machine.OtherProcesses().text().startswith("Others used ")
    assert machine.yardstick_ms(1) > 0

"""The soak's judgement: what grows is found, what only wavers is not."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from tests.soak.samples import MIB, Sample, judge, sample, table, verdict_table

HUNDRED = 100 * MIB
OF_FILES = 10 * MIB


def run(
    resident: Callable[[float], float], log: Callable[[float], float], descriptors: int = 200
) -> list[Sample]:
    """Return the samples of twelve minutes."""
    times = [10.0 * number for number in range(72)]
    return [
        Sample(at_s, size, size - OF_FILES, descriptors + int(at_s) % 3, 6, int(log(at_s)), 0, at_s / 2)
        for at_s in times
        for size in [int(resident(at_s))]
    ]


def steady(at_s: float) -> float:
    """Grow for five minutes, and then waver by 1%."""
    return HUNDRED + min(at_s, 290) * MIB / 10 + (int(at_s) % 20) * MIB / 20


def test_what_wavers_holds() -> None:
    verdicts = judge(run(steady, lambda at_s: 1_000 * at_s))
    assert [verdict.name for verdict in verdicts] == [
        "resident",
        "private",
        "descriptors",
        "threads",
        "log a minute",
    ]
    assert all(verdict.holds for verdict in verdicts)


def test_memory_that_grows_is_found() -> None:
    resident, private, *others = judge(
        run(lambda at_s: HUNDRED + at_s * MIB / 100, lambda at_s: 1_000 * at_s)
    )
    assert not resident.holds
    assert not private.holds
    assert 0.03 < resident.change < 0.05
    assert all(verdict.holds for verdict in others)


def test_a_log_that_grows_faster_is_found() -> None:
    *others, log = judge(run(steady, lambda at_s: 1_000 * at_s + at_s * at_s))
    assert not log.holds
    assert all(verdict.holds for verdict in others)


def test_a_log_that_never_grows_holds() -> None:
    assert all(verdict.holds for verdict in judge(run(steady, lambda at_s: 500.0)))


def test_tables() -> None:
    samples = run(steady, lambda at_s: 1_000 * at_s)
    rows = list(table(samples, 60))
    assert rows[2] == "| 0.0 | 100.0 | 90.0 | 200 | 6 | 0 | 0.0 |  |"
    assert rows[3].endswith("| 50% |")
    assert len(rows) == 2 + 13
    assert "| resident | " in "\n".join(verdict_table(judge(samples)))


def test_a_process_is_sampled(tmp_path: Path) -> None:
    (tmp_path / "journal.db").write_bytes(bytes(7))
    (tmp_path / "journal.db-wal").write_bytes(bytes(3))
    log = tmp_path / "log"
    log.write_bytes(bytes(5))
    taken = sample(os.getpid(), 1.5, [log, tmp_path / "none"], tmp_path)
    assert (taken.at_s, taken.log, taken.journal) == (1.5, 5, 10)
    assert taken.resident > taken.private > MIB
    assert taken.descriptors > 0
    assert taken.threads >= 1

"""What a server holds, one sample after another. Does it hold more at the end than after five minutes?"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Final

import msgspec

PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")
TICKS: Final = os.sysconf("SC_CLK_TCK")
SETTLED_S: Final = 300.0
"""Rings and kept orders are full after this time."""
WINDOW_S: Final = 60.0
TOLERANCE: Final = 0.02
MIB: Final = 1 << 20
UNITS: Final = {"resident": (MIB, " MiB"), "private": (MIB, " MiB"), "log a minute": (1024, " KiB")}
"""What the table shows a quantity in: bytes of one unit, and its name."""


class Sample(msgspec.Struct, frozen=True):
    """One look at the process and its files. Sizes are in bytes."""

    at_s: float
    resident: int
    private: int
    """The resident memory without the pages of mapped files: where memory is short on the machine, the system
    drops those and reads them again later."""
    descriptors: int
    threads: int
    log: int
    journal: int
    cpu_s: float


class Verdict(msgspec.Struct, frozen=True):
    """One quantity after five minutes and at the end."""

    name: str
    settled: float
    end: float

    @property
    def change(self) -> float:
        """The difference, as a fraction of the earlier one."""
        return (self.end - self.settled) / self.settled if self.settled else float(self.end > 0)

    @property
    def holds(self) -> bool:
        """Whether the difference is small, in either direction."""
        return abs(self.change) <= TOLERANCE


def sample(pid: int, at_s: float, logs: Sequence[Path], folder: Path) -> Sample:
    """Look at the process now (Linux)."""
    proc = Path(f"/proc/{pid}")
    fields = (proc / "stat").read_text().rpartition(")")[2].split()
    _, resident, of_files, *_ = map(int, (proc / "statm").read_text().split())
    return Sample(
        at_s=at_s,
        resident=resident * PAGE_BYTES,
        private=(resident - of_files) * PAGE_BYTES,
        descriptors=sum(1 for _ in (proc / "fd").iterdir()),
        threads=int(fields[17]),
        log=sum(map(_size, logs)),
        journal=sum(_size(path) for path in folder.glob("journal.db*")),
        cpu_s=(int(fields[11]) + int(fields[12])) / TICKS,
    )


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def judge(samples: Sequence[Sample]) -> list[Verdict]:
    """Compare the minute after ``SETTLED_S`` with the last one. There have to be samples of both.

    Of the log it is the growth: of the first half of the time after five minutes, and of the second.
    """
    later = [each for each in samples if each.at_s >= SETTLED_S]
    end_s = later[-1].at_s
    first = [each for each in later if each.at_s <= SETTLED_S + WINDOW_S]
    last = [each for each in later if each.at_s >= end_s - WINDOW_S]
    middle = later[len(later) // 2]
    return [
        *(
            Verdict(
                name,
                median(getattr(each, name) for each in first),
                median(getattr(each, name) for each in last),
            )
            for name in ("resident", "private", "descriptors", "threads")
        ),
        Verdict("log a minute", _per_minute(later[0], middle), _per_minute(middle, later[-1])),
    ]


def _per_minute(begin: Sample, end: Sample) -> float:
    return (end.log - begin.log) / (end.at_s - begin.at_s) * 60


def table(samples: Sequence[Sample], every_s: float) -> Iterator[str]:
    """Yield the samples as a Markdown table, one row each ``every_s``."""
    yield "| minute | resident MiB | private MiB | descriptors | threads | log KiB | journal MiB | CPU |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- |"
    due_s, before = 0.0, None
    for each in samples:
        if each.at_s < due_s and each is not samples[-1]:
            continue
        due_s += every_s
        cpu = f"{(each.cpu_s - before.cpu_s) / (each.at_s - before.at_s):.0%}" if before else ""
        before = each
        yield (
            f"| {each.at_s / 60:.1f} | {each.resident / MIB:.1f} | {each.private / MIB:.1f} "
            f"| {each.descriptors} | {each.threads} | {each.log / 1024:.0f} | {each.journal / MIB:.1f} "
            f"| {cpu} |"
        )


def verdict_table(verdicts: Sequence[Verdict]) -> Iterator[str]:
    """Yield the comparison as a Markdown table."""
    yield "| | after 5 minutes | at the end | change | within 2% |"
    yield "| --- | --- | --- | --- | --- |"
    for each in verdicts:
        scale, unit = UNITS.get(each.name, (1, ""))
        yield (
            f"| {each.name} | {each.settled / scale:.1f}{unit} | {each.end / scale:.1f}{unit} "
            f"| {each.change:+.2%} | {'yes' if each.holds else '**no**'} |"
        )

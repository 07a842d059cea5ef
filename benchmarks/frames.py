"""The CPU time of a market data frame: from its bytes to market events, beside cryptofeed and ccxt.pro.

All play the same recorded frames by turns, on the server's CPU, each in a process of its own. Bare decoding
is msgspec alone, into typed Structs of the kind that is known beforehand; nothing is made of them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

from benchmarks import frame_sessions, frames_floorwire, machine
from benchmarks.contestants import HERE, ContestantError
from benchmarks.figures import Figure, TargetCheck, table
from benchmarks.frame_sessions import RecordedSession

FLOORWIRE, BARE, CRYPTOFEED, CCXT = "Floorwire", "bare decoding", "cryptofeed", "ccxt.pro"
OTHERS = {CRYPTOFEED: ("CRYPTOFEED_PYTHON", "cryptofeed"), CCXT: ("CCXT_PYTHON", "ccxt")}
"""Contestant -> the environment variable that names its Python, and its folder in ``.venv``."""
ALL = "all"
Result = TypeVar("Result")
TO_CRYPTOFEED, TO_BARE = 1 / 3, 5.0
PLAYS = {CRYPTOFEED: ("binance", "kraken", "okx"), CCXT: ("binance", "okx")}


class Times(NamedTuple):
    """The microseconds that each kind of frame takes in one round, on average."""

    by_kind: dict[str, float]

    @classmethod
    def of(cls, kinds: Sequence[str], nanoseconds: Sequence[int]) -> Times:
        """Return the times of frames of these kinds."""
        sums: Counter[str] = Counter()
        counts: Counter[str] = Counter()
        for kind, took in zip(kinds, nanoseconds, strict=True):
            for name in (kind, ALL):
                sums[name] += took
                counts[name] += 1
        return cls({kind: sums[kind] / counts[kind] / 1_000 for kind in counts})


def compare(rounds: int) -> Iterator[str]:
    """Yield a table for each session, and the targets; a sentence for what is not here."""
    yield "### Frames: from bytes to market events"
    if not frame_sessions.is_here():
        yield "Not measured: the recorded sessions are not in ../shared/recorded."
        return
    pythons = {name: python for name in OTHERS if (python := _python(name)) is not None}
    for name in OTHERS.keys() - pythons.keys():
        yield f"{name} is not installed: `make .venv/{OTHERS[name][1]}/.done`. It is left out."
    with tempfile.TemporaryDirectory() as folder:
        for exchange in frame_sessions.FILES:
            yield from _compare_session(RecordedSession(exchange), pythons, Path(folder), rounds)


def _compare_session(
    session: RecordedSession, pythons: dict[str, str], folder: Path, rounds: int
) -> Iterator[str]:
    file = folder / f"{session.exchange}.json"
    session.for_others().write(file)
    kinds = [kind for kind, _, _ in session.frames]
    contestants: dict[str, Callable[[], Sequence[int]]] = {
        FLOORWIRE: _played(sys.executable, "floorwire", session.exchange, frames_floorwire.ADAPTER),
        BARE: _played(sys.executable, "floorwire", session.exchange, frames_floorwire.BARE),
    }
    for name, python in pythons.items():
        if session.exchange in PLAYS[name]:
            contestants[name] = _played(python, OTHERS[name][1], str(file))
    measured: dict[str, list[Times]] = {name: [] for name in contestants}
    for number in range(rounds):
        names = list(contestants)
        for name in names[number % len(names) :] + names[: number % len(names)]:
            measured[name].append(Times.of(kinds, contestants[name]()))
    yield from _report(session, kinds, measured)


def _report(
    session: RecordedSession, kinds: Sequence[str], measured: dict[str, list[Times]]
) -> Iterator[str]:
    counts = Counter(kinds)
    figures = {
        name: {kind: Figure.of(one.by_kind[kind] for one in times) for kind in (*counts, ALL)}
        for name, times in measured.items()
    }
    rows = [
        [
            kind,
            str(counts[kind] or len(kinds)),
            *(f"{min(figures[name][kind].rounds):.2f}" for name in measured),
        ]
        + [
            figures[FLOORWIRE][kind].ratio_to(figures[other][kind]).text()
            for other in measured
            if other != FLOORWIRE
        ]
        for kind in (*counts, ALL)
    ]
    head = ["frame", "count", *(f"{name}, us" for name in measured)]
    head += [f"Floorwire to {name}" for name in measured if name != FLOORWIRE]
    yield f"**{session.exchange}**. Microseconds of the least round; ratios within each round."
    yield table(head, rows)
    ours = figures[FLOORWIRE][ALL]
    targets = [TargetCheck("Floorwire to bare decoding", ours.ratio_to(figures[BARE][ALL]), TO_BARE)]
    if CRYPTOFEED in figures:
        found = ours.ratio_to(figures[CRYPTOFEED][ALL])
        targets.append(TargetCheck("Floorwire to cryptofeed", found, TO_CRYPTOFEED))
    yield "\n".join(target.text() for target in targets)


# --- contestants --------------------------------------------------------------------------------------


def _played(python: str, name: str, *arguments: str) -> Callable[[], Sequence[int]]:
    """Return what plays the session in a new process; that gives the nanoseconds of each frame."""
    command = [python, "-m", f"benchmarks.frames_{name}", *arguments]

    def play() -> Sequence[int]:
        run = _on_server_cpu(
            lambda: subprocess.run(command, cwd=HERE.parent, capture_output=True, text=True, check=False)
        )
        if run.returncode:
            raise ContestantError(f"{name}: {run.stderr[-500:]}")
        times: list[int] = json.loads(run.stdout)
        return times

    return play


def _on_server_cpu(work: Callable[[], Result]) -> Result:
    mine = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {machine.cpu_of_server()})
    try:
        return work()
    finally:
        os.sched_setaffinity(0, mine)


def _python(name: str) -> str | None:
    """Return the Python of a contestant's environment; None if it is not installed."""
    variable, folder = OTHERS[name]
    python = os.environ.get(variable) or str(HERE.parent / ".venv" / folder / "bin" / "python")
    try:
        run = subprocess.run([python, "-c", f"import {folder}"], capture_output=True, check=False)
    except OSError:
        return None
    return None if run.returncode else python

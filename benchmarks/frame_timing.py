"""Times each frame of a session, in any of the environments that ``benchmarks.frames`` compares.

It needs the standard library only. The time of a frame is the least of all rounds: nothing else that ran on
the CPU is in it. The garbage collector does not run meanwhile.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

PASSES = 3
"""The session is played so often in one process. In the first, code and caches are still cold."""

Item = TypeVar("Item")


class Session(NamedTuple):
    """What a contestant needs to know."""

    exchange: str
    symbols: dict[str, tuple[str, str]]
    """The name of each symbol in the frames -> base and quote."""
    book: str
    """The recorded answer to a request for a book; empty if there is none."""
    frames: list[tuple[str, float]]
    """Text and time in seconds."""

    def write(self, path: Path) -> None:
        """Write it for the process of a contestant."""
        path.write_text(json.dumps(self))


def read(path: Path) -> Session:
    """Return a session that ``write`` wrote."""
    exchange, symbols, book, frames = json.loads(path.read_text())
    return Session(exchange, symbols, book, frames)


def least_ns(items: Sequence[Item], make_player: Callable[[], Callable[[Item], object]]) -> list[int]:
    """Return for each item the least nanoseconds that it took. Each pass has a new player."""
    clock = time.perf_counter_ns
    least = [sys.maxsize] * len(items)
    gc.collect()
    gc.disable()
    for _ in range(PASSES):
        play = make_player()
        for place, item in enumerate(items):
            began = clock()
            play(item)
            took = clock() - began
            if took < least[place]:
                least[place] = took
        del play
        gc.collect()
    own = min(clock_ns() for _ in range(1_000))
    return [max(0, took - own) for took in least]


def clock_ns() -> int:
    """Return what reading the clock itself takes."""
    began = time.perf_counter_ns()
    return time.perf_counter_ns() - began


def run(
    make_player: Callable[[Session], Callable[[tuple[str, float]], object]],
    adapted: Callable[[str], str] = str,
) -> None:
    """Time the session in the file that the command line names. Print the times as JSON.

    ``adapted``: makes of a frame what the contestant reads.
    """
    session = read(Path(sys.argv[1]))
    frames = [(adapted(text), at) for text, at in session.frames]
    print(json.dumps(least_ns(frames, lambda: make_player(session))))

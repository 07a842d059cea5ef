"""A server in a process of its own, whose system clock a test sets.

``python tests/stepped.py OFFSET HOLD_S SETTING...``: ``OFFSET`` is a file of eight bytes, which say what the
server adds to the machine's date, in microseconds. ``HOLD_S``: after how long it believes a large step.
"""

from __future__ import annotations

import mmap
import random
import struct
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.servers import Server

OFFSET = struct.Struct("<q")


class StepClock:
    """The system's clock of the server, to be set."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._offset_us = 0
        self.set(0)

    def set(self, offset_us: int) -> None:
        """Let the server's date be so far from the machine's."""
        self._offset_us = offset_us
        with self._file.open("r+b" if self._file.exists() else "w+b") as file:
            file.write(OFFSET.pack(offset_us))

    def step(self, us: int) -> None:
        """Set it ahead, or back."""
        self.set(self._offset_us + us)

    def date_us(self) -> int:
        """Return the date by it."""
        return time.time_ns() // 1000 + self._offset_us


@contextmanager
def stepped(
    folder: Path, hold_s: float, *assignments: str, offset_us: int = 0
) -> Iterator[tuple[Server, StepClock]]:
    """Run a server over the data folder; large steps are believed after ``hold_s``.

    ``offset_us``: what its clock is off by when it starts.
    """
    from tests.servers import forked  # not at the top: the server has no path to the tests

    clock = StepClock(folder / "offset")
    clock.set(offset_us)
    command = ["-P", __file__, str(folder / "offset"), str(hold_s), f"data={folder}", *assignments]
    with forked(*command) as server:
        yield server, clock


def _main() -> None:
    from floorwire import clock, config
    from floorwire.venues import sim
    from floorwire.web.server import serve

    path, hold_s, *assignments = sys.argv[1:]
    clock.HOLD_US = int(float(hold_s) * 1_000_000)
    with Path(path).open("rb") as file:
        shared = mmap.mmap(file.fileno(), OFFSET.size, access=mmap.ACCESS_READ)

    def system_ns() -> int:
        return time.time_ns() + int(OFFSET.unpack_from(shared)[0]) * 1000

    settings = config.load(None, {}, ["port=0", "drain.seconds=0.1", *assignments])
    venues = [sim.venue(random.Random(7), ("BTC-USDT",))]
    serve(settings, venues, clock.Clock(system_ns=system_ns))


if __name__ == "__main__":
    _main()

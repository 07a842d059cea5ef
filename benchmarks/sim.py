"""The simulated venue: how much CPU time a second of its market takes.

    python benchmarks/sim.py [--seconds N] [--seed N]

It wakes the venue at the times for which the venue asks, as the gateway does, but in simulated time. It adds
up the CPU time of the calls.
"""

from __future__ import annotations

import argparse
import random
import time
from collections import Counter
from collections.abc import Sequence

from floorwire.core.market_events import BookChange, BookSnapshot, Quote, Trade
from floorwire.core.ports import VenueOutput, Wake, Woke
from floorwire.venues.sim import venue

START_US = 1_767_225_600_000_000


def _wake_us(outputs: Sequence[VenueOutput]) -> int:
    return next(output.at_us for output in outputs if isinstance(output, Wake))


def main() -> None:
    """Print how many events the venue made and how much CPU time it took."""
    parser = argparse.ArgumentParser(description="The simulated venue: what a second of its market costs.")
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    market = venue(random.Random(options.seed))
    started = time.process_time()
    outputs = market.start(START_US)
    opening = time.process_time() - started
    now_us = _wake_us(outputs)
    listed = sum(isinstance(output, BookSnapshot) for output in outputs)
    calls: list[float] = []
    shown: Counter[type] = Counter()
    changes: Counter[int] = Counter()
    while now_us < START_US + options.seconds * 1_000_000:
        started = time.process_time()
        outputs = market.receive(Woke(), now_us)
        calls.append(time.process_time() - started)
        shown.update(type(output) for output in outputs)
        changes[now_us // 1_000_000] += sum(isinstance(output, BookChange) for output in outputs)
        now_us = _wake_us(outputs)
    calls.sort()
    seconds = options.seconds
    print(f"{seconds} s of {listed} markets, seed {options.seed}")
    print(f"opening               {1e3 * opening:10.1f} ms")
    print(f"CPU                   {100 * sum(calls) / seconds:10.2f} % of a core")
    print(f"CPU a book change     {1e6 * sum(calls) / shown[BookChange]:10.1f} us")
    print(f"calls                 {len(calls) / seconds:10.1f} /s")
    print(
        f"call p50, p99, worst  {1e6 * calls[len(calls) // 2]:10.0f} {1e6 * calls[-len(calls) // 100]:.0f}"
        f" {1e6 * calls[-1]:.0f} us"
    )
    print(
        f"book changes          {shown[BookChange] / seconds:10.1f} /s, {min(changes.values())} to"
        f" {max(changes.values())} in a second"
    )
    print(f"quotes                {shown[Quote] / seconds:10.1f} /s")
    print(f"trades                {shown[Trade] / seconds:10.1f} /s")


if __name__ == "__main__":
    main()

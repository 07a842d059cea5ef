"""Run the comparisons and print their tables as Markdown: ``make bench``, or some with ``--only``.

``--write FILE`` also writes them into a page, after its line ``<!-- results -->``.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from functools import partial
from pathlib import Path

from benchmarks import (
    backtest,
    connection_memory,
    fanout,
    frames,
    live_orders,
    machine,
    market_data_beside_orders,
    market_data_beside_readers,
    market_history,
    matching,
    orders,
    roundtrips,
    sdk,
    stalled,
    venue_relay,
)
from benchmarks.contestants import ContestantError, ContestantRunner
from benchmarks.load import LoadError

COMMAND = "make bench"
MARK = "<!-- results -->\n"


def comparisons(runner: ContestantRunner, rounds: int) -> Mapping[str, Callable[[], Iterator[str]]]:
    """Return the comparisons by the name that ``--only`` takes."""
    return {
        "one": partial(fanout.compare, fanout.CASES[0], runner, rounds),
        "wide": partial(fanout.compare, fanout.CASES[1], runner, rounds),
        "deep": partial(fanout.compare, fanout.CASES[2], runner, rounds),
        "rtt": partial(roundtrips.compare, runner, rounds),
        "held": partial(connection_memory.measure, runner),
        "stall": partial(stalled.compare, runner, rounds),
        "matching": partial(matching.compare, rounds),
        "orders": partial(orders.compare, runner, rounds),
        "beside": partial(market_data_beside_orders.compare, rounds),
        "readers": partial(market_data_beside_readers.compare, rounds),
        "relay": partial(venue_relay.compare, rounds),
        "frames": partial(frames.compare, rounds),
        "history": partial(market_history.compare, rounds),
        "live-orders": partial(live_orders.compare, rounds),
        "backtest": partial(backtest.compare, rounds),
        "sdk": partial(sdk.compare, rounds),
    }


def introduction(rounds: int) -> Iterator[str]:
    """Yield the date, the machine, and the other processes that were busy."""
    yield f"## Results of {date.today().isoformat()}"
    yield (
        f"`{COMMAND}` on {machine.description()}; server on CPU {machine.cpu_of_server()}, load on CPU "
        f"{machine.cpu_of_load()}. Medians of {rounds} rounds, with least and greatest."
    )
    found = machine.disturbances()
    if found:
        yield "**Disturbed**: other processes were busy when this began.\n\n" + "\n".join(
            f"- {one}" for one in found
        )


def results(only: Sequence[str] | None, rounds: int) -> Iterator[str]:
    """Yield the introduction, then the parts of each comparison when they are measured."""
    yield from introduction(rounds)
    with tempfile.TemporaryDirectory() as folder:
        wanted = comparisons(ContestantRunner(Path(folder)), rounds)
        for name in only or wanted:
            others = machine.OtherProcesses()
            yield from wanted[name]()
            yield others.text()


def main() -> None:
    """Run the comparisons that the command line names."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, choices=range(1, 21), metavar="1-20")
    parser.add_argument("--only", nargs="+", choices=tuple(comparisons(ContestantRunner(Path()), 1)))
    parser.add_argument("--write", type=Path, metavar="FILE")
    asked = parser.parse_args()
    parts: list[str] = []
    try:
        for part in results(asked.only, asked.rounds):
            print(part, end="\n\n", flush=True)
            parts.append(part)
    except (ContestantError, LoadError) as error:
        sys.exit(f"benchmarks: {error}")
    if asked.write is not None:
        kept, mark, _ = asked.write.read_text().partition(MARK)
        asked.write.write_text(kept + mark + "\n" + "\n\n".join(parts) + "\n")


if __name__ == "__main__":
    main()

"""Run every comparison and print its tables as Markdown: ``make bench``, or a part with ``--only``.

``--write FILE`` also puts them into a page, behind its line ``<!-- results -->``.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from functools import partial
from pathlib import Path

from benchmarks import beside, crowds, held, machine, matching, orders, roundtrips, stalled
from benchmarks.contestants import ContestantError, Stable
from benchmarks.crowds import CROWDS
from benchmarks.load import LoadError

COMMAND = "make bench"
MARK = "<!-- results -->\n"


def comparisons(stable: Stable, rounds: int) -> Mapping[str, Callable[[], Iterator[str]]]:
    """Return what there is to run, by name."""
    return {
        "one": partial(crowds.compare, CROWDS[0], stable, rounds),
        "wide": partial(crowds.compare, CROWDS[1], stable, rounds),
        "deep": partial(crowds.compare, CROWDS[2], stable, rounds),
        "rtt": partial(roundtrips.compare, stable, rounds),
        "held": partial(held.hold, stable),
        "stall": partial(stalled.compare, stable, rounds),
        "matching": partial(matching.compare, rounds),
        "orders": partial(orders.compare, stable, rounds),
        "beside": partial(beside.compare, rounds),
    }


def introduction(rounds: int) -> Iterator[str]:
    """Yield where, with what, and beside what else this was run."""
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
    """Yield the introduction and each comparison's parts as they come."""
    yield from introduction(rounds)
    with tempfile.TemporaryDirectory() as folder:
        wanted = comparisons(Stable(Path(folder)), rounds)
        for name in only or wanted:
            others = machine.Others()
            yield from wanted[name]()
            yield others.text()


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, choices=range(1, 21), metavar="1-20")
    parser.add_argument("--only", nargs="+", choices=tuple(comparisons(Stable(Path()), 1)))
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

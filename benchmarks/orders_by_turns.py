"""What an order costs in several versions of Floorwire: their servers run at once, and are asked by turns.

    python -m benchmarks.orders_by_turns [--journal sqlite] [--many] [--turns N] TREE TREE...

Each TREE is a working copy where `make install` was run. Name one twice to see how far two equal servers are
apart. All servers are on one CPU, so that they meet the same noise. The client is on that CPU, too, with one
order in flight; with ``--many`` (64) it has the other CPU.
"""

from __future__ import annotations

import argparse
import os
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from benchmarks import machine
from benchmarks.figures import table
from benchmarks.orders import OrderClient, serving

WARM, ONE, MANY = 500, 200, 3_000
SETTLE_S = 5
"""A first start makes the past of the simulated market. Meanwhile each server's pings are answered."""


def cost_us(client: OrderClient, count: int, *, is_many: bool) -> float:
    """Return the microseconds of an order: to its reply, or from one accepted order to the next."""
    return 1e6 / client.in_flight(count) if is_many else median(client.one_at_a_time(count))


def compare(trees: list[Path], journal: str, turns: int, *, is_many: bool) -> str:
    """Return a table: the cost of an order in each tree, and its ratio to the first one's."""
    cpu = machine.cpu_of_server()
    with ExitStack() as servers:
        clients: list[OrderClient] = []
        for tree in trees:
            python = str(tree.absolute() / ".venv" / "bin" / "python")
            clients.append(servers.enter_context(serving(journal, cpu, python)))
            answer_pings(clients)
        for _ in range(SETTLE_S):
            time.sleep(1)
            answer_pings(clients)
        os.sched_setaffinity(0, {machine.cpu_of_load() if is_many else cpu})
        for client in clients:
            cost_us(client, WARM, is_many=is_many)
        costs: list[list[float]] = [[] for _ in clients]
        for turn in range(turns):
            for step in range(len(clients)):
                place = (turn + step) % len(clients)
                costs[place].append(cost_us(clients[place], MANY if is_many else ONE, is_many=is_many))
    rows = []
    for tree, found in zip(trees, costs, strict=True):
        ratio = median(mine / first for mine, first in zip(found, costs[0], strict=True))
        rows.append((str(tree), f"{median(found):.1f}", f"{min(found):.1f}", f"{ratio:.3f}"))
    return table(("", "us", "least", "to the first"), rows)


def answer_pings(clients: list[OrderClient]) -> None:
    """Place some orders at each server. Who waits for replies answers pings."""
    for client in clients:
        client.one_at_a_time(3)


def main() -> None:
    """Run the comparison that the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.orders_by_turns", description=__doc__)
    parser.add_argument("trees", type=Path, nargs="+", metavar="TREE")
    parser.add_argument("--journal", choices=("memory", "sqlite"), default="memory")
    parser.add_argument("--many", action="store_true", help="64 orders in flight")
    parser.add_argument("--turns", type=int, default=40)
    arguments = parser.parse_args()
    print(compare(arguments.trees, arguments.journal, arguments.turns, is_many=arguments.many))


if __name__ == "__main__":
    main()

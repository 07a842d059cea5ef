"""Injects faults into the prices of a fake exchange, and compares what the feed tells with its books.

    python -m tests.live.market_faults --faults 2000 --seed 1 --face binance

A round is some faults of frames of two markets, then one of a link, a request or the list. The other markets
must not notice the faults of frames, nor that a market was delisted. After each round every book is compared
with the exchange's own. While a book is live it has to be a state that the exchange's book had, no older than
a few seconds. With ``--by-socket`` a book is what a client of a whole gateway has of it, over a WebSocket.
Its ticker and candles are compared too where steps changed. A session is a new exchange and a new feed.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import time
from collections import Counter
from collections.abc import Mapping

import structlog

from tests.fake_exchange.market import Market
from tests.live.listing_faults import change_steps, delist
from tests.live.market_faces import FACES, MarketFace, filled_in
from tests.live.market_fault_run import VICTIMS, MarketFaultRun
from tests.skipping_loop import run as run_skipping

A_SESSION = 260
"""Faults of one session."""
FRAMES_A_ROUND = 12
MOST_BANS = 2
FRAME_KINDS = ("drop", "duplicate", "reorder", "corrupt")
LINK_KINDS = (
    "disconnect", "cut_frame", "cut_snapshot", "delay", "half_open", "too_many_requests", "ban",
    "lose_request", "maintenance", "restart_ids", "change_steps", "delist",
)  # fmt: skip
ENDS_LINK = ("disconnect", "cut_frame", "cut_snapshot", "half_open", "maintenance")
"""Faults that every book has to announce."""


async def inject(run: MarketFaultRun, count: int) -> None:
    """Inject so many faults, in rounds."""
    while run.faults.total() < count and not run.problems:
        left = count - run.faults.total()
        await _frame_round(run, min(FRAMES_A_ROUND, left))
        if left > FRAMES_A_ROUND and not run.problems:
            await _link_round(run, run.random.choice(_link_kinds(run)))
    if run.face.depth and not run.problems:
        # What the exchange lets nobody check is right after a whole book.
        await run.fake.disconnect_all()
        run.compared = None
        await run.heal("the end")


def _link_kinds(run: MarketFaultRun) -> list[str]:
    """Return what can go wrong with a link, a request or the list now."""
    # Each ban is twice as long as the one before. Only where whole books are requested can they lag.
    kinds = [kind for kind in LINK_KINDS if kind != "ban" or run.faults[kind] < MOST_BANS]
    return kinds if run.face.snapshot else [*kinds, "rest_lag"]


async def _frame_round(run: MarketFaultRun, count: int) -> None:
    before = {symbol: one.losses.copy() for symbol, one in run.feed.books.items()}
    done: Counter[str] = Counter()
    for _ in range(count):
        kind = run.random.choice(FRAME_KINDS)
        await _frame_fault(run, kind, run.victim())
        done[kind] += 1
        await asyncio.sleep(run.random.random() * 0.1)
    run.faults += done
    # The frame that is kept back by a reordering overtakes nothing any more after this.
    await run.heal(f"round of {dict(done)}")
    if not run.face.is_numbered_by_link:
        for symbol in list(run.feed.books)[VICTIMS:]:
            lost = run.feed.books[symbol].losses - before[symbol]
            if lost:
                run.problems.append(f"{symbol} had no fault and was disturbed: {dict(lost)}")


async def _frame_fault(run: MarketFaultRun, kind: str, market: Market) -> None:
    faults, text = run.fake.faults, filled_in(run.face.change, market)
    match kind:
        case "drop":
            faults.drop_frame(text)
        case "duplicate":
            faults.duplicate_frame(text)
        case "reorder":
            faults.reorder_frames(text)
        case _:
            faults.corrupt_frame(text)
    await run.used_up()


async def _link_round(run: MarketFaultRun, kind: str) -> None:
    market = run.victim()
    before = {symbol: one.losses.total() for symbol, one in run.feed.books.items()}
    match kind:
        case "change_steps":
            await change_steps(run, market)
        case "delist":
            await delist(run, market)
        case _:
            await _link_fault(run, kind, market)
    run.faults[kind] += 1
    if kind in ENDS_LINK:
        await _announced(run, kind, before)
    await run.heal(kind)


async def _announced(run: MarketFaultRun, kind: str, before: Mapping[str, int]) -> None:
    """Wait until every book has announced the loss. A busy machine delivers the end of a link late."""
    silent = list(before)
    for _ in range(100):
        silent = [symbol for symbol in silent if run.feed.books[symbol].losses.total() == before[symbol]]
        if not silent:
            return
        await asyncio.sleep(0.05)
    run.problems += [f"{symbol} did not announce: {kind}" for symbol in silent]


async def _link_fault(run: MarketFaultRun, kind: str, market: Market) -> None:
    fake, face = run.fake, run.face
    match kind:
        case "disconnect":
            await fake.disconnect_all()
        case "cut_frame":
            fake.faults.cut_frame(filled_in(face.change, market))
            await run.used_up()
        case "cut_snapshot":
            if face.snapshot:
                fake.faults.cut_frame(filled_in(face.snapshot, market))
            else:
                fake.faults.cut_answer(face.snapshot_path)
            await fake.disconnect_all()
        case "delay":
            fake.faults.delay_frames(0.2 + run.random.random() * 2)
            await asyncio.sleep(2)
            fake.faults.delay_frames(0)
        case "half_open":
            fake.faults.half_open()
            await asyncio.sleep(0.3)
            for _ in range(30):  # longer than any of them takes to give a silent link up
                await run.set_ahead(3, 0.1)
            fake.faults.half_open(is_half_open=False)
        case "too_many_requests" | "lose_request":
            if kind == "lose_request":
                fake.faults.lose_request(face.snapshot_path)
            else:
                fake.faults.too_many_requests(face.snapshot_path)
            await _frame_fault(run, "drop", market)
        case "ban":
            fake.faults.ban(face.list_path)
            await run.set_ahead(601, 1.5)  # The list is requested again.
            await run.set_ahead(601 * 2 ** run.faults["ban"], 1.5)  # Until the ban is over.
        case "maintenance":
            fake.start_maintenance()
            await fake.disconnect_all()
            await asyncio.sleep(1)
            fake.end_maintenance()
        case "restart_ids":
            fake.restart_ids(market.symbol)
            await asyncio.sleep(0.5)  # Until a change with new ids came.
        case "rest_lag":
            fake.queries.freeze()
            await _frame_fault(run, "drop", market)
            await asyncio.sleep(1)
            fake.queries.thaw()


async def session(face: MarketFace, count: int, seed: str, *, by_socket: bool = False) -> MarketFaultRun:
    """Inject so many faults at a new exchange."""
    run = MarketFaultRun(face, seed, by_socket=by_socket)
    async with run.following():
        await inject(run, count)
    return run


def report(face: MarketFace, count: int, seed: int, *, by_socket: bool) -> tuple[str, bool]:
    """Inject so many faults at one face, in sessions; return a table, and whether all was right."""
    begin_s = time.monotonic()
    faults: Counter[str] = Counter()
    told: Counter[str] = Counter()
    skipped: Counter[str] = Counter()
    problems: list[str] = []
    resyncs = 0
    while faults.total() < count and not problems:
        name = f"{seed}.{faults.total()}"
        done = run_skipping(session(face, min(A_SESSION, count - faults.total()), name, by_socket=by_socket))
        faults += done.faults
        skipped += done.skipped
        resyncs += done.feed.resyncs
        told += sum((one.losses for one in done.feed.books.values()), Counter[str]())
        problems += [f"session {name}: {problem}" for problem in done.problems]
    seconds = time.monotonic() - begin_s
    lines = [f"{face}: {faults.total()} faults in {seconds:.0f} s, whole books: {resyncs}"]
    lines += [f"  {kind:20}{number:6}" for kind, number in sorted(faults.items())]
    lines += [f"  told: {reason:14}{number:6}" for reason, number in sorted(told.items())]
    lines += [f"  left out: {reason:10}{number:6}" for reason, number in sorted(skipped.items())]
    lines += [f"  WRONG: {problem}" for problem in problems[:20]]
    return "\n".join(lines), not problems


def main() -> None:
    """Run the faces that are named, one after the other."""
    parser = argparse.ArgumentParser(description="Inject faults into the prices of the fake exchange.")
    parser.add_argument("--faults", type=int, default=200, help="how many at each face")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--by-socket", action="store_true", help="compare the books of a client's WebSocket")
    parser.add_argument("--face", action="append", choices=[str(face) for face in FACES])
    arguments = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # It tells of each link that is gone.
    is_right = True
    for face in FACES:
        if not arguments.face or str(face) in arguments.face:
            table, agreed = report(face, arguments.faults, arguments.seed, by_socket=arguments.by_socket)
            print(table, flush=True)
            is_right &= agreed
    raise SystemExit(not is_right)


if __name__ == "__main__":
    main()

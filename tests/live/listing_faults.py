"""Changes of what an exchange lists: a market is delisted and comes back, or has other steps."""

from __future__ import annotations

import asyncio
from collections import Counter

from tests.fake_exchange.market import UNIT, Market
from tests.live.market_fault_run import MarketFaultRun

LISTED_S = 700
"""The list is fetched every ten minutes."""
OFF_TICK_S = 90
"""And within a minute, if a trade is finer than the tick."""
STEPS = ((UNIT // 100, UNIT // 10_000), (UNIT // 10, UNIT // 10_000), (UNIT // 10, UNIT // 1_000))


async def change_steps(run: MarketFaultRun, market: Market) -> None:
    """Give a market another tick or lot. Others go on with the new ones."""
    symbol, before_e8 = run.symbol_of(market), market.tick_e8
    book = run.feed.books[symbol]
    tick_e8, step_e8 = run.random.choice(
        [steps for steps in STEPS if steps != (market.tick_e8, market.step_e8)]
    )
    is_finer = tick_e8 < market.tick_e8 or step_e8 < market.step_e8
    # Where only the list tells it, levels between the known ticks are left out until a trade is between them.
    book.is_between_steps = is_finer and not run.face.tells_steps
    run.fake.change_steps(market.symbol, tick_e8, step_e8)
    run.trade_anew(market)
    await asyncio.sleep(0.5)
    if not run.face.tells_steps:
        # A lot that is finer shows nowhere: sizes are rounded down until the list comes.
        await run.let_pass(OFF_TICK_S if tick_e8 < before_e8 else LISTED_S)
    book.is_between_steps = False
    await run.heal(f"change of steps to {tick_e8} and {step_e8}")
    await run.compare_prices(market, f"change of steps to {tick_e8} and {step_e8}")


async def delist(run: MarketFaultRun, market: Market) -> None:
    """Delist a market, perhaps with its name and with all links lost meanwhile, and list it again."""
    symbol, fake = run.symbol_of(market), run.fake
    book, before = run.feed.books[symbol], _losses(run)
    is_unlisted, are_lost = run.random.random() < 0.5, run.random.random() < 0.5
    what = f"delisting{' with its name' * is_unlisted}{' with links lost' * are_lost}"
    fake.delist(market.symbol)
    if is_unlisted:
        fake.unlist(market.symbol)
    state = "closed" if is_unlisted and not run.face.tells_steps else run.face.delisted
    run.delisted |= {symbol} if state == "closed" else set()
    await run.until(lambda: book.state == state, f"{symbol} is told to be {state}", LISTED_S)
    if state == "closed":
        await run.until(lambda: not run.feed.is_live(symbol), f"{symbol} is told to be not live", 10)
    if are_lost:
        await fake.disconnect_all()
    await run.heal(what)
    if state == "closed" and run.feed.is_live(symbol):
        run.problems.append(f"{symbol} is delisted, and its book is live")
    if not are_lost:
        for other, losses in _losses(run).items():
            if other != symbol and losses != before[other]:
                told = run.feed.books[other].told
                run.problems.append(f"{other} was disturbed by the {what} of {symbol}: {told}")
    fake.relist(market.symbol)
    run.trade_anew(market)
    await run.until(lambda: book.state == "open", f"{symbol} is told to be open", LISTED_S)
    run.delisted.discard(symbol)
    await run.heal(f"{what}, and listing")
    await run.compare_prices(market, f"{what}, and listing")


def _losses(run: MarketFaultRun) -> dict[str, Counter[str]]:
    return {symbol: one.losses.copy() for symbol, one in run.feed.books.items()}

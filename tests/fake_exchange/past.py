"""Trades that an exchange had before it started: the same seed gives the same ones."""

import random

from tests.fake_exchange.candle_intervals import DAY_US, MINUTE_US
from tests.fake_exchange.market import UNIT, Market
from tests.fake_exchange.orders import Side, Traded

PAST_MINUTES = 3 * DAY_US // MINUTE_US
MOST_A_MINUTE = 5


def past_trades(
    market: Market, last_price_ticks: int, end_us: int, *, minutes: int = PAST_MINUTES, seed: int = 1
) -> list[Traded]:
    """Trades of so many minutes before `end_us`, the oldest first, up to the price `last_price_ticks`.

    Some minutes have none, and some orders take twice at one price and time."""
    chance = random.Random(f"{seed} past {market.symbol}")
    # Made from the last one back, so that the prices meet those that follow.
    newest_first: list[tuple[int, int, int, Side, int]] = []
    price_ticks, order_id = last_price_ticks, 0
    step_ticks = max(1, last_price_ticks // 5_000)
    for minute in range(minutes):
        end_of_minute_us = end_us - minute * MINUTE_US
        offsets_us = sorted(chance.sample(range(1, MINUTE_US), chance.randint(0, MOST_A_MINUTE)))
        for offset_us in offsets_us:
            order_id -= 1
            side = chance.choice(list(Side))
            for _ in range(1 if chance.random() < 0.8 else 2):
                lots = chance.randint(1, 50) * max(1, UNIT // 100 // market.step_e8)
                newest_first.append((end_of_minute_us - offset_us, price_ticks, lots, side, order_id))
            price_ticks = max(1, price_ticks + chance.randint(-step_ticks, step_ticks))
    return [
        Traded(
            market.symbol, trade_id, ticks * market.tick_e8, lots * market.step_e8,
            market.notional_e8(ticks, lots), side, time_us, taker_id, is_market_order=trade_id % 2 == 0,
        )
        for trade_id, (time_us, ticks, lots, side, taker_id) in enumerate(reversed(newest_first), 1)
    ]  # fmt: skip

"""Other participants: a seeded flow of orders that keeps a book and trades."""

import random

from tests.fake_exchange.market import UNIT
from tests.fake_exchange.matching import MatchingCore
from tests.fake_exchange.orders import Refused, Side

ACCOUNT = "flow"
LEVELS = 20


class SeededFlow:
    """The same seed gives the same orders. `step` makes one order."""

    def __init__(self, core: MatchingCore, symbol: str, mid_ticks: int, seed: int = 1) -> None:
        self._core = core
        self._market = core.markets[symbol]
        self._random = random.Random(f"{seed} {symbol}")
        self._ids = f"{symbol}-{seed}"  # two flows of one symbol have other client ids
        self._mid_ticks = mid_ticks
        self._orders = 0
        for asset in (self._market.base, self._market.quote):
            core.deposit(ACCOUNT, asset, 10**9 * UNIT)

    def fill_book(self) -> None:
        """Twenty levels a side."""
        for distance in range(1, LEVELS + 1):
            self._place(Side.BUY, self._mid_ticks - distance)
            self._place(Side.SELL, self._mid_ticks + distance)

    def step(self) -> None:
        """Mostly a new limit order, sometimes a cancel, sometimes one that takes."""
        kind = self._random.random()
        side = self._random.choice(list(Side))
        if kind < 0.2:
            self._place(side, None)
        elif kind < 0.4:
            orders = self._core.open_orders(ACCOUNT, self._market.symbol)
            if len(orders) > 2 * LEVELS:
                self._core.cancel(self._random.choice(orders))
        else:
            distance = self._random.randint(1, LEVELS)
            self._place(side, self._mid_ticks + (-distance if side is Side.BUY else distance))

    def _place(self, side: Side, price_ticks: int | None) -> None:
        self._orders += 1
        lots = self._random.randint(1, 50) * max(1, UNIT // 100 // self._market.step_e8)
        try:
            self._core.place(
                ACCOUNT, self._market.symbol, side, lots, price_ticks, f"{self._ids}-{self._orders}"
            )
        except Refused:
            return  # a closed market: the flow waits until it opens

"""Others who trade on several markets of a fake exchange: a book whose prices move."""

from __future__ import annotations

from random import Random

from tests.fake_exchange.market import UNIT
from tests.fake_exchange.matching import MatchingCore
from tests.fake_exchange.orders import Order, Side

ACCOUNT = "flow"
ORDERS = 60
DISTANCE = 30


class WalkingFlow:
    """Keeps some 60 orders around a price that walks. The same seed gives the same orders."""

    def __init__(self, core: MatchingCore, symbol: str, mid_ticks: int, seed: int | str) -> None:
        self._core = core
        self._market = core.markets[symbol]
        self._random = Random(f"{seed} {symbol}")
        self._seed = seed
        self._mid_ticks = mid_ticks
        self._count = 0
        self._open: list[Order] = []
        for asset in (self._market.base, self._market.quote):
            core.deposit(ACCOUNT, asset, 10**10 * UNIT)
        for _ in range(ORDERS):
            self._place()

    def step(self) -> None:
        """Place an order near the price, and take one back. Some orders trade."""
        if not self._market.is_trading:
            return
        if self._random.random() < 0.3:
            self._mid_ticks += self._random.choice((-1, 1))
        self._open = [order for order in self._open if order.state.is_open]
        if len(self._open) > ORDERS:
            order = self._open.pop(self._random.randrange(len(self._open)))
            self._core.cancel(order)
        self._place()

    def _place(self) -> None:
        self._count += 1
        side = self._random.choice(list(Side))
        distance = self._random.randint(-1, DISTANCE)
        price = self._mid_ticks + (-distance if side is Side.BUY else distance)
        lots = self._random.randint(1, 50) * max(1, UNIT // 100 // self._market.step_e8)
        order = self._core.place(
            ACCOUNT,
            self._market.symbol,
            side,
            lots,
            price,
            f"{self._market.symbol}-{self._seed}-{self._count}",
        )
        if order.state.is_open:
            self._open.append(order)

"""Market makers: quotes on both sides around what the prints have taught."""

from __future__ import annotations

from math import ceil, floor

import msgspec

from floorwire.core.instrument import Side
from floorwire.engine.matching_events import TradeMatched
from floorwire.engine.participants.fair_value import FairValues
from floorwire.engine.participants.market_access import MarketAccess

LAYERS = 5
FIRST = 6.0  # usual trades that the first layer of the sharpest maker is good for; the others are larger
SPREAD = 0.3  # of its sizes
LEARNS = 0.35  # of the way to a print that it did not expect
DRIFTS = 0.15  # of the way to the middle of the book, each look
READS = 0.5  # of the way to the value that the informed see, each look: too late, mostly
HEDGES = 0.05  # of what it holds, each look, elsewhere
LEANS = 1.0  # half spreads that it moves its quotes for each full layer that it holds
FEARS = 0.8  # of the surprise of recent prints, on top of its half spread
CALMS = 0.85  # of that fear is left after a look
REACTS_US = 4_000  # the sharpest maker's latency, on average


class Layer(msgspec.Struct):
    """One quote on one side: where it belongs, and the order that stands for it, 0 where none does."""

    side: Side
    times: float
    """Its size, in usual trades."""
    away_ticks: float
    """How much further off it is than the first one."""
    bears_ticks: float
    """How far from its place it may stand before it is moved."""
    order_id: int = 0
    price_ticks: int = 0
    lots: int = 0
    left_lots: int = 0


class MarketMaker:
    """Keeps layers of orders on both sides; after a print that moved it, sooner than planned."""

    def __init__(self, market_access: MarketAccess, fair_values: FairValues, rank: int) -> None:
        self.due_us = 0
        self._market_access = market_access
        self._fair_values = fair_values
        self._rng = market_access.rng
        self._owner = market_access.numbers.owner()
        self._half = market_access.profile.half_spread * (1.0 + 0.6 * rank)
        self._look_s = market_access.profile.look_s * (1.0 + 0.5 * rank)
        self._reacts_us = REACTS_US * (1 + 2 * rank)
        self._full_lots = 2 * FIRST * (1 + rank) * market_access.sizes.usual_lots
        self._fair = float(market_access.opening_ticks)
        self._quoted = self._fair
        self._holds = 0.0
        self._fear = 0.0
        self._bids = self._lay("buy", 1 + rank)
        self._asks = self._lay("sell", 1 + rank)
        self._by_order: dict[int, Layer] = {}
        market_access.owners[self._owner] = self
        market_access.watchers.append(self)

    def _lay(self, side: Side, rank: int) -> list[Layer]:
        step = self._market_access.profile.layer_step
        return [
            Layer(side, FIRST * rank * (1 + n), step * n * (1 + n / 4), step * n / 2) for n in range(LAYERS)
        ]

    def filled(self, match: TradeMatched) -> None:
        """Note what was bought or sold."""
        layer = self._by_order[match.maker_id]
        layer.left_lots = match.maker_left
        self._holds += match.lots if layer.side == "buy" else -match.lots
        if not match.maker_left:
            del self._by_order[match.maker_id]
            layer.order_id = 0

    def saw(self, price_ticks: int, now_us: int) -> None:
        """Learn from a print, and come sooner where it matters."""
        surprise = price_ticks - self._fair
        self._fair += LEARNS * surprise
        self._fear += 0.1 * (abs(surprise) - self._fear)
        if abs(self._fair - self._quoted) > 0.5:
            wait_us = int(self._reacts_us * (0.5 + self._rng.random()))
            self._market_access.scheduler.hasten(self, now_us + wait_us)

    def act(self, now_us: int) -> int:
        """Bring every layer to where it should be."""
        bid, ask = self._market_access.touch()
        self._fair += DRIFTS * ((bid + ask) / 2 - self._fair)
        self._fair += READS * (self._market_access.value(self._fair_values) - self._fair)
        self._holds *= 1.0 - HEDGES
        self._fear *= CALMS
        centre = self._fair - LEANS * self._half * self._holds / self._full_lots
        rises = centre > self._quoted
        self._quoted = self._fair
        # The side that makes room goes first.
        for layer in self._asks + self._bids if rises else self._bids + self._asks:
            self._bring(layer, centre, now_us)
        return now_us + int(self._rng.expovariate(1.0 / self._look_s) * 1_000_000)

    def _bring(self, layer: Layer, centre: float, now_us: int) -> None:
        away = self._half + FEARS * self._fear + layer.away_ticks
        bid, ask = self._market_access.touch()
        if layer.side == "buy":
            target = min(floor(centre - away), ask - 1)
        else:
            target = max(ceil(centre + away), bid + 1)
        if not layer.order_id:
            self._place(layer, target, now_us)
        elif layer.left_lots * 3 < layer.lots:
            self._take_back(layer, now_us)
            self._place(layer, target, now_us)
        elif abs(target - layer.price_ticks) > layer.bears_ticks:
            self._move(layer, target, now_us)

    def _place(self, layer: Layer, target: int, now_us: int) -> None:
        lots = self._market_access.sizes.draw(layer.times, SPREAD, 0.0)
        order_id = self._market_access.rest(self._owner, layer.side, lots, target, now_us)
        layer.order_id, layer.price_ticks, layer.lots, layer.left_lots = order_id, target, lots, lots
        if order_id:
            self._by_order[order_id] = layer

    def _take_back(self, layer: Layer, now_us: int) -> None:
        del self._by_order[layer.order_id]
        self._market_access.pull(layer.order_id, now_us)
        layer.order_id = 0

    def _move(self, layer: Layer, target: int, now_us: int) -> None:
        if self._market_access.move(layer.order_id, target, now_us):
            layer.price_ticks = target
        else:
            self._take_back(layer, now_us)

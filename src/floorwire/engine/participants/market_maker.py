"""Market makers: they quote both sides around a fair price that they estimate from trades and the book."""

from __future__ import annotations

from math import ceil, floor

import msgspec

from floorwire.core.instrument import Side
from floorwire.engine.matching_events import TradeMatched
from floorwire.engine.participants.fair_value import FairValues
from floorwire.engine.participants.market_access import MarketAccess

LAYERS = 5
FIRST_LAYER_TRADES = 6.0  # size of the sharpest maker's first layer, in usual trades; other layers are larger
SIZE_SPREAD = 0.3  # standard deviation of the logarithm of its sizes
TRADE_WEIGHT = 0.35  # share of the way to a trade's price that its estimate moves
MIDDLE_WEIGHT = 0.15  # share of the way to the middle of the book, each turn
VALUE_WEIGHT = 0.5  # share of the way to the informed traders' fair value, each turn: mostly too late
HEDGED_SHARE = 0.05  # share of its inventory that it hedges elsewhere, each turn
INVENTORY_SKEW = 1.0  # half spreads that it shifts its quotes for each full layer of inventory
SURPRISE_SPREAD = 0.8  # ticks that it adds to its half spread for each tick of recent surprise
SURPRISE_DECAY = 0.85  # share of the surprise that is left after a turn
REACTION_US = 4_000  # the sharpest maker's latency, on average


class Layer(msgspec.Struct):
    """One quote on one side, and the order that shows it."""

    side: Side
    size_trades: float
    """Its size, in usual trades."""
    offset_ticks: float
    """How much further from the fair price it is than the first layer."""
    tolerance_ticks: float
    """How far from its target price the order may be before it is moved."""
    order_id: int = 0
    """0 while no order rests."""
    price_ticks: int = 0
    lots: int = 0
    open_lots: int = 0


class MarketMaker:
    """Keeps layers of orders on both sides. A trade that moves its estimate brings its next turn forward."""

    def __init__(self, market_access: MarketAccess, fair_values: FairValues, rank: int) -> None:
        """``rank`` is 0 for the sharpest maker; a higher one quotes wider and larger, and reacts later."""
        self.due_us = 0
        self._market_access = market_access
        self._fair_values = fair_values
        self._rng = market_access.rng
        self._owner = market_access.sim_ids.next_owner()
        self._half_spread_ticks = market_access.profile.half_spread * (1.0 + 0.6 * rank)
        self._look_s = market_access.profile.look_s * (1.0 + 0.5 * rank)
        self._reaction_us = REACTION_US * (1 + 2 * rank)
        self._full_lots = 2 * FIRST_LAYER_TRADES * (1 + rank) * market_access.sizes.usual_lots
        """The inventory at which quotes are shifted by ``INVENTORY_SKEW`` half spreads."""
        self._fair_ticks = float(market_access.last_ticks)
        """Its estimate of the fair price."""
        self._quoted_ticks = self._fair_ticks
        """The estimate around which its orders were placed last."""
        self._inventory_lots = 0.0
        self._surprise_ticks = 0.0
        """How far recent trades were from its estimate, on average."""
        self._bids = self._layers("buy", 1 + rank)
        self._asks = self._layers("sell", 1 + rank)
        self._by_order: dict[int, Layer] = {}
        market_access.fill_listeners[self._owner] = self
        market_access.trade_listeners.append(self)

    def _layers(self, side: Side, times: int) -> list[Layer]:
        step = self._market_access.profile.layer_step
        return [
            Layer(side, FIRST_LAYER_TRADES * times * (1 + n), step * n * (1 + n / 4), step * n / 2)
            for n in range(LAYERS)
        ]

    def on_fill(self, match: TradeMatched) -> None:
        """Change the inventory and the layer by what was bought or sold."""
        layer = self._by_order[match.maker_id]
        layer.open_lots = match.maker_left
        self._inventory_lots += match.lots if layer.side == "buy" else -match.lots
        if not match.maker_left:
            del self._by_order[match.maker_id]
            layer.order_id = 0

    def on_trade(self, price_ticks: int, now_us: int) -> None:
        """Move the estimate towards a trade's price; act sooner where that moves the quotes."""
        surprise = price_ticks - self._fair_ticks
        self._fair_ticks += TRADE_WEIGHT * surprise
        self._surprise_ticks += 0.1 * (abs(surprise) - self._surprise_ticks)
        if abs(self._fair_ticks - self._quoted_ticks) > 0.5:
            wait_us = int(self._reaction_us * (0.5 + self._rng.random()))
            self._market_access.scheduler.schedule_sooner(self, now_us + wait_us)

    def act(self, now_us: int) -> int:
        """Bring every layer to its target price and size."""
        bid, ask = self._market_access.best_prices()
        self._fair_ticks += MIDDLE_WEIGHT * ((bid + ask) / 2 - self._fair_ticks)
        self._fair_ticks += VALUE_WEIGHT * (
            self._market_access.fair_ticks(self._fair_values) - self._fair_ticks
        )
        self._inventory_lots *= 1.0 - HEDGED_SHARE
        self._surprise_ticks *= SURPRISE_DECAY
        skew_ticks = INVENTORY_SKEW * self._half_spread_ticks * self._inventory_lots / self._full_lots
        centre = self._fair_ticks - skew_ticks
        is_rising = centre > self._quoted_ticks
        self._quoted_ticks = self._fair_ticks
        # The side that moves away goes first. The other could not follow: its orders are post only.
        for layer in self._asks + self._bids if is_rising else self._bids + self._asks:
            self._update(layer, centre, now_us)
        return now_us + int(self._rng.expovariate(1.0 / self._look_s) * 1_000_000)

    def _update(self, layer: Layer, centre: float, now_us: int) -> None:
        distance = self._half_spread_ticks + SURPRISE_SPREAD * self._surprise_ticks + layer.offset_ticks
        bid, ask = self._market_access.best_prices()
        if layer.side == "buy":
            target = min(floor(centre - distance), ask - 1)
        else:
            target = max(ceil(centre + distance), bid + 1)
        if not layer.order_id:
            self._place(layer, target, now_us)
        elif layer.open_lots * 3 < layer.lots:
            self._cancel(layer, now_us)
            self._place(layer, target, now_us)
        elif abs(target - layer.price_ticks) > layer.tolerance_ticks:
            self._move(layer, target, now_us)

    def _place(self, layer: Layer, target: int, now_us: int) -> None:
        lots = self._market_access.sizes.draw(layer.size_trades, SIZE_SPREAD, 0.0)
        order_id = self._market_access.place_post_only(self._owner, layer.side, lots, target, now_us)
        layer.order_id, layer.price_ticks, layer.lots, layer.open_lots = order_id, target, lots, lots
        if order_id:
            self._by_order[order_id] = layer

    def _cancel(self, layer: Layer, now_us: int) -> None:
        del self._by_order[layer.order_id]
        self._market_access.cancel(layer.order_id, now_us)
        layer.order_id = 0

    def _move(self, layer: Layer, target: int, now_us: int) -> None:
        if self._market_access.amend_price(layer.order_id, target, now_us):
            layer.price_ticks = target
        else:
            self._cancel(layer, now_us)

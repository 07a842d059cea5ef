"""Market makers: quotes on both sides around what the prints have taught."""

from __future__ import annotations

from math import ceil, floor

import msgspec

from floorwire.core.instrument import Side
from floorwire.engine.events import Match
from floorwire.engine.participants.opinion import Opinion
from floorwire.engine.participants.pit import Pit

LAYERS = 5
LEARNS = 0.35  # of the way to a print that it did not expect
DRIFTS = 0.15  # of the way to the middle of the book, each look
READS = 0.5  # of the way to the value that the informed see, each look: too late, mostly
HEDGES = 0.05  # of what it holds, each look, elsewhere
LEANS = 1.0  # half spreads that it moves its quotes for each full layer that it holds
FEARS = 0.8  # of the surprise of recent prints, on top of its half spread
CALMS = 0.85  # of that fear is left after a look
REACTS_US = 4_000


class Layer(msgspec.Struct):
    """One quote on one side."""

    side: Side
    number: int
    usual_lots: float
    order_id: int = 0
    price_ticks: int = 0
    lots: int = 0
    left_lots: int = 0


class Maker:
    """Keeps layers of orders on both sides; after a print that moved it, sooner than planned."""

    def __init__(self, pit: Pit, opinion: Opinion, rank: int) -> None:
        self.due_us = 0
        self.turn = 0
        self._pit = pit
        self._opinion = opinion
        self._rng = pit.rng
        self._owner = pit.numbers.owner()
        profile = pit.profile
        self._half = profile.half_spread * (1.0 + 0.6 * rank)
        self._step = profile.layer_step
        self._look_s = profile.look_s * (1.0 + 0.5 * rank)
        self._reacts_us = REACTS_US * (1 + 2 * rank)
        self._full = pit.trade_lots * 12.0 * (1 + rank)
        self._fair = float(pit.opening_ticks)
        self._quoted = self._fair
        self._holds = 0.0
        self._fear = 0.0
        self._layers = self._lay()
        self._by_order: dict[int, Layer] = {}
        pit.owners[self._owner] = self
        pit.watchers.append(self)

    def _lay(self) -> list[Layer]:
        layers = []
        for number in range(LAYERS):
            lots = self._full * (0.5 + 0.5 * number)
            layers += [Layer("buy", number, lots), Layer("sell", number, lots)]
        return layers

    def filled(self, match: Match) -> None:
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
            self._pit.agenda.hasten(self, now_us + wait_us)

    def act(self, now_us: int) -> int:
        """Bring every layer to where it should be."""
        bid, ask = self._pit.touch()
        self._fair += DRIFTS * ((bid + ask) / 2 - self._fair)
        self._fair += READS * (self._pit.value(self._opinion) - self._fair)
        self._holds *= 1.0 - HEDGES
        self._fear *= CALMS
        centre = self._fair - LEANS * self._half * self._holds / self._full
        rises = centre > self._quoted
        self._quoted = self._fair
        for layer in self._layers:  # the side that makes room goes first
            if (layer.side == "sell") == rises:
                self._bring(layer, centre, now_us)
        for layer in self._layers:
            if (layer.side == "buy") == rises:
                self._bring(layer, centre, now_us)
        return now_us + int(self._rng.expovariate(1.0 / self._look_s) * 1_000_000)

    def _bring(self, layer: Layer, centre: float, now_us: int) -> None:
        away = self._half + FEARS * self._fear + self._step * layer.number * (1 + 0.25 * layer.number)
        bid, ask = self._pit.touch()
        if layer.side == "buy":
            target = min(floor(centre - away), ask - 1)
        else:
            target = max(ceil(centre + away), bid + 1)
        if not layer.order_id:
            self._place(layer, target, now_us)
        elif layer.left_lots * 3 < layer.lots:
            self._take_back(layer, now_us)
            self._place(layer, target, now_us)
        elif abs(target - layer.price_ticks) > self._step * layer.number * 0.5:
            self._move(layer, target, now_us)

    def _place(self, layer: Layer, target: int, now_us: int) -> None:
        lots = max(1, int(layer.usual_lots * (0.6 + 0.8 * self._rng.random())))
        order_id = self._pit.rest(self._owner, layer.side, lots, target, now_us)
        layer.order_id, layer.price_ticks, layer.lots, layer.left_lots = order_id, target, lots, lots
        if order_id:
            self._by_order[order_id] = layer

    def _take_back(self, layer: Layer, now_us: int) -> None:
        del self._by_order[layer.order_id]
        self._pit.pull(layer.order_id, now_us)
        layer.order_id = 0

    def _move(self, layer: Layer, target: int, now_us: int) -> None:
        if self._pit.move(layer.order_id, target, now_us):
            layer.price_ticks = target
        else:
            self._take_back(layer, now_us)

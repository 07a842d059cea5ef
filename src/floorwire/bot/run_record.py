"""What a run did, for its report: fills, orders, profit over time, latencies. The same in every mode."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from msgspec import UNSET, UnsetType

from floorwire.bot.equity_curve import EquityCurve, Sample
from floorwire.bot.price_marks import PriceMarks
from floorwire.protocol.account_rows import FillRow
from floorwire.protocol.replies import SymbolRow

MAX_FILLS: Final = 100_000
"""The latest fills that are kept for the report. All are counted."""
MAX_LATENCIES: Final = 100_000
MAX_LINES: Final = 10_000
"""The latest lines of the bot's log that are kept."""


class RunRecord:
    """Counts and keeps. ``marks`` knows what a position is worth."""

    def __init__(self, marks: PriceMarks) -> None:
        self.begin_us = 0
        self.end_us = 0
        self.events = 0
        """How many callbacks the market made."""
        self.orders: Counter[str] = Counter()
        """How often each thing happened to orders, by its name on the wire; ``refused`` beside them."""
        self.refusals: Counter[str] = Counter()
        """By code."""
        self.fills: deque[FillRow] = deque(maxlen=MAX_FILLS)
        self.fill_count = 0
        self.turnover: dict[str, Decimal] = {}
        """By quote asset."""
        self.fees: dict[str, Decimal] = {}
        """By the asset that they were paid in."""
        self.curves: dict[str, EquityCurve] = {}
        """By quote asset."""
        self.latencies_us: deque[int] = deque(maxlen=MAX_LATENCIES)
        """From sending an order until the bot knew that it is accepted."""
        self.lines: deque[tuple[int, str]] = deque(maxlen=MAX_LINES)
        self.positions: dict[str, Decimal] = {}
        self._marks = marks
        self._quotes: dict[str, str] = {}
        self._bases: dict[str, str] = {}
        self._cash: dict[str, Decimal] = {}

    def add_symbol(self, row: SymbolRow) -> None:
        """Take in an instrument that the run follows."""
        self._quotes[row.symbol], self._bases[row.symbol] = row.quote, row.base
        self.curves.setdefault(row.quote, EquityCurve())
        self.positions.setdefault(row.symbol, Decimal(0))

    def order(self, event: str, code: str | UnsetType) -> None:
        """Count what happened to an order. ``code``: why, where its owner did not ask for it."""
        self.orders[event] += 1
        if event == "rejected" and code is not UNSET:
            self.refusals[code] += 1

    def refused(self, code: str) -> None:
        """Count a refusal."""
        self.orders["refused"] += 1
        self.refusals[code] += 1

    def fill(self, fill: FillRow) -> None:
        """Book a fill."""
        symbol, quote = fill.symbol, self._quotes[fill.symbol]
        quantity, price, fee = Decimal(fill.quantity), Decimal(fill.price), Decimal(fill.fee)
        signed = quantity if fill.side == "buy" else -quantity
        self.fills.append(fill)
        self.fill_count += 1
        self.positions[symbol] += signed
        self._cash[quote] = self._cash.get(quote, Decimal(0)) - signed * price
        self.turnover[quote] = self.turnover.get(quote, Decimal(0)) + quantity * price
        self.fees[fill.fee_asset] = self.fees.get(fill.fee_asset, Decimal(0)) + fee
        if bare(fill.fee_asset) == bare(quote):
            self._cash[quote] -= fee
        elif bare(fill.fee_asset) == bare(self._bases[symbol]):
            self.positions[symbol] -= fee
        self._marks.filled(symbol, price)

    def sample(self, now_us: int) -> None:
        """Take a sample of each quote asset."""
        values = dict.fromkeys(self.curves, Decimal(0))
        exposures = dict.fromkeys(self.curves, Decimal(0))
        for symbol, position in self.positions.items():
            if position:
                value = position * (self._marks.mark(symbol) or Decimal(0))
                values[self._quotes[symbol]] += value
                exposures[self._quotes[symbol]] += abs(value)
        for quote, curve in self.curves.items():
            profit = self._cash.get(quote, Decimal(0)) + values[quote]
            curve.add(Sample(now_us, profit, exposures[quote]))

    @property
    def profits(self) -> Mapping[str, Decimal]:
        """By quote asset: what the run has made, fees included, at the last prices."""
        return {
            quote: Decimal(0) if curve.last is None else curve.last.profit
            for quote, curve in self.curves.items()
        }


def bare(asset: str) -> str:
    """Return an asset without its venue."""
    return asset.rpartition(":")[2]

"""The report of a run as figures: what ``report.json`` has, and the page shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from statistics import median
from typing import Literal, TypeAlias

import msgspec

from floorwire.bot.parameters import Value
from floorwire.bot.run_record import RunRecord
from floorwire.protocol.account_rows import FillRow

ModeName: TypeAlias = Literal["backtest", "paper", "live"]
POINTS = 1_000
"""The most points of a plot."""


class Money(msgspec.Struct, frozen=True, kw_only=True):
    """The result in one quote asset. Decimals as text."""

    asset: str
    profit: str
    """What was made, fees included, with positions at the last prices."""
    turnover: str
    max_drawdown: str
    """The greatest fall of the profit from a peak, by samples of each second and fill."""
    max_exposure: str
    """The largest value of all positions together."""
    exposed_share: float
    """The share of the time in which there was a position."""
    points: Sequence[tuple[int, float, float]]
    """Time in microseconds, profit, exposure. Floats: they are for plots."""


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """From sending an order until the bot knew that it is accepted, in microseconds."""

    count: int
    median_us: int
    p99_us: int
    max_us: int


class RunReport(msgspec.Struct, frozen=True, kw_only=True):
    """All figures of one run."""

    bot: str
    mode: ModeName
    source: str
    """The recordings, or the address of the server."""
    parameters: Mapping[str, str]
    symbols: Sequence[str]
    seed: int
    begin_us: int
    end_us: int
    events: int
    """How often the market called the bot."""
    orders: Mapping[str, int]
    """How often each thing happened to orders."""
    refusals: Mapping[str, int]
    """By code."""
    fills: int
    fees: Mapping[str, str]
    """By the asset that they were paid in."""
    money: Sequence[Money]
    positions: Mapping[str, str]
    """What is left at the end."""
    latency: Latency | None
    """As measured at a server. None: no order was accepted, or a backtest, where nothing can be measured."""
    set_latency_us: int | None
    """Of a backtest: how long an order took to the market, as it was set. None: at a server."""
    ending: str
    """Why the run ended early; "": it did not."""
    last_fills: Sequence[FillRow]
    lines: Sequence[tuple[int, str]]
    """The bot's log."""


def make(
    record: RunRecord,
    *,
    bot: str,
    mode: ModeName,
    source: str,
    parameters: Mapping[str, Value],
    seed: int,
    ending: str,
    set_latency_us: int | None = None,
) -> RunReport:
    """Return the report of a run that has ended.

    ``set_latency_us``: of a backtest. Orders are accepted at once there, so a measured 0 would mislead.
    """
    return RunReport(
        bot=bot,
        mode=mode,
        source=source,
        parameters={name: str(value) for name, value in parameters.items()},
        symbols=list(record.positions),
        seed=seed,
        begin_us=record.begin_us,
        end_us=record.end_us,
        events=record.events,
        orders=dict(record.orders),
        refusals=dict(record.refusals),
        fills=record.fill_count,
        fees={asset: _text(fee) for asset, fee in record.fees.items()},
        money=[_money(record, asset) for asset in record.curves],
        positions={symbol: _text(position) for symbol, position in record.positions.items()},
        latency=_latency(sorted(record.latencies_us)) if set_latency_us is None else None,
        set_latency_us=set_latency_us,
        ending=ending,
        last_fills=list(record.fills),
        lines=list(record.lines),
    )


def _money(record: RunRecord, asset: str) -> Money:
    curve = record.curves[asset]
    points = curve.points
    step = max(1, -(-len(points) // POINTS))
    kept = points[::step] if not points or points[::step][-1] is points[-1] else [*points[::step], points[-1]]
    return Money(
        asset=asset,
        profit=_text(record.profits[asset]),
        turnover=_text(record.turnover.get(asset, Decimal(0))),
        max_drawdown=_text(curve.max_drawdown),
        max_exposure=_text(curve.max_exposure),
        exposed_share=round(curve.exposed_share, 6),
        points=[(one.ts_us, float(one.profit), float(one.exposure)) for one in kept],
    )


def _latency(waits_us: Sequence[int]) -> Latency | None:
    if not waits_us:
        return None
    return Latency(
        count=len(waits_us),
        median_us=round(median(waits_us)),
        p99_us=waits_us[(len(waits_us) - 1) * 99 // 100],
        max_us=waits_us[-1],
    )


def _text(value: Decimal) -> str:
    text = f"{value:f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"

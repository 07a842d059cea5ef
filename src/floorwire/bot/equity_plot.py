"""The plot of profit and exposure over time, as SVG text. It needs no script and no font of others."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape
from typing import Final

WIDTH: Final = 900
HEIGHT: Final = 260
LEFT: Final = 90
BOTTOM: Final = 28
TOP: Final = 12
RIGHT: Final = 12
LINES: Final = 4
"""Horizontal lines with a figure."""

Point = tuple[int, float, float]


def svg(points: Sequence[Point], asset: str) -> str:
    """Return the plot. ``points``: time in microseconds, profit, exposure."""
    if len(points) < 2 or points[0][0] == points[-1][0]:
        return "<p>Too short for a plot.</p>"
    profits = [profit for _, profit, _ in points]
    low, high = _range(min(0.0, *profits), max(0.0, *profits))
    most = max(exposure for _, _, exposure in points)
    begin_us, end_us = points[0][0], points[-1][0]

    def x(ts_us: int) -> float:
        return LEFT + (ts_us - begin_us) / (end_us - begin_us) * (WIDTH - LEFT - RIGHT)

    def y(value: float) -> float:
        return TOP + (high - value) / (high - low) * (HEIGHT - TOP - BOTTOM)

    def bar(exposure: float) -> float:
        return HEIGHT - BOTTOM - (exposure / most if most else 0) * (HEIGHT - TOP - BOTTOM) / 4

    base = HEIGHT - BOTTOM
    area = " ".join(f"{x(ts_us):.1f},{bar(exposure):.1f}" for ts_us, _, exposure in points)
    line = " ".join(f"{x(ts_us):.1f},{y(profit):.1f}" for ts_us, profit, _ in points)
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="Profit in {escape(asset)} over time">',
        f'<polygon class="exposure" points="{LEFT},{base} {area} {x(end_us):.1f},{base}"/>',
    ]
    for number in range(LINES + 1):
        value = low + (high - low) * number / LINES
        parts.append(
            f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(value):.1f}" y2="{y(value):.1f}"/>'
        )
        parts.append(f'<text x="{LEFT - 6}" y="{y(value) + 4:.1f}" text-anchor="end">{value:,.6g}</text>')
    parts.append(f'<line class="zero" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(0):.1f}" y2="{y(0):.1f}"/>')
    parts.append(f'<polyline class="profit" points="{line}"/>')
    for ts_us, anchor in ((begin_us, "start"), (end_us, "end")):
        parts.append(
            f'<text x="{x(ts_us):.1f}" y="{HEIGHT - 8}" text-anchor="{anchor}">{_date(ts_us)}</text>'
        )
    return "\n".join([*parts, "</svg>"])


def _range(low: float, high: float) -> tuple[float, float]:
    if low == high:
        return low - 1, high + 1
    room = (high - low) * 0.05
    return low - room, high + room


def _date(ts_us: int) -> str:
    return datetime.fromtimestamp(ts_us // 1_000_000, UTC).strftime("%Y-%m-%d %H:%M:%S")

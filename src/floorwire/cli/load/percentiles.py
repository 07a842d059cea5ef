"""Percentiles of measured times, by nearest rank: each is one of the measured times."""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil
from typing import Self

import msgspec


class Percentiles(msgspec.Struct, frozen=True):
    """Times in microseconds, and how many there were."""

    count: int
    p50_us: float
    p90_us: float
    p99_us: float
    p999_us: float
    max_us: float

    @classmethod
    def of(cls, times_us: Iterable[float]) -> Self | None:
        """Return the percentiles of the times; None where there are none."""
        ordered = sorted(times_us)
        if not ordered:
            return None

        def rank(quantile: float) -> float:
            return ordered[ceil(quantile * len(ordered)) - 1]

        return cls(len(ordered), rank(0.5), rank(0.9), rank(0.99), rank(0.999), ordered[-1])

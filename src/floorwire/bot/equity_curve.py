"""The value of a run over time, in one quote asset: samples for the plot, and the greatest fall."""

from __future__ import annotations

from decimal import Decimal
from typing import Final, NamedTuple

MAX_SAMPLES: Final = 4_000
"""With more, each second one is dropped and the time between them doubles."""


class Sample(NamedTuple):
    """What the run had made at one time, without what it began with."""

    ts_us: int
    profit: Decimal
    exposure: Decimal
    """The value of all positions, bought or sold."""


class EquityCurve:
    """Takes a sample a second at most. The greatest fall is of all that came, also of those dropped later."""

    def __init__(self) -> None:
        self.samples: list[Sample] = []
        self.last: Sample | None = None
        self.max_drawdown = Decimal(0)
        self.max_exposure = Decimal(0)
        self._peak = Decimal(0)
        self._every = 1
        self._count = 0
        self._exposed_us = 0
        self._begin_us: int | None = None

    def add(self, sample: Sample) -> None:
        """Take the next sample."""
        self._begin_us = sample.ts_us if self._begin_us is None else self._begin_us
        if self.last is not None and self.last.exposure:
            self._exposed_us += sample.ts_us - self.last.ts_us
        self.last = sample
        self._peak = max(self._peak, sample.profit)
        self.max_drawdown = max(self.max_drawdown, self._peak - sample.profit)
        self.max_exposure = max(self.max_exposure, sample.exposure)
        if self._count % self._every == 0:
            self.samples.append(sample)
            if len(self.samples) > MAX_SAMPLES:
                del self.samples[1::2]
                self._every *= 2
        self._count += 1

    @property
    def points(self) -> list[Sample]:
        """The kept samples and the last one."""
        if self.last is None or self.samples[-1] is self.last:
            return list(self.samples)
        return [*self.samples, self.last]

    @property
    def exposed_share(self) -> float:
        """The share of the time in which there was a position."""
        if self.last is None or self._begin_us is None or self.last.ts_us == self._begin_us:
            return 0.0
        return self._exposed_us / (self.last.ts_us - self._begin_us)

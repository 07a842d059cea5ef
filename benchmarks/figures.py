"""Figures measured in several rounds: median and spread, ratios, targets, and tables of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median
from typing import Self

import msgspec


class Figure(msgspec.Struct, frozen=True):
    """One quantity, as measured in each round."""

    rounds: tuple[float, ...]

    @classmethod
    def of(cls, rounds: Iterable[float]) -> Self:
        """Return the figure of these rounds. There must be at least one."""
        return cls(tuple(rounds))

    @property
    def median(self) -> float:
        """The median of the rounds, which is compared with a target."""
        return median(self.rounds)

    def ratio_to(self, other: Figure) -> Figure:
        """Return the ratio of the two in each round. So a disturbance of a whole round cancels out."""
        return Figure.of(mine / theirs for mine, theirs in zip(self.rounds, other.rounds, strict=True))

    def text(self, decimals: int = 2) -> str:
        """Return the median, with least and greatest where there are several rounds."""
        if len(self.rounds) == 1:
            return f"{self.median:.{decimals}f}"
        return f"{self.median:.{decimals}f} ({min(self.rounds):.{decimals}f}-{max(self.rounds):.{decimals}f})"


class TargetCheck(msgspec.Struct, frozen=True):
    """A figure and its target, which it must not exceed."""

    what: str
    figure: Figure
    at_most: float

    @property
    def is_met(self) -> bool:
        """Whether the median is within the target."""
        return self.figure.median <= self.at_most

    def text(self) -> str:
        """Return the result as one line of a Markdown list."""
        met = "met" if self.is_met else "MISSED"
        return f"- {self.what}: {self.figure.text()}; target at most {self.at_most:.2f}: {met}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return an aligned Markdown table: the first column to the left, the others to the right."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]

    def line(cells: Sequence[str]) -> str:
        first, *others = (
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
        )
        return "| " + " | ".join((first, *others)) + " |"

    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join((line(head), "| " + " | ".join(rule) + " |", *map(line, rows)))

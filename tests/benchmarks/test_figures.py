"""Figures: medians, ratios of each round, and whether targets are met."""

from __future__ import annotations

from benchmarks.figures import Figure, TargetCheck, table


def test_shows_the_median_and_the_spread() -> None:
    figure = Figure.of([3.0, 1.0, 2.0])
    assert figure.median == 2.0
    assert figure.text() == "2.00 (1.00-3.00)"
    assert Figure.of([1.25]).text(1) == "1.2"


def test_ratios_are_taken_in_each_round() -> None:
    slow_machine_in_the_second_round = Figure.of([2.0, 20.0]).ratio_to(Figure.of([1.0, 10.0]))
    assert slow_machine_in_the_second_round.rounds == (2.0, 2.0)


def test_says_whether_a_target_is_met() -> None:
    assert TargetCheck("it", Figure.of([1.25]), 1.25).text() == "- it: 1.25; target at most 1.25: met"
    assert TargetCheck("it", Figure.of([1.26]), 1.25).text().endswith("MISSED")


def test_a_target_without_a_figure_is_not_met() -> None:
    assert not TargetCheck("it", Figure.of([float("nan")]), 1.25).is_met


def test_aligns_tables() -> None:
    assert table(("", "us"), [("C", "5.1"), ("Floorwire", "16.25")]).splitlines() == [
        "|           |    us |",
        "| --------- | ----: |",
        "| C         |   5.1 |",
        "| Floorwire | 16.25 |",
    ]

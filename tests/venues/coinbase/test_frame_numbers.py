from __future__ import annotations

from floorwire.venues.coinbase.frame_numbers import FrameNumbers


def test_numbers_count_up_by_one() -> None:
    numbers = FrameNumbers()
    assert [numbers.take(number) for number in (0, 1, 1, 0, 2, None, 3, 5)] == [
        "next",
        "next",
        "late",
        "late",
        "next",
        "next",
        "next",
        "gap",
    ]


def test_the_first_may_be_any() -> None:
    assert FrameNumbers().take(7) == "next"

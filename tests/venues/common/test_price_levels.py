"""One side of a book, beside a plain dictionary."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorwire.core.instrument import Instrument
from floorwire.venues.common.price_levels import (
    EMPTY,
    PriceAndSize,
    PriceLevels,
    WrittenLevel,
    price_and_size,
)

TOP = 3
UNITS = 10, 100
"""What a tick and a lot are in the digits of rows that are None."""
TENTHS = Instrument("A-B", "A", "B", "x", "0.1", "1")
HUNDREDTHS = Instrument("A-B", "A", "B", "x", "0.01", "1")
levels = st.lists(st.tuples(st.integers(1, 30), st.integers(0, 3)), max_size=12, unique_by=lambda one: one[0])
signs = st.sampled_from((1, -1))


FORMS: tuple[Callable[[str, str], PriceAndSize], ...] = (
    WrittenLevel,
    lambda price, size: (price, size),
    lambda price, size: f'{price}","{size}"'.encode(),
)
"""The forms in which a level is kept as it was written."""


def text_of(row: PriceAndSize) -> bytes:
    price, size = price_and_size(row)
    return f"{price}={size}".encode()


def written(found: list[tuple[int, int]], dust: bool) -> list[PriceAndSize | None]:
    """Return levels as an exchange writes them, or None where their digits are those of ``UNITS``.

    With ``dust``, those of no lot have a size below one.
    """
    none = "0.5" if dust else "0.0"
    pairs = [(f"{price}", f"{size}" if size else none) for price, size in found]
    return [
        None if int(price) % 4 == 3 and size != none else FORMS[int(price) % len(FORMS)](price, size)
        for price, size in pairs
    ]


@given(signs, levels, st.lists(levels, max_size=5))
def test_levels_are_those_of_a_dictionary_in_order(
    sign: int, first: list[tuple[int, int]], changes: list[list[tuple[int, int]]]
) -> None:
    side, kept = PriceLevels(sign), dict(first)
    side.replace(tuple(first))
    for change in [[], *changes]:
        side.put(tuple(change))
        kept.update(change)
        kept = {price: size for price, size in kept.items() if size}
        expected = tuple(sorted(kept.items(), reverse=sign > 0))
        assert side.levels() == expected
        assert side.best() == (expected[0] if expected else EMPTY)


@given(signs, levels, st.lists(st.tuples(levels, st.booleans()), max_size=5), st.integers(1, 6))
def test_texts_are_those_of_the_best_levels_also_below_one_lot(
    sign: int, first: list[tuple[int, int]], changes: list[tuple[list[tuple[int, int]], bool]], depth: int
) -> None:
    side, kept = PriceLevels(sign, text_of, TOP), {}
    side.price_unit, side.size_unit = UNITS
    side.replace(tuple(first), written(first, dust=False))
    for change, dust in [(first, False), *changes]:
        rows = written(change, dust)
        side.put(tuple(change), rows)
        for (price, size), row in zip(change, rows, strict=True):
            kept[price] = (
                size,
                f"{price * UNITS[0]}{size * UNITS[1]}".encode() if row is None else text_of(row),
            )
            if not size and not dust:
                del kept[price]
        in_order = sorted(kept, reverse=sign > 0)
        assert side.cut(depth) == tuple(in_order[depth:])
        for price in in_order[depth:]:
            del kept[price]
        assert side.top() == [kept[price][1] for price in in_order[:depth][:TOP]]
        assert side.top() is side.top()
        assert side.levels() == tuple((price, kept[price][0]) for price in in_order[:depth] if kept[price][0])


@pytest.mark.parametrize(
    ("given_levels", "is_kept"),
    [(((9, 1), (8, 1)), True), (((8, 1), (9, 1)), False), (((9, 1), (9, 2)), False), (((9, 0),), False)],
)
def test_it_says_whether_a_new_side_is_what_it_was_given(
    given_levels: tuple[tuple[int, int], ...], is_kept: bool
) -> None:
    side = PriceLevels(1)
    assert side.replace(given_levels) is is_kept
    assert (side.levels() == given_levels) is is_kept


def test_finer_steps_keep_the_texts_and_coarser_ones_lose_what_is_between() -> None:
    side = PriceLevels(1, text_of, TOP)
    side.replace(((9, 1), (8, 1)), written([(9, 1), (8, 1)], dust=False))
    side.convert(TENTHS, HUNDREDTHS)
    assert (side.levels(), side.is_written, side.top()) == (((90, 1), (80, 1)), True, [b"9=1", b"8=1"])
    side.put(((81, 5),), [("8.1", "5")])
    side.convert(HUNDREDTHS, TENTHS)
    assert (side.levels(), side.is_written) == (((9, 1), (8, 1)), False)


def test_digits_are_those_of_the_steps_with_which_they_were_written() -> None:
    side = PriceLevels(1, text_of, TOP)
    side.price_unit, side.size_unit = UNITS
    side.replace(((9, 1), (8, 1)), [None, ("8", "1")])
    side.convert(TENTHS, HUNDREDTHS)
    side.put(((80, 2),), [None])
    assert (side.levels(), side.top()) == (((90, 1), (80, 2)), [b"90100", b"800200"])


def test_without_rows_each_level_has_its_digits() -> None:
    side = PriceLevels(1, text_of, TOP)
    side.price_unit, side.size_unit = UNITS
    side.replace(((9, 1), (8, 1)), ())
    side.put(((9, 0), (8, 2), (7, 3)), ())
    assert (side.levels(), side.top()) == (
        ((8, 2), (7, 3)),
        [f"{8 * UNITS[0]}{2 * UNITS[1]}".encode(), f"{7 * UNITS[0]}{3 * UNITS[1]}".encode()],
    )
    assert side.is_written


def test_prices_up_to_63_bits_are_in_order() -> None:
    side = PriceLevels(-1)
    side.put(((2**63 - 1, 1), (1, 10**30)))
    assert side.levels() == ((1, 10**30), (2**63 - 1, 1))

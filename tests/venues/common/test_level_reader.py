"""A reader gives what the functions of ``decimals`` give, whatever came before."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorwire.core.instrument import Instrument
from floorwire.core.market_events import Level
from floorwire.core.units import InexactError
from floorwire.venues.common.decimals import OffTickError, floor_lots, price_ticks, traded_lots
from floorwire.venues.common.frame_scanner import FrameScanner
from floorwire.venues.common.level_reader import LevelReader
from floorwire.venues.common.plain_decimals import NOT_PLAIN, plain_decimal, plain_text

ABC = Instrument("ABC-USDT", "ABC", "USDT", "x", "0.05", "0.002")
FINER = Instrument("ABC-USDT", "ABC", "USDT", "x", "0.01", "0.001")
WHOLE = Instrument("ABC-USDT", "ABC", "USDT", "x", "10", "100")
LEAST = Instrument("ABC-USDT", "ABC", "USDT", "x", "0.000000000000000001", "0.00000001")
HUGE = Instrument("ABC-USDT", "ABC", "USDT", "x", "9" * 30, "1" + "0" * 25)
INSTRUMENTS = [ABC, FINER, WHOLE, LEAST, HUGE]

PLAIN = ["1", "2.0", "2.00", "0.05", "0", "0.1", "7.25", "0.00000000", "61737.63000000", "000.50", "007"]
ODD = [
    "",
    "-1",
    "1.",
    ".5",
    ".",
    "1e3",
    "1E-2",
    "+1",
    "1_0",
    "\u0663",
    "\xb2",
    "9" * 31,
    " 1",
    "0.0000000001",
]
ODD += [
    "-0",
    "-0.00",
    "--1",
    "1.2.3",
    "nan",
    "inf",
    "0x1",
    "1,5",
    "1\n",
    "9" * 30,
    "9" * 17,
    "9" * 18,
    "9" * 19,
]
ODD += ["9223372036854775807", "9223372036854775808", "0" * 16 + "1", "0" * 30 + "1", "0." + "0" * 17 + "1"]
numbers = st.builds(
    lambda whole, fraction: f"{whole}.{fraction}" if fraction else whole,
    st.text("0123456789", min_size=1, max_size=20),
    st.text("0123456789", max_size=20),
)
texts = (
    st.decimals(0, 50, places=3).map(str)
    | st.sampled_from(PLAIN)
    | st.sampled_from(PLAIN + ODD)
    | numbers
    | st.text("0123456789.-+eE_ \u0663", max_size=20)
)
Message = tuple[Instrument, list[tuple[str, str]]]
messages = st.tuples(st.sampled_from(INSTRUMENTS), st.lists(st.tuples(texts, texts), max_size=5))
Read = Callable[[Instrument, str, str], Level]


def levels(instrument: Instrument, pairs: Iterable[tuple[str, str]]) -> tuple[tuple[Level, ...], int]:
    """Return what a reader has to give, without any haste."""
    sizes: dict[int, int] = {}
    off_tick = 0
    for price, size in pairs:
        lots = floor_lots(instrument, size)
        try:
            sizes[price_ticks(instrument, price)] = lots
        except OffTickError:
            off_tick += 1
    return tuple(sizes.items()), off_tick


def level(instrument: Instrument, price: str, size: str) -> Level:
    return price_ticks(instrument, price), floor_lots(instrument, size)


def best(instrument: Instrument, price: str, size: str) -> Level:
    return price_ticks(instrument, price) if price.strip("0.") else 0, floor_lots(instrument, size)


def trade(instrument: Instrument, price: str, size: str) -> Level:
    return price_ticks(instrument, price), traded_lots(instrument, size)


@given(st.lists(messages, max_size=5))
def test_a_reader_gives_what_the_plain_functions_give(messages: list[Message]) -> None:
    reader = LevelReader(ABC)
    for instrument, pairs in messages:
        try:
            expected = levels(instrument, pairs)
        except InexactError:
            with pytest.raises(InexactError):
                reader.read(instrument, pairs)
        else:
            assert reader.read(instrument, pairs) == expected


@given(st.lists(messages, max_size=5))
def test_levels_in_a_frame_are_read_as_decoded_ones(messages: list[Message]) -> None:
    scanning, reading = LevelReader(ABC), LevelReader(ABC)
    for instrument, pairs in messages:
        frame = FrameScanner(b"." + json.dumps(pairs, separators=(",", ":"), ensure_ascii=False).encode())
        frame.at = 1
        frame.expect_pairs()
        if not frame.is_whole():
            continue
        try:
            expected = reading.read(instrument, pairs)
        except InexactError:
            with pytest.raises(InexactError):
                scanning.scan(instrument, frame, 1)
        else:
            assert (scanning.scan(instrument, frame, 1), scanning.off_tick) == expected


def scanned(instrument: Instrument, pairs: list[tuple[str, str]]) -> tuple[LevelReader, tuple[Level, ...]]:
    reader = LevelReader(WHOLE)
    frame = FrameScanner(b"." + json.dumps(pairs, separators=(",", ":")).encode())
    return reader, reader.scan(instrument, frame, 1)


@given(
    st.lists(
        st.tuples(st.integers(1, 10**6), st.integers(0, 10**6)), max_size=5, unique_by=lambda one: one[0]
    ),
    st.integers(0, 4),
    st.integers(0, 4),
)
def test_digits_are_ticks_and_lots_times_their_units_where_all_have_the_same_decimals(
    found: list[tuple[int, int]], more_decimals: int, more_of_sizes: int
) -> None:
    price_unit, size_unit = 10**more_decimals, 10**more_of_sizes
    pairs = [
        (
            plain_text(ticks * price_unit << 5 | FINER.price.decimals + more_decimals),
            plain_text(lots * size_unit << 5 | FINER.size.decimals + more_of_sizes),
        )
        for ticks, lots in found
    ]
    reader, read = scanned(FINER, pairs)
    assert set(read) == set(found)
    if found:
        assert (reader.is_uniform, reader.price_unit, reader.size_unit) == (True, price_unit, size_unit)


@pytest.mark.parametrize(
    ("instrument", "pairs"),
    [
        (FINER, [("1.00", "1.000"), ("1.010", "1.000")]),
        (FINER, [("1.00", "1.000"), ("1.01", "1.0000")]),
        (FINER, [("1.0", "1.000")]),
        (FINER, [("1.00", "1.0005")]),
        (FINER, [("1.00", "1.000"), ("1.01", "0.0005")]),
        (FINER, [("1.00", "1.00")]),
        (ABC, [("1.00", "1.000")]),
        (WHOLE, [("10", "100")]),
    ],
)
def test_other_levels_are_not_uniform(instrument: Instrument, pairs: list[tuple[str, str]]) -> None:
    assert not scanned(instrument, pairs)[0].is_uniform


@given(st.sampled_from(INSTRUMENTS), st.lists(st.tuples(texts, texts), min_size=1, max_size=5))
def test_plain_decimals_are_read_as_their_texts(instrument: Instrument, pairs: list[tuple[str, str]]) -> None:
    reader = LevelReader(ABC)
    for price, size in pairs:
        plain_price, plain_size = plain_decimal(price), plain_decimal(size)
        if NOT_PLAIN in (plain_price, plain_size):
            continue
        for plainly, quickly in (
            (reader.level, reader.plain_level),
            (reader.best, reader.plain_best),
            (reader.trade, reader.plain_trade),
        ):
            try:
                expected = plainly(instrument, price, size)
            except ValueError as error:
                with pytest.raises(type(error)):
                    quickly(instrument, plain_price, plain_size)
            else:
                assert quickly(instrument, plain_price, plain_size) == expected


@given(st.sampled_from(INSTRUMENTS), st.lists(st.tuples(texts, texts), min_size=1, max_size=5))
def test_one_level_is_read_as_the_plain_functions_read_it(
    instrument: Instrument, pairs: list[tuple[str, str]]
) -> None:
    reader = LevelReader(ABC)
    both: tuple[tuple[Read, Read], ...] = (level, reader.level), (best, reader.best), (trade, reader.trade)
    for plainly, quickly in both:
        for price, size in pairs:
            assert outcome(quickly, instrument, price, size) == outcome(plainly, instrument, price, size)


def outcome(read: Read, instrument: Instrument, price: str, size: str) -> object:
    """Return what is read, or the error's type and text."""
    try:
        return read(instrument, price, size)
    except ValueError as error:
        return type(error), str(error)


@pytest.mark.parametrize("prices", [["3", "2", "1"], ["1", "2", "3"], ["1", "3", "2"], ["2", "1", "2", "3"]])
def test_the_order_of_a_message_is_kept_and_the_later_of_two_counts(prices: list[str]) -> None:
    pairs = [(price, str(place + 1)) for place, price in enumerate(prices)]
    assert LevelReader(FINER).read(FINER, pairs) == levels(FINER, pairs)


@pytest.mark.parametrize("pair", [("x", "1"), ("1.05", "x"), ("1.05", "-1"), ("0", "1")])
def test_one_bad_level_spoils_the_message(pair: tuple[str, str]) -> None:
    with pytest.raises(InexactError):
        LevelReader(ABC).read(ABC, [("1.10", "1"), pair])

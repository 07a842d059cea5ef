"""A reader of levels gives what ``decimals.levels`` gives, whatever came before."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorwire.core.instrument import Instrument
from floorwire.core.units import InexactError
from floorwire.venues.common import level_reader
from floorwire.venues.common.decimals import levels
from floorwire.venues.common.level_reader import LevelReader

ABC = Instrument("ABC-USDT", "ABC", "USDT", "x", "0.05", "0.002")
FINER = Instrument("ABC-USDT", "ABC", "USDT", "x", "0.01", "0.001")

PLAIN = ["1", "2.0", "2.00", "0.05", "0", "0.1", "7.25"]
ODD = ["", "-1", "1.", ".5", "1e3", "+1", "1_0", "٣", "9" * 31, " 1", "0.0000000001"]
texts = st.decimals(0, 50, places=3).map(str) | st.sampled_from(PLAIN) | st.sampled_from(PLAIN + ODD)
Message = tuple[Instrument, list[tuple[str, str]]]
messages = st.tuples(st.sampled_from([ABC, FINER]), st.lists(st.tuples(texts, texts), max_size=5))


@given(st.lists(messages, max_size=5))
def test_a_reader_gives_what_the_plain_function_gives(messages: list[Message]) -> None:
    reader = LevelReader(ABC)
    for instrument, pairs in messages:
        try:
            expected = levels(instrument, pairs)
        except InexactError:
            with pytest.raises(InexactError):
                reader.read(instrument, pairs)
        else:
            assert reader.read(instrument, pairs) == expected


def test_prices_are_forgotten_beyond_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(level_reader, "MAX_PRICES", 2)
    reader = LevelReader(FINER)
    for price in ("1", "2", "3", "1"):
        assert reader.read(FINER, [(price, "1")]) == (((int(price) * 100, 1_000),), 0)
    with suppress(InexactError):
        reader.read(FINER, [("x", "1")])
    assert len(reader._ticks) <= 2

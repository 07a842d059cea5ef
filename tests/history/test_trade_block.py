"""Blocks of trades: what is packed is read back, whatever the numbers and ids are."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from floorwire.core.market_events import Trade
from floorwire.core.market_history import StoredUnits
from floorwire.core.units import Scale
from floorwire.history import trade_block
from floorwire.history.trade_block import TRADES, TradeColumns, TradeRun

UNITS = StoredUnits(Scale.of("0.5"), Scale.of("0.001"))

trades = st.builds(
    Trade,
    st.just("v:A-B"),
    st.one_of(st.integers(-5, 1 << 70).map(str), st.sampled_from(["", "007", "+5", "a-b", " 5", "1_0", "٣"])),
    st.integers(0, 1 << 80),
    st.integers(0, 1 << 80),
    st.sampled_from(["buy", "sell"]),
    st.integers(1, 1 << 55),
)


def run_of(some: list[Trade]) -> TradeRun:
    """Return a run of these trades, in rows that grow."""
    run = TradeRun(UNITS)
    run.add([(1 << 55) + 3 * n for n in range(len(some))], TradeColumns.of(some))
    return run


@given(st.lists(trades, min_size=1, max_size=20))
def test_what_is_packed_is_read_back(some: list[Trade]) -> None:
    run = run_of(some)
    read = trade_block.decode(run.encode(0), UNITS)
    assert read == run.stored()
    found = [(one.trade_id, one.price_ticks, one.size_lots, one.side, one.ts_us) for one in read]
    assert found == [(one.trade_id, one.price_ticks, one.size_lots, one.side, one.ts_us) for one in some]


texts = st.sampled_from(["{}", "{:03}", "{:06}", "+{}", " {}", "{}.0", "{:.0e}", "-{}", "{}"])


@given(st.integers(0, 1_200), st.lists(texts, min_size=1, max_size=12))
def test_ids_that_only_look_like_numbers_that_follow_each_other(first: int, forms: list[str]) -> None:
    ids = [form.format(first + number) for number, form in enumerate(forms)]
    run = run_of([Trade("v:A-B", one, 100, 1, "buy", 1_000_000 + n) for n, one in enumerate(ids)])
    assert [one.trade_id for one in trade_block.decode(run.encode(0), UNITS)] == ids


def test_ids_that_follow_each_other_take_a_byte_each() -> None:
    some = [Trade("v:A-B", str(4_000_000_000 + n), 100, 1, "buy", 1_000_000 + n) for n in range(TRADES)]
    run = TradeRun(UNITS)
    run.add([one.ts_us for one in some], TradeColumns.of(some))
    assert len(run.encode(0)) < 7 * TRADES
    assert trade_block.decode(run.encode(0), UNITS) == run.stored()


def test_full_blocks_are_dropped_and_the_rest_stays() -> None:
    some = [Trade("v:A-B", str(n), 100, 1, "buy", 1 + n) for n in range(2 * TRADES + 3)]
    run = run_of(some)
    kept = run.stored()[2 * TRADES :]
    run.drop_full_blocks()
    assert run.stored() == kept
    loaded = TradeRun(UNITS)
    loaded.load(kept)
    assert loaded.encode(0) == run.encode(0)

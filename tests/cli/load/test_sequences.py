"""Every event once, or announced: what is neither is counted."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from floorwire.cli.load.sequences import Event, Gap, Sequences, Tally


def ticker(seq: int | None, conflated: int = 0, symbol: str = "BTC-USDT", epoch: str = "e") -> Event:
    return Event(channel="ticker", symbol=symbol, epoch=epoch, seq=seq, conflated=conflated)


def tally(*events: Event) -> Tally:
    counted, sequences = Tally(), Sequences()
    for event in events:
        sequences.follow(event, counted)
    return counted


def test_a_whole_stream_from_anywhere() -> None:
    assert tally(*map(ticker, range(40, 50))) == Tally(checked=10)


def test_what_is_missing() -> None:
    assert tally(ticker(1), ticker(2), ticker(6)) == Tally(checked=3, missing=3)


def test_what_a_conflated_event_stands_for() -> None:
    assert tally(ticker(1), ticker(5, conflated=3)) == Tally(checked=2, conflated=3)
    assert tally(ticker(1), ticker(9, conflated=3)) == Tally(checked=2, conflated=3, missing=4)


def test_what_a_gap_event_stands_for() -> None:
    gap = Event(channel="trades", symbol="BTC-USDT", seq=7, gap=Gap(3, 7))
    trade = Event(channel="trades", symbol="BTC-USDT", seq=2)
    assert tally(trade, gap) == Tally(checked=2, skipped=5)
    late = Event(channel="trades", symbol="BTC-USDT", seq=7, gap=Gap(5, 7))
    assert tally(trade, late) == Tally(checked=2, skipped=3, missing=2)


def test_what_comes_again() -> None:
    assert tally(ticker(3), ticker(4), ticker(3), ticker(5)) == Tally(checked=4, repeated=1)


def test_streams_of_other_symbols_and_epochs_are_others() -> None:
    assert tally(ticker(1), ticker(9, symbol="ETH-USDT"), ticker(3, epoch="f"), ticker(2)) == Tally(checked=4)


def test_events_without_seq_are_none_of_ours() -> None:
    assert tally(ticker(1), ticker(None), ticker(2)) == Tally(checked=2)


@given(st.sets(st.integers(2, 60)))
def test_missing_is_what_was_left_out(left_out: set[int]) -> None:
    received = [seq for seq in range(1, 62) if seq not in left_out]
    assert tally(*map(ticker, received)) == Tally(checked=len(received), missing=len(left_out))

"""Events that neither came once nor were announced as missing are counted."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from floorwire.cli.load.sequences import Event, Gap, SequenceCounts, SequenceTracker


def ticker(seq: int | None, conflated: int = 0, symbol: str = "BTC-USDT", epoch: str = "e") -> Event:
    return Event(channel="ticker", symbol=symbol, epoch=epoch, seq=seq, conflated=conflated)


def counts(*events: Event) -> SequenceCounts:
    counted, tracker = SequenceCounts(), SequenceTracker()
    for event in events:
        tracker.add(event, counted)
    return counted


def test_a_complete_stream_may_start_at_any_seq() -> None:
    assert counts(*map(ticker, range(40, 50))) == SequenceCounts(checked=10)


def test_missing_events_are_counted() -> None:
    assert counts(ticker(1), ticker(2), ticker(6)) == SequenceCounts(checked=3, missing=3)


def test_a_conflated_event_counts_what_it_stands_for() -> None:
    assert counts(ticker(1), ticker(5, conflated=3)) == SequenceCounts(checked=2, conflated=3)
    assert counts(ticker(1), ticker(9, conflated=3)) == SequenceCounts(checked=2, conflated=3, missing=4)


def test_a_gap_event_counts_what_it_stands_for() -> None:
    gap = Event(channel="trades", symbol="BTC-USDT", seq=7, gap=Gap(3, 7))
    trade = Event(channel="trades", symbol="BTC-USDT", seq=2)
    assert counts(trade, gap) == SequenceCounts(checked=2, skipped=5)
    late = Event(channel="trades", symbol="BTC-USDT", seq=7, gap=Gap(5, 7))
    assert counts(trade, late) == SequenceCounts(checked=2, skipped=3, missing=2)


def test_repeated_events_are_counted() -> None:
    assert counts(ticker(3), ticker(4), ticker(3), ticker(5)) == SequenceCounts(checked=4, repeated=1)


def test_each_symbol_and_epoch_is_a_stream_of_its_own() -> None:
    assert counts(ticker(1), ticker(9, symbol="ETH-USDT"), ticker(3, epoch="f"), ticker(2)) == SequenceCounts(
        checked=4
    )


def test_events_without_seq_are_not_counted() -> None:
    assert counts(ticker(1), ticker(None), ticker(2)) == SequenceCounts(checked=2)


@given(st.sets(st.integers(2, 60)))
def test_missing_is_what_was_left_out(left_out: set[int]) -> None:
    received = [seq for seq in range(1, 62) if seq not in left_out]
    assert counts(*map(ticker, received)) == SequenceCounts(checked=len(received), missing=len(left_out))

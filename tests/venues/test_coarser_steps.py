"""Events in coarser steps say the same in decimals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from floorwire.core.instrument import Instrument
from floorwire.core.market_events import (
    BookChange,
    BookSnapshot,
    Candle,
    DayStats,
    Listing,
    Quote,
    Trade,
    VenueTime,
)
from floorwire.core.ports import Open, VenueInput, VenueOutput, Woke
from floorwire.venues.coarser_steps import CoarserSteps, Factors, ObservedSteps

FINE = "0.00000001"
OF = Instrument("A-B", "A", "B", "x", FINE, FINE)
OTHER = Instrument("C-D", "C", "D", "x", FINE, FINE)


class Scripted:
    """An adapter that gives these outputs at once."""

    name = "scripted"

    def __init__(self, outputs: Sequence[VenueOutput]) -> None:
        self.skipped: Counter[str] = Counter({"reason": 1})
        self._outputs = outputs

    def start(self, now_us: int) -> Sequence[VenueOutput]:
        return [Listing((OF, OTHER), now_us)]

    def receive(self, happened: VenueInput, now_us: int) -> Sequence[VenueOutput]:
        return self._outputs


def told(outputs: Sequence[VenueOutput]) -> tuple[Instrument, Sequence[VenueOutput]]:
    """Return the instrument and the events in the steps that are observed in them."""
    observed = ObservedSteps()
    for output in outputs:
        observed.observe(output)
    adapter = CoarserSteps(Scripted(outputs), observed.factors())
    [listing] = adapter.start(0)
    assert isinstance(listing, Listing)
    assert listing.instruments[1] == OTHER, "nothing was observed of it"
    assert adapter.name == "scripted"
    assert adapter.skipped == {"reason": 1}
    return listing.instruments[0], adapter.receive(Woke(), 0)


def test_the_coarsest_steps_in_which_all_is_whole() -> None:
    of, events = told(
        [
            Trade("A-B", "1", 6_183_763_000_000, 2_000_000, "buy", 1),
            Quote("A-B", 6_183_760_000_000, 378_826_000, 6_183_764_000_000, 0, 2),
            BookSnapshot("A-B", ((6_183_700_000_000, 5_000),), (), 3),
            BookChange("A-B", (), ((6_183_800_000_000, 0),), 4),
            DayStats("A-B", 1_234_567, 9_999_999, 1, 1_999, 10_000_000_001, 5),
            Candle("A-B", 60, 0, 1_000_001, 2_000_000, 999_999, 1_500_000, 10_999, 3, True, 6),
            VenueTime(7),
            Open("link", "url"),
        ]
    )
    assert (of.tick_size, of.lot_size) == ("0.01", "0.00001")
    assert events == [
        Trade("A-B", "1", 6_183_763, 2_000, "buy", 1),
        Quote("A-B", 6_183_760, 378_826, 6_183_764, 0, 2),
        BookSnapshot("A-B", ((6_183_700, 5),), (), 3),
        BookChange("A-B", (), ((6_183_800, 0),), 4),
        DayStats("A-B", 1, 9, 0, 1, 10, 5),
        Candle("A-B", 60, 0, 1, 2, 0, 1, 10, 3, True, 6),
        VenueTime(7),
        Open("link", "url"),
    ]


def test_no_step_is_coarser_than_one() -> None:
    of, _ = told([Trade("A-B", "1", 6 * 10**13, 7 * 10**12, "buy", 1)])
    assert (of.tick_size, of.lot_size) == ("1", "1")


def test_what_was_never_told_stays_as_it_is() -> None:
    of, _ = told([Quote("A-B", 0, 0, 0, 0, 1), DayStats("A-B", 5, 5, 5, 5, None, 1)])
    assert (of.tick_size, of.lot_size) == (FINE, FINE)


@given(
    st.lists(
        st.tuples(st.integers(1, 10**6), st.integers(1, 10**6), st.sampled_from([1, 10, 1000, 10**7])),
        min_size=1,
        max_size=6,
    )
)
def test_decimals_stay_the_same(numbers: list[tuple[int, int, int]]) -> None:
    before = [
        Trade("A-B", str(n), ticks * by, lots * by, "buy", n) for n, (ticks, lots, by) in enumerate(numbers)
    ]
    of, after = told(before)
    for old, new in zip(before, after, strict=True):
        assert isinstance(new, Trade)
        assert float(of.price.format(new.price_ticks)) == float(OF.price.format(old.price_ticks))
        assert float(of.size.format(new.size_lots)) == float(OF.size.format(old.size_lots))


def test_turnover_is_in_ticks_and_lots() -> None:
    adapter = CoarserSteps(
        Scripted([DayStats("A-B", 100, 100, 100, 1_000, 1_000_000, 1)]), {"A-B": Factors(10, 100)}
    )
    adapter.start(0)
    assert adapter.receive(Woke(), 0) == [DayStats("A-B", 10, 10, 10, 10, 1_000, 1)]

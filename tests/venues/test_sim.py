"""The simulated venue as its watchers see it, and whether it looks like a market."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise
from random import Random
from statistics import fmean, pstdev

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floorwire.core.market_events import (
    BookChange,
    BookSnapshot,
    FeedStatus,
    Level,
    Listing,
    MarketEvent,
    Quote,
    Trade,
    VenueTime,
)
from floorwire.core.order_book import Book
from floorwire.core.ports import Closed, Venue, VenueOutput, Wake, Woke
from floorwire.venues.sim import ASSETS, CATCH_UP_US, PROFILES, WAKE_US, UnlistedError, venue

START_US = 1_767_225_600_250_000
SECOND_US = 1_000_000
ACTIVE = tuple(profile.symbol for profile in PROFILES if profile.symbol != "XMR-BTC")
FEW = ("LTC-USDT", "ETH-BTC", "XMR-BTC")


def events_of(outputs: Iterable[VenueOutput]) -> list[MarketEvent]:
    return [output for output in outputs if isinstance(output, MarketEvent)]


def wake_of(outputs: Sequence[VenueOutput]) -> int:
    (wake,) = (output for output in outputs if isinstance(output, Wake))
    return wake.at_us


def watch(market: Venue, seconds: int, step_us: int = 100_000) -> list[MarketEvent]:
    """Start the venue and return all that it shows."""
    shown = events_of(market.start(START_US))
    for now_us in range(START_US + step_us, START_US + seconds * SECOND_US + 1, step_us):
        shown += events_of(market.receive(Woke(), now_us))
    return shown


@pytest.fixture(scope="module")
def minute() -> list[MarketEvent]:
    """A minute of all markets."""
    return watch(venue(Random(11)), 60)


def trades_of(shown: Iterable[MarketEvent], symbol: str) -> list[Trade]:
    return [event for event in shown if isinstance(event, Trade) and event.symbol == symbol]


def quotes_of(shown: Iterable[MarketEvent], symbol: str) -> list[Quote]:
    return [event for event in shown if isinstance(event, Quote) and event.symbol == symbol]


# --- what it says, and in which order -----------------------------------------------------------------


def test_it_starts_with_what_is_listed_every_book_every_quote_and_when_to_wake_it() -> None:
    outputs = venue(Random(1), FEW).start(START_US)
    kinds = [Listing, *[BookSnapshot] * 3, *[Quote] * 3, FeedStatus, Wake]
    assert [type(output) for output in outputs] == kinds
    listing, status = outputs[0], outputs[-2]
    assert isinstance(listing, Listing)
    assert [instrument.symbol for instrument in listing.instruments] == list(FEW)
    assert {instrument.venue for instrument in listing.instruments} == {"sim"}
    assert status == FeedStatus(None, "live", "synced", START_US)
    for snapshot, quote in zip(outputs[1:4], outputs[4:7], strict=True):
        assert isinstance(snapshot, BookSnapshot)
        assert isinstance(quote, Quote)
        assert snapshot.bids[0] == (quote.bid_ticks, quote.bid_lots)
        assert snapshot.asks[0] == (quote.ask_ticks, quote.ask_lots)


def test_it_lists_a_dozen_instruments_of_assets_that_opinions_are_about() -> None:
    listing = venue(Random(1)).start(START_US)[0]
    assert isinstance(listing, Listing)
    assert len(listing.instruments) == 12
    known = {asset.name for asset in ASSETS} | {"USDT"}
    for instrument, profile in zip(listing.instruments, PROFILES, strict=True):
        assert {instrument.base, instrument.quote} <= known
        assert instrument.price.parse(profile.price) > 1000
        assert instrument.size.parse(profile.trade_size) > 100


def test_it_opens_around_the_profiles_prices() -> None:
    outputs = venue(Random(1)).start(START_US)
    listing = outputs[0]
    assert isinstance(listing, Listing)
    for instrument, profile in zip(listing.instruments, PROFILES, strict=True):
        (quote,) = quotes_of(events_of(outputs), instrument.symbol)
        assert abs(quote.bid_ticks - instrument.price.parse(profile.price)) <= 10


def test_a_symbol_that_is_not_simulated_is_named() -> None:
    with pytest.raises(
        UnlistedError, match="ABC-USDT is not simulated; there are BTC-USDT, ETH-USDT"
    ) as caught:
        venue(Random(1), ("BTC-USDT", "ABC-USDT"))
    assert caught.value.symbol == "ABC-USDT"


def test_time_never_goes_back(minute: list[MarketEvent]) -> None:
    assert all(one.ts_us <= other.ts_us for one, other in pairwise(minute))


def test_a_clock_strikes_every_whole_second(minute: list[MarketEvent]) -> None:
    struck = [event.ts_us for event in minute if isinstance(event, VenueTime)]
    first = START_US - START_US % SECOND_US + SECOND_US
    assert struck == list(range(first, first + 60 * SECOND_US, SECOND_US))


def test_the_books_rebuilt_from_changes_are_never_crossed_and_agree_with_quotes(
    minute: list[MarketEvent],
) -> None:
    books: dict[str, Book] = defaultdict(Book)
    for event in minute:
        match event:
            case BookSnapshot(symbol, bids, asks):
                books[symbol].replace(bids, asks)
            case BookChange(symbol, bids, asks):
                books[symbol].apply(bids, asks)
                assert not books[symbol].crossed()
            case Quote(symbol, bid, bid_lots, ask, ask_lots):
                assert (bid, bid_lots) == books[symbol].bids.best()
                assert (ask, ask_lots) == books[symbol].asks.best()
            case _:
                pass


def test_every_change_of_the_best_is_quoted(minute: list[MarketEvent]) -> None:
    book = Book()
    quoted: tuple[Level | None, Level | None] = (None, None)
    for event in minute:
        if isinstance(event, BookChange | Trade) and event.symbol == "ETH-USDT":
            assert (book.bids.best(), book.asks.best()) == quoted
        if isinstance(event, BookSnapshot) and event.symbol == "ETH-USDT":
            book.replace(event.bids, event.asks)
        if isinstance(event, BookChange) and event.symbol == "ETH-USDT":
            book.apply(event.bids, event.asks)
        if isinstance(event, Quote) and event.symbol == "ETH-USDT":
            quoted = book.bids.best(), book.asks.best()


def test_trades_come_before_the_change_they_make_and_take_what_the_book_held(
    minute: list[MarketEvent],
) -> None:
    book = Book()
    pending: Counter[tuple[str, int]] = Counter()
    for event in minute:
        if isinstance(event, BookSnapshot) and event.symbol == "SOL-USDT":
            book.replace(event.bids, event.asks)
        elif isinstance(event, Trade) and event.symbol == "SOL-USDT":
            pending[event.side, event.price_ticks] += event.size_lots
        elif isinstance(event, BookChange) and event.symbol == "SOL-USDT":
            for (side, price), lots in pending.items():
                ladder, changed = (book.asks, event.asks) if side == "buy" else (book.bids, event.bids)
                assert dict(changed)[price] == ladder.size(price) - lots
            pending.clear()
            book.apply(event.bids, event.asks)
    assert not pending


def test_trade_ids_rise_also_over_a_new_start() -> None:
    market = venue(Random(3), ("BTC-USDT",))
    shown = watch(market, 20)
    again = events_of(market.start(START_US + 30 * SECOND_US))
    again += events_of(market.receive(Woke(), START_US + 31 * SECOND_US))
    ids = [int(trade.trade_id) for trade in trades_of(shown + again, "BTC-USDT")]
    assert len(ids) > 50
    assert all(one < other for one, other in pairwise(ids))


# --- time and how it is cut ---------------------------------------------------------------------------


@pytest.mark.slow
@settings(max_examples=25)
@given(st.lists(st.integers(0, CATCH_UP_US), min_size=1, max_size=30), st.integers(0, 3))
def test_how_time_is_cut_changes_nothing(cuts: list[int], seed: int) -> None:
    symbols = ("SOL-USDT", "XMR-BTC")
    cut, uncut = venue(Random(seed), symbols), venue(Random(seed), symbols)
    shown, expected = events_of(cut.start(START_US)), events_of(uncut.start(START_US))
    now_us = START_US
    for passed_us in cuts:
        now_us += passed_us
        shown += events_of(cut.receive(Woke(), now_us))
    for at_us in (*range(START_US + CATCH_UP_US, now_us, CATCH_UP_US), now_us):
        expected += events_of(uncut.receive(Woke(), at_us))
    assert shown == expected


def test_another_seed_is_another_market() -> None:
    one, other = (watch(venue(Random(seed), FEW), 5) for seed in (1, 2))
    assert one != other


def test_woken_when_it_asks_it_misses_nothing_and_asks_for_no_fine_steps() -> None:
    market = venue(Random(5), ("BTC-USDT",))
    outputs = market.start(START_US)
    shown, now_us = events_of(outputs), START_US
    while now_us < START_US + 10 * SECOND_US:
        wake_us = wake_of(outputs)
        assert now_us + WAKE_US <= wake_us <= now_us + SECOND_US
        now_us = wake_us
        outputs = market.receive(Woke(), now_us)
        shown += events_of(outputs)
    assert shown == watch_until(venue(Random(5), ("BTC-USDT",)), now_us)


def watch_until(market: Venue, until_us: int) -> list[MarketEvent]:
    shown = events_of(market.start(START_US))
    for now_us in (*range(START_US, until_us, SECOND_US), until_us):
        shown += events_of(market.receive(Woke(), now_us))
    return shown


def test_after_a_long_sleep_it_goes_on_from_where_it_was() -> None:
    slept, awake = venue(Random(5), ("BTC-USDT",)), venue(Random(5), ("BTC-USDT",))
    slept.start(START_US)
    awake.start(START_US)
    hour_us = 3600 * SECOND_US
    late = events_of(slept.receive(Woke(), START_US + hour_us))
    usual = events_of(awake.receive(Woke(), START_US + CATCH_UP_US))
    assert 0 < len(late) < len(usual) * 3
    assert late[0].ts_us > START_US + hour_us - CATCH_UP_US
    (clock,) = (event.ts_us for event in late if isinstance(event, VenueTime))
    assert clock == (START_US + hour_us) // SECOND_US * SECOND_US
    after = events_of(slept.receive(Woke(), START_US + hour_us + SECOND_US))
    assert abs(quotes_of(after, "BTC-USDT")[0].bid_ticks - quotes_of(usual, "BTC-USDT")[-1].bid_ticks) < 400


def test_a_clock_that_goes_back_is_waited_for() -> None:
    market = venue(Random(5), ("BTC-USDT",))
    market.start(START_US)
    market.receive(Woke(), START_US + SECOND_US)
    assert events_of(market.receive(Woke(), START_US)) == []
    assert events_of(market.receive(Woke(), START_US + 2 * SECOND_US)) != []


def test_any_input_tells_the_time() -> None:
    one, other = venue(Random(5), FEW), venue(Random(5), FEW)
    one.start(START_US)
    other.start(START_US)
    now_us = START_US + SECOND_US
    assert one.receive(Closed("nothing", "of ours"), now_us) == other.receive(Woke(), now_us)


# --- whether it looks like a market -------------------------------------------------------------------


def test_active_books_are_a_hundred_levels_deep_on_both_sides(minute: list[MarketEvent]) -> None:
    books: dict[str, Book] = defaultdict(Book)
    for event in minute:
        if isinstance(event, BookSnapshot):
            books[event.symbol].replace(event.bids, event.asks)
        elif isinstance(event, BookChange):
            books[event.symbol].apply(event.bids, event.asks)
        elif isinstance(event, VenueTime):
            for symbol in ACTIVE:
                assert min(len(books[symbol].bids), len(books[symbol].asks)) >= 100
    assert min(len(books["BTC-USDT"].bids), len(books["BTC-USDT"].asks)) >= 500


def test_spreads_are_one_to_a_few_ticks(minute: list[MarketEvent]) -> None:
    for symbol in ACTIVE:
        held: Counter[int] = Counter()
        for one, other in pairwise(quotes_of(minute, symbol)):
            held[one.ask_ticks - one.bid_ticks] += other.ts_us - one.ts_us
        total = sum(held.values())
        assert held[1] > 0.15 * total
        assert held[1] < 0.95 * total
        assert sum(us for ticks, us in held.items() if ticks > 10) < 0.05 * total


@pytest.mark.slow
def test_arrivals_are_clustered() -> None:
    shown = watch(venue(Random(8), ("BTC-USDT",)), 240, SECOND_US)
    taken = [trade.ts_us for trade in trades_of(shown, "BTC-USDT")]
    orders = sorted(set(taken))
    counts = Counter((ts_us - START_US) // SECOND_US for ts_us in orders)
    each = [counts[second] for second in range(240)]
    assert pstdev(each) ** 2 > 2 * fmean(each)  # of a steady stream it would be the mean
    gaps = [other - one for one, other in pairwise(orders)]
    assert pstdev(gaps) > 1.2 * fmean(gaps)  # and this the mean


def test_sides_come_in_runs(minute: list[MarketEvent]) -> None:
    sides = [1 if trade.side == "buy" else -1 for trade in trades_of(minute, "BTC-USDT")]
    assert fmean(one * other for one, other in pairwise(sides)) > 0.15
    assert 0.2 < sides.count(1) / len(sides) < 0.8


def test_sizes_are_widely_spread(minute: list[MarketEvent]) -> None:
    for symbol in ("BTC-USDT", "ETH-USDT", "SOL-USDT"):
        sizes = sorted(trade.size_lots for trade in trades_of(minute, symbol))
        assert sizes[-1] > 10 * sizes[len(sizes) // 2]
        assert len(set(sizes)) > len(sizes) / 3


@pytest.mark.slow
def test_returns_are_not_foreseeable_and_have_fat_tails() -> None:
    shown = watch(venue(Random(9), ("BTC-USDT",)), 600, SECOND_US)
    middles, quote = [], None
    for event in shown:
        if isinstance(event, Quote):
            quote = event
        elif isinstance(event, VenueTime) and quote is not None:
            middles.append(quote.bid_ticks + quote.ask_ticks)
    moves = [other - one for one, other in pairwise(middles)]
    deviation = pstdev(moves)
    together = fmean(one * other for one, other in pairwise(moves)) / deviation**2
    assert abs(together) < 0.3
    assert fmean(move**4 for move in moves) / deviation**4 > 3.5  # a normal distribution has 3


def test_instruments_differ_in_activity(minute: list[MarketEvent]) -> None:
    changes = Counter(event.symbol for event in minute if isinstance(event, BookChange))
    assert changes["BTC-USDT"] > 60 * 30
    assert changes["BTC-USDT"] > 3 * changes["AVAX-USDT"] > 0
    assert changes["XMR-BTC"] < 60
    assert 60 * 150 < changes.total() < 60 * 1500


def test_a_sleepy_market_sleeps_and_wakes() -> None:
    shown = watch(venue(Random(4), ("XMR-BTC",)), 1200, SECOND_US)
    quoted = quotes_of(shown, "XMR-BTC")
    waits = [other.ts_us - one.ts_us for one, other in pairwise(quoted)]
    assert 10 < len(quoted) < 1200
    assert max(waits) > 60 * SECOND_US


def test_the_cross_stays_near_its_two_sides() -> None:
    symbols = ("BTC-USDT", "ETH-USDT", "ETH-BTC")
    market = venue(Random(6), symbols)
    shown = watch(market, 120, SECOND_US)
    last = {symbol: quotes_of(shown, symbol)[-1] for symbol in symbols}
    first = {symbol: quotes_of(shown, symbol)[0] for symbol in symbols}
    btc, eth, cross = (
        (last[symbol].bid_ticks + last[symbol].ask_ticks)
        / (first[symbol].bid_ticks + first[symbol].ask_ticks)
        for symbol in symbols
    )
    assert cross == pytest.approx(eth / btc, rel=0.002)


@pytest.mark.slow
def test_an_hour_of_all_markets_stays_a_market() -> None:
    market = venue(Random(21))
    books: dict[str, Book] = defaultdict(Book)
    for event in watch(market, 3600, SECOND_US):
        if isinstance(event, BookSnapshot):
            books[event.symbol].replace(event.bids, event.asks)
        elif isinstance(event, BookChange):
            books[event.symbol].apply(event.bids, event.asks)
        elif isinstance(event, VenueTime):
            for symbol in ACTIVE:
                assert not books[symbol].crossed()
                assert min(len(books[symbol].bids), len(books[symbol].asks)) >= 100


@pytest.mark.slow
def test_days_of_a_market_stay_in_a_range() -> None:
    shown = watch(venue(Random(21), ("XMR-BTC",)), 2 * 86_400, SECOND_US)
    prices = [quote.bid_ticks for quote in quotes_of(shown, "XMR-BTC")]
    assert 0.6 * prices[0] < min(prices) < max(prices) < 1.6 * prices[0]
    assert max(prices) > 1.01 * min(prices)

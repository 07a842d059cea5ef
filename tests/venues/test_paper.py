"""The paper venue: what passes through, what it reports, and when commands reach the market."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from floorwire.connectors import recording
from floorwire.core.codes import Code
from floorwire.core.execution_reports import Ended, Filled, Refused, Report, Working
from floorwire.core.instrument import Instrument
from floorwire.core.market_events import (
    BookChange,
    BookSnapshot,
    FeedStatus,
    Listing,
    Quote,
    StreamsEnded,
    Trade,
)
from floorwire.core.order_book import Book
from floorwire.core.order_commands import Amend, Cancel, Command, Place
from floorwire.core.orders import TimeInForce
from floorwire.core.ports import Execution, Frame, Prices, Reported, VenueInput, VenueOutput, Wake, Woke
from floorwire.venues.paper import UNSWEPT, PaperVenue

RECORDED = Path(__file__).parent.parent / "recorded"
OWN_SESSIONS = RECORDED / "sessions"
SESSIONS = Path(__file__).parents[3] / "shared" / "recorded" / "sessions"
is_real = pytest.mark.skipif(not SESSIONS.is_dir(), reason="../shared/recorded/sessions is not here")
S = "BTC-USDT"
LISTED = Instrument(S, "BTC", "USDT", "outside", "1", "1")
TELL = Frame("link", "")
FIRST = (
    Listing((LISTED,), 0),
    BookSnapshot(S, ((100, 10),), ((102, 5), (103, 20)), 0),
    FeedStatus(None, "live", "synced", 0),
)


class Outside:
    """A venue that says what the test puts into ``says``."""

    name = "outside"

    def __init__(self) -> None:
        self.says: list[VenueOutput] = list(FIRST)
        self.told: list[tuple[VenueInput, int]] = []

    def start(self, now_us: int) -> Sequence[VenueOutput]:
        return self._say()

    def receive(self, happened: VenueInput, now_us: int) -> Sequence[VenueOutput]:
        self.told.append((happened, now_us))
        return self._say()

    def _say(self) -> Sequence[VenueOutput]:
        said, self.says = self.says, []
        return said


class World:
    def __init__(self, latency_us: int = 0) -> None:
        self.outside = Outside()
        self.venue = PaperVenue(self.outside, latency_us)
        self.now_us = 0
        self.first = self.venue.start(0)

    def say(self, *outputs: VenueOutput) -> list[VenueOutput]:
        """Let the venue outside say this at once."""
        self.outside.says += outputs
        return list(self.venue.receive(TELL, self.now_us))

    def wake(self, now_us: int) -> list[VenueOutput]:
        self.now_us = now_us
        return list(self.venue.receive(Woke(), now_us))

    def execute(self, command: Command) -> Execution:
        return self.venue.execute(command, self.now_us)


def buy(order_id: int, lots: int = 5, price: int = 100, expires_us: int | None = None) -> Place:
    tif: TimeInForce = "gtc" if expires_us is None else "gtd"
    return Place(S, order_id, 1, "buy", lots, price, tif, expires_us=expires_us)


def trade(price: int, lots: int, trade_id: str = "t") -> Trade:
    return Trade(S, trade_id, price, lots, "sell", 1)


def asks(*levels: tuple[int, int]) -> BookChange:
    return BookChange(S, (), levels, 1)


def reports(outputs: Sequence[VenueOutput]) -> list[Report]:
    return [report for output in outputs if isinstance(output, Reported) for report in output.reports]


def test_what_the_venue_says_passes_through_and_fills_come_right_behind_their_cause() -> None:
    world = World()
    assert tuple(world.first) == FIRST
    assert world.execute(buy(1)) == Execution([Working(1, 0)], ())
    quote = Quote(S, 100, 10, 102, 5, 1)
    filled = Filled(1, "t", 100, 2, 3, "maker", 0)
    assert world.say(trade(100, 12), quote, Wake(9)) == [trade(100, 12), Reported((filled,)), quote, Wake(9)]


def test_nothing_is_filled_against_a_book_that_is_not_streamed() -> None:
    world = World()
    world.say(trade(100, 1), StreamsEnded(S, frozenset(("book", "trades")), 0))
    assert world.venue.prices(S) == Prices(100, 102, 0, "connecting")
    assert world.execute(buy(1, price=102)) == Execution([Working(1, 0)], ())
    assert world.say(FeedStatus(S, "live", "synced", 0)) == [FeedStatus(S, "live", "synced", 0)]
    assert world.venue.prices(S).feed == "connecting", "its trades may be live, its book is not"
    again = BookSnapshot(S, ((99, 1),), ((101, 5),), 0)
    [filled] = reports(world.say(again))
    assert isinstance(filled, Filled)
    assert (filled.order_id, filled.price_ticks) == (1, 101)
    assert world.venue.prices(S) == Prices(99, 101, 0, "live")
    assert world.venue.resting_symbols == []
    world.execute(buy(2, price=90))
    assert world.venue.resting_symbols == [S]


def test_prices_are_those_of_the_venue() -> None:
    world = World()
    world.say(trade(100, 1))
    assert world.venue.prices(S) == Prices(100, 102, 100, "live")
    assert world.venue.prices("NO-SUCH") == Prices(0, 0, 0, "connecting")


@pytest.mark.parametrize(
    ("command", "action"),
    [
        (Place("NO-SUCH", 1, 1, "buy", 1, 1), "place"),
        (Amend("NO-SUCH", 1, 1), "amend"),
        (Cancel("NO-SUCH", 1), "cancel"),
    ],
)
def test_a_symbol_that_is_not_listed_is_refused(command: Command, action: str) -> None:
    refused = World().execute(command).reports[0]
    assert isinstance(refused, Refused)
    assert (refused.action, refused.code) == (action, Code.UNKNOWN_SYMBOL)


def test_an_order_meets_the_market_as_it_is_when_it_gets_there() -> None:
    world = World(latency_us=50)
    assert world.execute(buy(1, 5, 102)) == Execution([], (Wake(50),))
    world.now_us = 20
    assert world.say(asks((102, 2))) == [asks((102, 2)), Wake(50)]
    assert reports(world.wake(49)) == []
    told = reports(world.wake(50))
    assert told == [Working(1, 50), Filled(1, "paper-1-0", 102, 2, 3, "taker", 50)]


def test_a_cancel_takes_its_time_and_may_come_too_late() -> None:
    world = World(latency_us=50)
    world.execute(buy(1))
    world.wake(60)
    assert world.execute(Cancel(S, 1)).reports == []
    assert reports(world.say(trade(99, 9))) == [Filled(1, "t", 100, 5, 0, "maker", 60)]
    assert reports(world.wake(110)) == [Refused(1, "cancel", Code.UNKNOWN_ORDER, 110)]


def test_of_two_cancels_on_their_way_the_first_is_the_reason() -> None:
    world = World(latency_us=50)
    world.execute(buy(1))
    world.wake(60)
    world.execute(Cancel(S, 1, Code.DEADMAN))
    world.execute(Cancel(S, 1))
    ended, late = reports(world.wake(110))
    assert ended == Ended(1, 5, "cancelled", Code.DEADMAN, 110)
    assert late == Refused(1, "cancel", Code.UNKNOWN_ORDER, 110)


def test_what_arrives_before_the_venue_is_due_comes_before_what_it_says_then() -> None:
    world = World(latency_us=50)
    world.say(Wake(60))
    world.execute(buy(1, 1, 102))
    world.now_us = 20
    world.execute(buy(2, 1, 102))
    world.outside.says = [asks((102, 0))]
    outputs = world.wake(75)  # the shell was late
    assert world.outside.told[-1] == (Woke(), 75)
    kinds = [type(output).__name__ for output in outputs]
    assert kinds == ["Reported", "BookChange", "Reported"]
    assert [type(report) for report in reports(outputs)] == [Working, Filled, Working]


def test_the_venue_is_not_woken_before_its_time() -> None:
    world = World(latency_us=50)
    world.say(Wake(1_000))
    world.execute(buy(1))
    assert world.wake(50) == [Reported((Working(1, 50),)), Wake(1_000)]
    assert (Woke(), 50) not in world.outside.told
    world.wake(1_000)
    assert world.outside.told[-1] == (Woke(), 1_000)
    assert world.wake(2_000) == []  # it did not ask again
    assert world.outside.told[-1] == (Woke(), 1_000)


def test_an_order_expires_at_its_date() -> None:
    world = World()
    assert world.execute(buy(1, expires_us=500)).outputs == (Wake(500),)
    world.execute(buy(2, expires_us=400))
    assert reports(world.wake(450)) == [Ended(2, 5, "expired", None, 400)]
    world.now_us = 600
    assert world.execute(Cancel(S, 1)).reports == [
        Ended(1, 5, "expired", None, 500),
        Refused(1, "cancel", Code.UNKNOWN_ORDER, 600),
    ]


def test_dates_of_orders_that_are_closed_are_not_kept_for_ever() -> None:
    world = World()
    for order_id in range(UNSWEPT + 2):
        assert world.execute(buy(order_id, expires_us=500)).outputs == (Wake(500),)
        world.execute(Cancel(S, order_id))
    assert world.execute(buy(1_000, expires_us=900)).outputs == (Wake(900),)


def test_an_order_that_is_placed_again_is_in_the_market_once() -> None:
    world = World()
    world.execute(buy(1))
    world.execute(buy(2, 3))
    assert world.execute(buy(1)).reports == [Working(1, 0)]
    assert [report.order_id for report in reports(world.say(trade(100, 14)))] == [2, 1]


def test_an_order_that_is_placed_again_is_on_its_way_once() -> None:
    world = World(latency_us=50)
    for command in (buy(1), Cancel(S, 1), buy(1), buy(2)):
        world.execute(command)
    assert reports(world.wake(50)) == [Working(1, 50), Working(2, 50)]
    world.execute(Place("NO-SUCH", 1, 1, "buy", 1, 1))
    assert isinstance(reports(world.wake(100))[0], Refused)


def test_nothing_fills_while_a_feed_is_stale() -> None:
    world = World()
    world.execute(buy(1))
    for symbol in (S, None):
        assert reports(world.say(FeedStatus(symbol, "stale", "link_lost", 1), trade(90, 1))) == []
        assert world.venue.prices(S).feed == "stale"
        world.say(FeedStatus(symbol, "live", "synced", 1))
        assert world.venue.prices(S).feed == "live"
    world.say(FeedStatus(None, "stale", "link_lost", 1), FeedStatus(S, "live", "synced", 1))
    assert world.venue.prices(S).feed == "stale"
    assert reports(world.say(FeedStatus("ETH-USDT", "live", "synced", 1))) == []
    assert reports(world.say(FeedStatus(None, "live", "synced", 1), trade(90, 1))) != []


def test_a_market_listed_with_other_steps_begins_without_orders() -> None:
    world = World(latency_us=50)
    world.execute(buy(1))
    world.wake(50)
    world.execute(buy(2))
    world.say(Listing((LISTED,), 1))
    assert [report.order_id for report in reports(world.wake(100))] == [2]
    world.execute(buy(3))
    world.say(Listing((Instrument(S, "BTC", "USDT", "outside", "0.5", "1"),), 1), FIRST[1])
    assert reports(world.wake(150)) == []
    assert reports(world.say(trade(90, 99))) == []


def test_a_trade_or_a_book_of_a_symbol_that_is_not_listed_is_passed_on_alone() -> None:
    world = World()
    stray = Trade("ETH-USDT", "t", 1, 1, "buy", 1), BookSnapshot("ETH-USDT", (), (), 1)
    assert tuple(world.say(*stray)) == stray


def test_started_again_it_has_no_orders() -> None:
    world = World()
    world.execute(buy(1, expires_us=500))
    world.outside.says = list(FIRST)
    assert tuple(world.venue.start(0)) == FIRST
    assert world.execute(Cancel(S, 1)).reports == [Refused(1, "cancel", Code.UNKNOWN_ORDER, 0)]


# --- recorded sessions --------------------------------------------------------------------------------


def played(session: Path, latency_us: int, every: int) -> list[Report]:
    """Trade on a recording: buy at the best bid and the best ask in turn, after every so many wakes."""
    venue = PaperVenue(recording.replay(recording.read(session)), latency_us)
    now_us, wakes, order_id = 5_000_000_000_000_000, 0, 0
    outputs: Sequence[VenueOutput] = venue.start(now_us)
    told: list[Report] = []
    symbols: dict[str, None] = {}
    while due := [output.at_us for output in outputs if isinstance(output, Wake)]:
        now_us, wakes = max(now_us, due[-1]), wakes + 1
        symbols |= {output.symbol: None for output in outputs if isinstance(output, Quote)}
        for symbol in list(symbols) if wakes % every == 0 else ():
            prices = venue.prices(symbol)
            if prices.feed != "live":
                continue
            order_id += 1
            ticks = prices.bid_ticks if order_id % 2 else prices.ask_ticks
            told += venue.execute(Place(symbol, order_id, 1, "buy", 1_000, ticks or 1), now_us).reports
        outputs = venue.receive(Woke(), now_us)
        told += reports(outputs)
    return told


@pytest.mark.parametrize("name", ["binance", "coinbase"])
def test_recordings_of_ours_fill_orders_the_same_each_time(name: str) -> None:
    told = played(RECORDED / name, 1_000, 1)
    assert any(isinstance(report, Working) for report in told)
    assert told == played(RECORDED / name, 1_000, 1)


@pytest.mark.parametrize(
    ("session", "every"),
    [
        pytest.param(OWN_SESSIONS / "COINBASE.ws.28.0", 20, id="ours"),
        pytest.param(SESSIONS / "COINBASE.ws.28.0", 100, id="real", marks=is_real),
    ],
)
def test_a_session_fills_takers_and_makers(session: Path, every: int) -> None:
    told = played(session, 20_000, every)
    fills = [report for report in told if isinstance(report, Filled)]
    assert {fill.liquidity for fill in fills} == {"maker", "taker"}
    for order_id in {fill.order_id for fill in fills}:
        assert sum(fill.lots for fill in fills if fill.order_id == order_id) <= 1_000


class Seen:
    """Counts in which order a venue tells trades and the changes that they made, told all of its outputs."""

    def __init__(self) -> None:
        self.shrinks = 0
        self.exactly = 0
        self.trades: Counter[str] = Counter()
        self._books: dict[str, tuple[Book, int]] = {}
        self._lost: dict[tuple[str, int, int], list[int]] = {}
        self._awaited: dict[tuple[str, int], int] = {}

    def hear(self, output: VenueOutput) -> None:
        match output:
            case BookSnapshot(symbol, bids, asks, ts_us):
                book, _ = self._books[symbol] = Book(), ts_us
                book.replace(bids, asks)
            case BookChange(symbol, bids, asks, ts_us):
                book, _ = self._books[symbol]
                for side, levels in ((book.bids, bids), (book.asks, asks)):
                    for price, size in levels:
                        self._shrink(symbol, price, side.size(price) - size, ts_us)
                        side.set(price, size)
            case Trade():
                self._trade(output)

    def _shrink(self, symbol: str, price: int, lots: int, ts_us: int) -> None:
        if lots > 0:
            self.shrinks += 1
            if self._awaited.pop((symbol, price), lots + 1) <= lots:
                self.trades["told before"] += 1
            else:
                self._lost.setdefault((symbol, price, ts_us), []).append(lots)

    def _trade(self, trade: Trade) -> None:
        _, since_us = self._books[trade.symbol]
        lost = self._lost.get((trade.symbol, trade.price_ticks, trade.ts_us), [0])
        if sum(lost) >= trade.size_lots:
            self.trades["told after"] += 1
            self.exactly += trade.size_lots in lost
        elif trade.ts_us < since_us:
            self.trades["over"] += 1
        else:
            self._awaited[trade.symbol, trade.price_ticks] = trade.size_lots


@pytest.mark.parametrize(
    ("session", "shrinks", "over", "after"),
    [
        pytest.param(OWN_SESSIONS / "COINBASE.ws.28.0", 311, 3, 121, id="ours"),
        pytest.param(SESSIONS / "COINBASE.ws.28.0", 4888, 10, 97, id="real", marks=is_real),
    ],
)
def test_a_session_tells_each_trade_after_what_it_did_to_the_book(
    session: Path, shrinks: int, over: int, after: int
) -> None:
    """What the rules for trades and cancels rest on: docs/paper.md has the figures of the real one."""
    venue = recording.replay(recording.read(session), speed=None)
    seen = Seen()
    outputs: Sequence[VenueOutput] = venue.start(0)
    while outputs:
        for output in outputs:
            seen.hear(output)
        outputs = venue.receive(Woke(), 5_000_000_000_000_000)
    assert seen.shrinks == shrinks
    assert seen.trades == {"over": over, "told after": after}
    assert seen.exactly == after

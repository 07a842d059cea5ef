"""Orders of accounts at the simulated venue, among its participants'."""

from __future__ import annotations

from random import Random

from floorwire.core.codes import Code
from floorwire.core.execution_reports import Amended, Ended, Filled, Refused, Report, Triggered, Working
from floorwire.core.market_events import BookChange, Trade, VenueTime
from floorwire.core.order_commands import Amend, Cancel, Place
from floorwire.core.ports import Execution, Prices, Reported, Wake, Woke
from floorwire.venues.sim import SimVenue, venue

S = "BTC-USDT"
NOW = 1_700_000_000_000_000
SECOND = 1_000_000


def opened(seed: int = 1) -> SimVenue:
    made = venue(Random(seed), (S,))
    made.start(NOW)
    return made


def reports_until(made: SimVenue, until_us: int, from_us: int = NOW) -> list[Report]:
    told: list[Report] = []
    for at_us in range(from_us, until_us, 50_000):
        for output in made.receive(Woke(), at_us):
            if isinstance(output, Reported):
                told += output.reports
    return told


def test_a_taker_fills_at_once_and_the_tape_shows_it() -> None:
    made = opened()
    ask = made.prices(S).ask_ticks
    execution = made.execute(Place(S, 1, 1, "buy", 10, ask, "ioc"), NOW + 1)
    working, *fills = execution.reports
    assert working == Working(1, NOW + 1)
    assert all(isinstance(fill, Filled) and fill.liquidity == "taker" for fill in fills)
    trades = [event for event in execution.outputs if isinstance(event, Trade)]
    assert [trade.trade_id for trade in trades] == [f.trade_id for f in fills if isinstance(f, Filled)]
    assert any(isinstance(event, BookChange) for event in execution.outputs)
    assert made.prices(S).last_ticks == ask


def test_participants_take_what_rests() -> None:
    made = opened()
    ask = made.prices(S).ask_ticks
    made.execute(Place(S, 1, 1, "sell", 50, ask, "gtc", True), NOW + 1)
    told = reports_until(made, NOW + 60 * SECOND)
    fills = [report for report in told if isinstance(report, Filled)]
    assert fills
    assert {(fill.order_id, fill.liquidity, fill.price_ticks) for fill in fills} == {(1, "maker", ask)}
    assert fills[-1].left_lots == 50 - sum(fill.lots for fill in fills)


def test_amend_cancel_and_what_is_not_there() -> None:
    made = opened()
    bid = made.prices(S).bid_ticks - 5_000
    assert made.execute(Place(S, 1, 1, "buy", 50, bid), NOW).reports == [Working(1, NOW)]
    assert made.execute(Amend(S, 1, bid - 1), NOW).reports == [Amended(1, bid - 1, 50, NOW)]
    assert made.execute(Cancel(S, 1), NOW).reports == [Ended(1, 50, "cancelled", None, NOW)]
    assert made.execute(Cancel(S, 1), NOW).reports == [Refused(1, "cancel", Code.UNKNOWN_ORDER, NOW)]
    assert made.execute(Amend(S, 1, 5), NOW).reports == [Refused(1, "amend", Code.UNKNOWN_ORDER, NOW)]
    crossing = Place(S, 2, 1, "buy", 1, made.prices(S).ask_ticks, "gtc", True)
    assert made.execute(crossing, NOW).reports == [Refused(2, "place", Code.POST_ONLY_WOULD_CROSS, NOW)]
    elsewhere = made.execute(Place("XRP-USDT", 3, 1, "buy", 1, 5), NOW)
    assert elsewhere == Execution([Refused(3, "place", Code.UNKNOWN_SYMBOL, NOW)], [])


def test_time_passes_before_a_command() -> None:
    made, other = opened(), opened()
    later = NOW + SECOND
    execution = made.execute(Cancel(S, 1), later)
    assert execution.outputs == [*other.receive(Woke(), later)][:-1]
    assert sum(isinstance(event, VenueTime) for event in execution.outputs) == 1


def test_orders_good_until_a_time_expire_at_it() -> None:
    made = opened()
    bid = made.prices(S).bid_ticks - 5_000
    execution = made.execute(Place(S, 1, 1, "buy", 50, bid, "gtd", expires_us=NOW + 700_001), NOW)
    assert isinstance(execution.outputs[-1], Wake)
    assert reports_until(made, NOW + 700_000) == []
    told = reports_until(made, NOW + 2 * SECOND, NOW + 700_000)
    assert told == [Ended(1, 50, "expired", None, NOW + 700_001)]
    late = Place(S, 2, 1, "buy", 50, bid, "gtd", expires_us=NOW, filled_lots=20)
    now_us = NOW + 2 * SECOND
    assert made.execute(late, now_us).reports == [
        Working(2, now_us),
        Ended(2, 30, "expired", None, now_us),
    ]


def test_stops_are_triggered_by_what_participants_trade() -> None:
    made = opened()
    made.execute(Place(S, 9, 2, "buy", 1, made.prices(S).ask_ticks, "ioc"), NOW)
    last = made.prices(S).last_ticks
    stop = Place(S, 1, 1, "sell", 5, last - 2_000, "ioc", stop_ticks=last - 3)
    assert made.execute(stop, NOW).reports == [Working(1, NOW)]
    told = [report for report in reports_until(made, NOW + 600 * SECOND) if report.order_id == 1]
    assert isinstance(told[0], Triggered)
    assert isinstance(told[1], Filled)


def test_prices_of_what_is_not_known() -> None:
    assert venue(Random(1), (S,)).prices(S) == Prices(0, 0, 0, "connecting")
    assert opened().prices("XRP-USDT") == Prices(0, 0, 0, "connecting")


def test_the_same_commands_give_the_same_reports() -> None:
    def run() -> list[object]:
        made, rng = opened(7), Random(3)
        seen: list[object] = []
        for number in range(1, 200):
            prices = made.prices(S)
            price = prices.bid_ticks + rng.randrange(-10, 10)
            side = "buy" if rng.random() < 0.5 else "sell"
            execution = made.execute(
                Place(S, number, 1 + number % 2, "buy" if side == "buy" else "sell", 5, price),
                NOW + number * 20_000,
            )
            seen += [*execution.reports, *execution.outputs]
        return seen

    assert run() == run()

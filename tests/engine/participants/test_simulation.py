from __future__ import annotations

from random import Random

from floorwire.core.market_events import BookChange, Trade
from floorwire.core.order_commands import Place
from floorwire.engine.participants.profile import Asset
from floorwire.engine.participants.simulation import Simulation
from tests.engine.participants.sim_market import PROFILE, S

NOW_US = 1_767_225_600_000_000
MINUTE_US = 60_000_000


def open_simulation(seed: int = 1) -> Simulation:
    return Simulation([PROFILE], [Asset("BTC", 0.5, 1.0)], Random(seed), NOW_US)


def test_the_opening_makes_no_market_events_but_what_follows_does() -> None:
    simulation = open_simulation()
    assert simulation.run(NOW_US) == []
    shown = simulation.run(NOW_US + MINUTE_US)
    assert {type(event) for event in shown} >= {BookChange, Trade}
    assert simulation.run(NOW_US + MINUTE_US) == []


def test_the_next_turn_is_after_what_was_run() -> None:
    simulation = open_simulation()
    simulation.run(NOW_US + 500)
    assert simulation.next_us() > NOW_US + 500


def test_the_same_seed_gives_the_same_state() -> None:
    one, same, other = open_simulation(), open_simulation(), open_simulation(2)
    for simulation in (one, same, other):
        simulation.run(NOW_US + MINUTE_US)
    hashes = [simulation.exchange.markets[S].state_hash() for simulation in (one, same, other)]
    assert hashes[0] == hashes[1] != hashes[2]


def test_a_postponed_simulation_shows_the_same_later() -> None:
    one, other = open_simulation(), open_simulation()
    other.postpone(7 * MINUTE_US)
    assert other.next_us() == one.next_us() + 7 * MINUTE_US
    shown = one.run(NOW_US + 100_000)
    later = other.run(NOW_US + 7 * MINUTE_US + 100_000)
    assert [type(event) for event in shown] == [type(event) for event in later]
    assert all(event.ts_us > NOW_US + 7 * MINUTE_US for event in later)


def test_a_book_that_an_account_has_emptied_fills_again_and_the_price_returns() -> None:
    simulation = open_simulation()
    market = simulation.exchange.markets[S]
    simulation.run(NOW_US + MINUTE_US)
    before = market.asks.best_size()[0]
    simulation.exchange.execute(Place(S, 1, 1, "buy", 10**9))
    assert market.asks.sizes() == []
    simulation.run(NOW_US + 5 * MINUTE_US)
    assert len(market.asks.sizes()) > 50
    assert abs(market.asks.best_size()[0] - before) < 0.02 * before


def test_an_accounts_order_rests_in_the_same_book_and_is_filled() -> None:
    simulation = open_simulation()
    market = simulation.exchange.markets[S]
    best = market.bids.best_size()[0]
    simulation.exchange.execute(Place(S, 1, 1, "buy", 5, best))
    simulation.run(NOW_US + 10 * MINUTE_US)
    assert 1 not in market.orders

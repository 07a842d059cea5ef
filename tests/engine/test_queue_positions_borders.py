"""Several of our orders in one queue on paper: first come, first filled, and each once."""

from __future__ import annotations

from floorwire.core.order_commands import Cancel
from tests.engine.paper_world import S, World, buy, fills


def test_at_one_price_who_came_first_is_filled_first() -> None:
    world = World()
    for order_id in (1, 2, 3):
        world.ask(buy(order_id, 2, 101))
    assert fills(world.trade("sell", 101, 5)) == [
        (1, 101, 2, "maker"),
        (2, 101, 2, "maker"),
        (3, 101, 1, "maker"),
    ]
    assert fills(world.trade("sell", 101, 5)) == [(3, 101, 1, "maker")]
    assert world.trade("sell", 101, 5) == []


def test_who_leaves_a_queue_leaves_the_others_in_their_turn() -> None:
    world = World()
    for order_id in (1, 2, 3):
        world.ask(buy(order_id, 2, 101))
    world.ask(Cancel(S, 2))
    assert fills(world.trade("sell", 101, 3)) == [(1, 101, 2, "maker"), (3, 101, 1, "maker")]
    world.ask(Cancel(S, 3))
    assert world.trade("sell", 101, 3) == []
    world.ask(buy(4, 2, 101))
    assert fills(world.trade("sell", 101, 3)) == [(4, 101, 2, "maker")]


def test_what_stands_ahead_at_a_better_price_is_not_ahead_of_a_trade_further_down() -> None:
    world = World()
    world.ask(buy(1, 5, 100))
    assert world.ahead(1) == 10
    assert fills(world.trade("sell", 99, 3)) == [(1, 100, 3, "maker")]


def test_a_trade_of_just_what_stands_ahead_fills_nothing_and_leaves_nothing_ahead() -> None:
    world = World()
    world.ask(buy(1, 5, 100))
    assert world.trade("sell", 100, 10) == []
    assert world.ahead(1) == 0
    assert fills(world.trade("sell", 100, 1)) == [(1, 100, 1, "maker")]


def test_a_trade_that_is_told_late_passes_over_who_came_after_it_and_no_one_else() -> None:
    world = World()
    world.ask(buy(1, 5, 100))
    world.bids((98, 1))
    at_us = world.now_us
    world.bids((98, 2))
    world.ask(buy(2, 5, 101))
    assert fills(world.trade("sell", 99, 3, ts_us=at_us)) == [(1, 100, 3, "maker")]

"""Orders on paper at their edges: a time that has just come, what is left of a part, the least price."""

from __future__ import annotations

import pytest

from floorwire.core.codes import Code
from floorwire.core.execution_reports import Amended, Ended, Refused
from floorwire.core.order_commands import Amend
from tests.engine.paper_world import S, World, buy, code, fills


def test_an_order_whose_time_has_just_come_expires_with_what_was_left_of_it() -> None:
    for after_us, expires in ((0, True), (1, False)):
        world = World()
        soon_us = world.now_us + 1 + after_us
        reports = world.ask(buy(1, 10, 99, time_in_force="gtd", filled_lots=4, expires_us=soon_us))
        ended = [(report.lots, report.state) for report in reports if isinstance(report, Ended)]
        assert ended == ([(6, "expired")] if expires else [])
        assert (1 not in world.paper.orders) is expires


@pytest.mark.parametrize(("lots", "price"), [(0, None), (None, 0), (0, 0)])
def test_an_amend_to_nothing_is_refused(lots: int | None, price: int | None) -> None:
    world = World()
    world.ask(buy(1, 5, 99))
    reports = world.ask(Amend(S, 1, price, lots))
    assert isinstance(reports[-1], Refused)
    assert code(reports) is Code.BAD_REQUEST
    assert world.paper.orders[1].lots == 5


def test_one_tick_is_a_price() -> None:
    world = World()
    world.ask(buy(1, 5, 99))
    (amended,) = [report for report in world.ask(Amend(S, 1, 1, None)) if isinstance(report, Amended)]
    assert (amended.price_ticks, amended.lots) == (1, 5)


def test_a_stop_that_was_amended_takes_at_its_new_limit() -> None:
    world = World()
    world.ask(buy(1, 5, 104, stop_ticks=103))
    world.ask(Amend(S, 1, 102, None))
    world.ask(Amend(S, 1, None, 4))
    assert fills(world.trade("buy", 103, 1)) == [(1, 102, 4, "taker")]


def test_an_order_that_ends_says_how_much_was_left() -> None:
    world = World()
    reports = world.ask(buy(1, 10, 102, time_in_force="ioc"))
    (ended,) = [report for report in reports if isinstance(report, Ended)]
    assert (ended.lots, ended.state) == (5, "cancelled")

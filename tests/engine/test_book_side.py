from __future__ import annotations

from random import Random

from floorwire.engine.book_side import BookSide, PriceLevel, RestingOrder


def order(order_id: int, price_ticks: int = 100, lots: int = 1) -> RestingOrder:
    return RestingOrder(order_id, 1, "buy", price_ticks, lots, lots, False, False)


def test_a_queue_that_many_left_keeps_its_order_and_its_size() -> None:
    rng = Random(5)
    level = PriceLevel()
    waiting = [order(i, lots=i % 7 + 1) for i in range(500)]
    for one in waiting:
        level.add(one)
    while len(waiting) > 3:
        level.remove(waiting.pop(rng.randrange(len(waiting))))
        assert [one.order_id for one in level] == [one.order_id for one in waiting]
        assert level.lots == sum(one.open_lots for one in waiting)
        assert level.first() is waiting[0]


def test_orders_that_left_are_swept_out_of_the_queue() -> None:
    level = PriceLevel()
    first = order(1)
    level.add(first)
    for i in range(2, 10_000):
        passing = order(i)
        level.add(passing)
        level.remove(passing)
    assert len(level._queue) <= 5, "a book has thousands of levels: what each keeps is more than what rests"
    assert level._gone == len(level._queue) - 1
    assert level.first() is first


def test_filled_orders_are_swept_out_with_those_passed_over() -> None:
    level = PriceLevel()
    waiting = [order(i) for i in range(100)]
    for one in waiting:
        level.add(one)
    for one in waiting[:10]:
        level.remove(one)
    for one in waiting[10:90]:
        assert level.first() is one
        level.fill(one, 1)
    assert len(level._queue) < 50
    assert [one.order_id for one in level] == list(range(90, 100))


def test_sides_are_ordered_best_first() -> None:
    bids, asks = BookSide("buy"), BookSide("sell")
    for i, price in enumerate((101, 99, 100, 99)):
        bids.add(RestingOrder(i, 1, "buy", price, 2, 2, False, False))
        asks.add(RestingOrder(i, 1, "sell", price, 2, 2, False, False))
    assert bids.sizes() == [(101, 2), (100, 2), (99, 4)]
    assert asks.sizes() == [(99, 4), (100, 2), (101, 2)]
    assert [one.order_id for one in asks] == [1, 3, 2, 0]
    assert bids.best_size() == (101, 2)
    assert BookSide("buy").best_size() == (0, 0)

"""Symbols to look at: each once, in order, and some later."""

from __future__ import annotations

from floorwire.symbol_queue import SymbolQueue


def test_symbols_come_in_order_and_once() -> None:
    queue = SymbolQueue(10)
    for symbol in ("b", "a", "b"):
        queue.add(symbol)
    assert [queue.take(0), queue.take(0), queue.take(0)] == ["b", "a", None]


def test_a_symbol_comes_again_when_it_is_due() -> None:
    queue = SymbolQueue(10)
    queue.add_later("a", 5)
    assert (queue.take(4), len(queue)) == (None, 1)
    assert queue.is_due(5)
    assert (queue.take(5), queue.take(9)) == ("a", None)


def test_one_that_is_looked_at_sooner_does_not_come_later() -> None:
    queue = SymbolQueue(10)
    queue.add_later("a", 5)
    queue.add("a")
    assert len(queue) == 1
    assert (queue.take(0), queue.take(9)) == ("a", None)


def test_symbols_beyond_the_limit_do_not_wait() -> None:
    queue = SymbolQueue(2)
    for symbol in "abc":
        queue.add(symbol)
        queue.add_later(symbol * 2, 5)
    assert len(queue) == 4

"""Inputs of a connector: in order, and the feed is told of each while it runs."""

from __future__ import annotations

from floorwire.connectors.input_queue import InputQueue


def test_the_feed_is_told_of_each_input_while_it_runs() -> None:
    inputs: InputQueue[int] = InputQueue()
    seen: list[list[int]] = []
    inputs.put(1)
    inputs.start(lambda: seen.append(list(inputs.waiting)))
    inputs.put(2)
    inputs.put(3)
    inputs.stop()
    inputs.put(4)
    assert seen == [[1, 2], [1, 2, 3]]
    assert list(inputs.waiting) == [1, 2, 3, 4]

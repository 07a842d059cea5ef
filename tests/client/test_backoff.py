"""Waits between connections grow, are random, and begin anew."""

from __future__ import annotations

from random import Random

from floorwire.client.backoff import Backoff


class Most(Random):
    """Draws the most."""

    def uniform(self, a: float, b: float) -> float:
        return b


def test_the_limit_doubles_up_to_the_most_and_begins_anew() -> None:
    backoff = Backoff(Most(), first_s=0.1, most_s=1.0)
    assert [backoff.next_s() for _ in range(6)] == [0.1, 0.2, 0.4, 0.8, 1.0, 1.0]
    backoff.reset()
    assert backoff.next_s() == 0.1


def test_what_the_server_asks_for_is_waited_for() -> None:
    assert Backoff(Most(), first_s=0.1).next_s(at_least_s=3.0) == 3.1


def test_the_whole_wait_is_drawn() -> None:
    waits = [Backoff(Random(seed), first_s=1.0).next_s() for seed in range(200)]
    assert min(waits) < 0.1
    assert max(waits) > 0.9

"""Close codes and refused handshakes are obeyed; waits grow, are random, and begin anew."""

from __future__ import annotations

from random import Random

import pytest

from floorwire.client.reconnection import Backoff, is_close_for_good, is_refusal_for_good, retry_after_s
from floorwire.core.codes import CloseCode


@pytest.mark.parametrize("code", list(CloseCode))
def test_every_close_code_is_obeyed(code: CloseCode) -> None:
    assert is_close_for_good(code) is (code.value >= 4500)


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 426])
def test_refusals_for_good(status: int) -> None:
    assert is_refusal_for_good(status)


@pytest.mark.parametrize("status", [0, 408, 429, 500, 502, 503])
def test_refusals_for_now(status: int) -> None:
    assert not is_refusal_for_good(status)


@pytest.mark.parametrize(
    ("header", "wait_s"), [(None, 0.0), ("3", 3.0), ("soon", 0.0), ("-1", 0.0), ("Wed, 21 Oct 2026", 0.0)]
)
def test_retry_after(header: str | None, wait_s: float) -> None:
    assert retry_after_s(header) == wait_s


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

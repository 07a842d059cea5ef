from __future__ import annotations

import pytest

from floorwire.core.codes import Code
from floorwire.core.refusal import Refusal
from floorwire.protocol.trading_requests import MIN_DEADMAN_S, Deadman
from floorwire.trading.handlers import deadman_us


@pytest.mark.parametrize("timeout_s", [1e-9, 0.01, 0.0999])
def test_a_dead_mans_timer_that_no_request_could_renew_is_refused(timeout_s: float) -> None:
    with pytest.raises(Refusal) as raised:
        deadman_us(Deadman(timeout_s=timeout_s))
    assert (raised.value.code, raised.value.details) == (Code.BAD_REQUEST, {"field": "timeout_s"})


def test_zero_disarms_and_the_shortest_is_taken() -> None:
    assert deadman_us(Deadman(timeout_s=0)) == 0
    assert deadman_us(Deadman(timeout_s=MIN_DEADMAN_S)) == 100_000

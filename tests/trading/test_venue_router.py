"""The floor where no venue has listed a symbol: its orders are in no market."""

from __future__ import annotations

import pytest

from floorwire.core.codes import Code
from floorwire.core.execution_reports import Ended
from floorwire.core.order_commands import Cancel
from floorwire.trading.venue_router import VenueRouter


@pytest.mark.parametrize("code", [None, Code.MARKET_HALTED])
def test_what_is_in_no_market_is_cancelled_for_the_reason_given(code: Code | None) -> None:
    (report,) = VenueRouter().execute(Cancel("BTC-USDT", 7, code), 5)
    assert report == Ended(7, 0, "cancelled", code, 5)

"""The router where no venue has listed a symbol: its orders are at no venue."""

from __future__ import annotations

import pytest

from floorwire.core.codes import Code
from floorwire.core.execution_reports import Ended
from floorwire.core.order_commands import Cancel
from floorwire.trading.venue_router import VenueRouter


@pytest.mark.parametrize("code", [None, Code.MARKET_HALTED])
def test_an_order_at_no_venue_is_cancelled_with_the_given_code(code: Code | None) -> None:
    (report,) = VenueRouter().execute(Cancel("BTC-USDT", 7, code), 5)
    assert report == Ended(7, 0, "cancelled", code, 5)

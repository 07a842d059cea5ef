from __future__ import annotations

from floorwire.core.instrument import Instrument
from floorwire.engine.participants.profile import Profile


def test_a_profile_is_listed_as_an_instrument() -> None:
    profile = Profile(
        symbol="ETH-BTC",
        price="0.05",
        tick_size="0.00001",
        lot_size="0.0001",
        min_notional="0.0001",
        trade_size="0.1",
        arrivals=1,
    )
    assert profile.instrument("sim") == Instrument(
        "ETH-BTC", "ETH", "BTC", "sim", "0.00001", "0.0001", "0.0001", "open"
    )

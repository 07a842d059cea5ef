"""The fake Bybit."""

from tests.fake_exchange.bybit.exchange import FakeBybit, default_markets

__all__ = ["FakeBybit", "default_markets"]

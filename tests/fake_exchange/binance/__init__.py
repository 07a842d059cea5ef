"""The fake Binance."""

from tests.fake_exchange.binance.exchange import FakeBinance, default_markets

__all__ = ["FakeBinance", "default_markets"]

"""The fake Coinbase."""

from tests.fake_exchange.coinbase.exchange import FakeCoinbase, default_markets

__all__ = ["FakeCoinbase", "default_markets"]

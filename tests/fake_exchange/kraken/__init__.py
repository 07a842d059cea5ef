"""The fake Kraken."""

from tests.fake_exchange.kraken.exchange import FakeKraken, default_markets

__all__ = ["FakeKraken", "default_markets"]

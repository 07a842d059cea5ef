"""The fake OKX."""

from tests.fake_exchange.okx.exchange import FakeOkx, default_markets

__all__ = ["FakeOkx", "default_markets"]

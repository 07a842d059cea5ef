"""Binance Spot: what it sends (messages), in our terms (mapping), and the adapter (market_data)."""

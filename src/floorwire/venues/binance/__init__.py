"""Binance Spot: its messages, their mapping to market events, and the adapter (market_data)."""

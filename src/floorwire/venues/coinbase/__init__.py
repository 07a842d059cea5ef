"""Coinbase Exchange and Advanced Trade: messages, mapping, and the adapter (market_data)."""

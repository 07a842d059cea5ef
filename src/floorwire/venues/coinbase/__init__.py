"""Coinbase Exchange and Advanced Trade: messages, their mapping, and the adapter (market_data)."""

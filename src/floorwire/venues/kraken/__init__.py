"""Kraken spot (WebSocket v2): its messages, their mapping to market events, and the adapter (market_data)."""

"""Bybit spot (API v5): its messages, their mapping to market events, and the adapter (market_data)."""

from floorwire.compiled import path

__path__ = path(__path__)

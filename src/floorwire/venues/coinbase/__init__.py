"""Coinbase Exchange and Advanced Trade: messages, their mapping, and the adapter (market_data)."""

from floorwire.compiled import path

__path__ = path(__path__)

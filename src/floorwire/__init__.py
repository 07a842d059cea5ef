"""Floorwire: a trading gateway, live prices out and orders in, over one WebSocket."""

__version__ = "0.1.0"

"""Prices of any exchange that ccxt can stream, as market events."""

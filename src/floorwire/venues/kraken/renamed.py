"""Names of coins that Kraken's REST and WebSocket v1 still use, and those of the WebSocket v2."""

from __future__ import annotations

RENAMED = {"XBT": "BTC", "XDG": "DOGE"}


def current_coin(name: str) -> str:
    """Return a coin's name of the WebSocket v2."""
    return RENAMED.get(name, name)


def current_pair(name: str) -> str:
    """Return the name of the WebSocket v2 for a pair as BASE/QUOTE."""
    return "/".join(map(current_coin, name.split("/")))

"""Names of coins and pairs: REST and the WebSocket v1 still use some old ones."""

from __future__ import annotations

RENAMED = {"XBT": "BTC", "XDG": "DOGE"}
"""Names of coins that REST and the WebSocket v1 still use, and those of the WebSocket v2."""


def current_coin(name: str) -> str:
    """Return a coin's name of the WebSocket v2."""
    return RENAMED.get(name, name)


def current_pair(name: str) -> str:
    """Return the name of the WebSocket v2 for a pair as BASE/QUOTE."""
    if "XBT" not in name and "XDG" not in name:
        return name
    base, slash, quote = name.partition("/")
    return f"{current_coin(base)}{slash}{current_pair(quote)}"

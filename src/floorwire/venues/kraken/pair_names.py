"""Names of coins and pairs: REST and the WebSocket v1 still use some old ones."""

from __future__ import annotations

RENAMED = {"XBT": "BTC", "XDG": "DOGE"}
"""Names of coins that REST and the WebSocket v1 still use, and those of the WebSocket v2."""


def current_coin(name: str) -> str:
    """Return a coin's name of the WebSocket v2."""
    return RENAMED.get(name, name)


def current_pair(name: str) -> str:
    """Return the name of the WebSocket v2 for a pair as BASE/QUOTE."""
    before = last = "\0"
    slash = 0
    is_old = False
    for at, character in enumerate(name):
        if before == "X" and ((last == "B" and character == "T") or (last == "D" and character == "G")):
            is_old = True  # in most names there is neither of them
        if character == "/":
            slash = at
        before, last = last, character
    if not is_old:
        return name
    base, quote = name[:slash], name[slash + 1 :]
    if quote in RENAMED:
        name = name[: slash + 1] + RENAMED[quote]
    return RENAMED[base] + name[slash:] if base in RENAMED else name

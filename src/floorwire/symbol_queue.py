"""Symbols to look at, in order, and those that are looked at later. Pure."""

from __future__ import annotations


class SymbolQueue:
    """A queue in which each symbol is once. If it is full, no other one gets in."""

    __slots__ = ("_due_us", "_limit", "_waiting")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._waiting: dict[str, None] = {}
        self._due_us: dict[str, int] = {}
        """By symbol: when it is looked at again."""

    def __len__(self) -> int:
        return len(self._waiting.keys() | self._due_us.keys())

    def has(self, symbol: str, until_us: int) -> bool:
        """Return whether a symbol is looked at before this time."""
        return symbol in self._waiting or self._due_us.get(symbol, until_us) < until_us

    def add(self, symbol: str) -> None:
        """Let a symbol be looked at, after those that wait."""
        if len(self._waiting) < self._limit:
            self._waiting[symbol] = None

    def add_later(self, symbol: str, due_us: int) -> None:
        """Let a symbol be looked at again at a time, or sooner if it is added before."""
        if len(self._due_us) < self._limit:
            self._due_us[symbol] = due_us

    def is_due(self, now_us: int) -> bool:
        """Return whether there is a symbol to look at."""
        for symbol in [symbol for symbol, due_us in self._due_us.items() if due_us <= now_us]:
            del self._due_us[symbol]
            self.add(symbol)
        return bool(self._waiting)

    def take(self, now_us: int) -> str | None:
        """Return the next symbol to look at; None: there is none."""
        if not self.is_due(now_us):
            return None
        symbol = next(iter(self._waiting))
        del self._waiting[symbol]
        self._due_us.pop(symbol, None)
        return symbol

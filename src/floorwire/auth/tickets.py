"""Tickets: short-lived texts that sign a WebSocket in, once. A browser cannot give a WebSocket a header."""

from __future__ import annotations

from hashlib import blake2b

from floorwire.core.authorization import Principal

VALID_US = 30_000_000
LIMIT = 10_000
LIMIT_PER_KEY = 100


class TooManyTicketsError(Exception):
    """Too many tickets are valid now. Some end within 30 s."""


class Tickets:
    """The valid tickets. Only their hashes are kept, and compared in constant time."""

    def __init__(self) -> None:
        self._out: dict[bytes, tuple[Principal, int]] = {}  # in order of issue, so also in order of expiry
        self._per_key: dict[str, int] = {}

    def issue(self, ticket: str, principal: Principal, now_us: int) -> int:
        """Make the text (256 random bits) a ticket. Return its expiry. Raises TooManyTicketsError."""
        self._expire(now_us)
        mine = self._per_key.get(principal.key, 0)
        if len(self._out) >= LIMIT or mine >= LIMIT_PER_KEY:
            raise TooManyTicketsError
        self._per_key[principal.key] = mine + 1
        ends_us = now_us + VALID_US
        self._out[_digest(ticket)] = principal, ends_us
        return ends_us

    def redeem(self, ticket: str, now_us: int) -> Principal | None:
        """Return the principal that the ticket signs in, or None. A ticket works once."""
        self._expire(now_us)
        return self._take(_digest(ticket))

    def __len__(self) -> int:
        return len(self._out)

    def _expire(self, now_us: int) -> None:
        while self._out:
            first = next(iter(self._out))
            if self._out[first][1] > now_us:
                return
            self._take(first)

    def _take(self, digest: bytes) -> Principal | None:
        principal, _ = self._out.pop(digest, (None, 0))
        if principal is not None:
            mine = self._per_key.pop(principal.key) - 1
            if mine:
                self._per_key[principal.key] = mine
        return principal


def _digest(ticket: str) -> bytes:
    return blake2b(ticket[:256].encode(errors="replace"), digest_size=32).digest()

"""Tickets: how a page signs a WebSocket in, since a browser can give it no header; used once, soon."""

from __future__ import annotations

from hashlib import blake2b

from floorwire.core.authorization import Principal

VALID_US = 30_000_000
LIMIT = 10_000
LIMIT_PER_KEY = 100


class TooManyTicketsError(Exception):
    """As many are out as may be; some end within 30 s."""


class Tickets:
    """The tickets that are out. Only their hashes are held, and looked up by them in constant time."""

    def __init__(self) -> None:
        self._out: dict[
            bytes, tuple[Principal, int]
        ] = {}  # in the order of issue, which is that of their end
        self._per_key: dict[str, int] = {}

    def issue(self, ticket: str, principal: Principal, now_us: int) -> int:
        """Make the text (of 256 random bits) a ticket; return when it ends. Raises TooManyTicketsError."""
        self._expire(now_us)
        mine = self._per_key.get(principal.key, 0)
        if len(self._out) >= LIMIT or mine >= LIMIT_PER_KEY:
            raise TooManyTicketsError
        self._per_key[principal.key] = mine + 1
        ends_us = now_us + VALID_US
        self._out[_digest(ticket)] = principal, ends_us
        return ends_us

    def redeem(self, ticket: str, now_us: int) -> Principal | None:
        """Return whom the ticket lets in, once."""
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

"""Admission: who may connect at all; counts, given the time."""

from __future__ import annotations

from enum import Enum, auto

from floorwire.protocol.bucket import Bucket

HANDSHAKE_BURST_S = 5
OVERFLOW = 256
"""How many connections over the limit may be open at once to be told so; beyond, they are dropped."""


class Verdict(Enum):
    """What becomes of a new connection."""

    ADMITTED = auto()
    TOO_MANY = auto()
    """Tell it so (4029), and close."""
    TOO_FAST = auto()
    """Refuse its handshake (503)."""
    DROPPED = auto()
    """Close without a word; do not call ``leave``."""


class Admission:
    """Counts open connections, half-open ones included, in all and by address."""

    def __init__(self, connections: int, per_address: int, handshakes_per_second: int) -> None:
        self.open = 0
        self._limit = connections
        self._per_address_limit = per_address
        self._per_address: dict[str, int] = {}
        self._handshakes = Bucket(handshakes_per_second, burst=HANDSHAKE_BURST_S * handshakes_per_second)

    def enter(self, address: str, now_us: int) -> Verdict:
        """Count a new connection; ``leave`` must follow for each but a dropped one."""
        if self.open >= self._limit + OVERFLOW:
            return Verdict.DROPPED
        mine = self._per_address.get(address, 0)
        self.open += 1
        self._per_address[address] = mine + 1
        if self.open > self._limit or mine >= self._per_address_limit:
            return Verdict.TOO_MANY
        if not self._handshakes.allow(now_us):
            return Verdict.TOO_FAST
        return Verdict.ADMITTED

    def leave(self, address: str) -> None:
        """A counted connection is gone."""
        self.open -= 1
        mine = self._per_address[address] - 1
        if mine:
            self._per_address[address] = mine
        else:
            del self._per_address[address]

"""Admission: who may connect at all; counts, given the time."""

from __future__ import annotations

from enum import Enum, auto

from floorwire.protocol.bucket import Bucket

HANDSHAKE_BURST_S = 5
TURNED_AWAY = 1_024
"""How many connections may be open only to be told that they cannot stay; beyond, they are dropped."""


class Verdict(Enum):
    """What becomes of a new connection."""

    ADMITTED = auto()
    TOO_MANY = auto()
    """Tell it so (4029), and close."""
    TOO_FAST = auto()
    """Refuse its handshake (503)."""
    DROPPED = auto()
    """Close without a word."""


class Admission:
    """Counts admitted connections, half-open ones included, in all and by address.

    Who is turned away counts apart: an address over its limit takes nobody else's place.
    """

    def __init__(self, connections: int, per_address: int, handshakes_per_second: int) -> None:
        self.admitted = 0
        self.turned_away = 0
        self._limit = connections
        self._per_address: dict[str, int] = {}
        self._per_address_limit = per_address
        self._handshakes = Bucket(handshakes_per_second, burst=HANDSHAKE_BURST_S * handshakes_per_second)

    def enter(self, address: str, now_us: int) -> Verdict:
        """Decide about a new connection; ``leave`` with the same verdict must follow when it has gone."""
        mine = self._per_address.get(address, 0)
        if self.admitted >= self._limit or mine >= self._per_address_limit:
            return self._turn_away(Verdict.TOO_MANY)
        if not self._handshakes.allow(now_us):
            return self._turn_away(Verdict.TOO_FAST)
        self.admitted += 1
        self._per_address[address] = mine + 1
        return Verdict.ADMITTED

    def _turn_away(self, verdict: Verdict) -> Verdict:
        if self.turned_away >= TURNED_AWAY:
            return Verdict.DROPPED
        self.turned_away += 1
        return verdict

    def leave(self, address: str, verdict: Verdict) -> None:
        """A connection is gone, with which verdict it was given."""
        if verdict is Verdict.ADMITTED:
            self._leave_place(address)
        elif verdict is not Verdict.DROPPED:
            self.turned_away -= 1

    def _leave_place(self, address: str) -> None:
        self.admitted -= 1
        mine = self._per_address[address] - 1
        if mine:
            self._per_address[address] = mine
        else:
            del self._per_address[address]

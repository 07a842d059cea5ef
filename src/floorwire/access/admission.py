"""Admission: who may connect at all; counts, given the time."""

from __future__ import annotations

from enum import Enum, auto

from floorwire.auth.client_address import neighbourhood
from floorwire.protocol.rate_limit import KeyedRateLimit, TokenBucket

HANDSHAKE_BURST_S = 5
TURNED_AWAY = 1_024
"""How many connections may be open only to be told that they cannot stay; beyond, they are dropped."""


class AdmissionVerdict(Enum):
    """What becomes of a new connection."""

    ADMITTED = auto()
    PROXIED = auto()
    """Counted in all; whose it is, its handshake will tell."""
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

    def __init__(
        self, connections: int, per_address: int, handshakes_per_second: int, handshakes_per_address: int
    ) -> None:
        self.admitted = 0
        self.turned_away = 0
        self._limit = connections
        self._per_address: dict[str, int] = {}
        self._per_address_limit = per_address
        self._handshakes = TokenBucket(handshakes_per_second, burst=HANDSHAKE_BURST_S * handshakes_per_second)
        self._handshakes_per_address = KeyedRateLimit(handshakes_per_address)

    def enter(self, address: str, now_us: int) -> AdmissionVerdict:
        """Decide about a new connection; ``leave`` with the same verdict must follow when it has gone."""
        near = neighbourhood(address)
        mine = self._per_address.get(near, 0)
        if self.admitted >= self._limit or mine >= self._per_address_limit:
            return self._turn_away(AdmissionVerdict.TOO_MANY)
        if not self._handshakes_per_address.allow(near, now_us) or not self._handshakes.allow(now_us):
            return self._turn_away(AdmissionVerdict.TOO_FAST)
        self.admitted += 1
        self._per_address[near] = mine + 1
        return AdmissionVerdict.ADMITTED

    def enter_proxy(self) -> AdmissionVerdict:
        """Decide about a new connection of a trusted proxy, which carries who knows whom."""
        if self.admitted >= self._limit:
            return self._turn_away(AdmissionVerdict.TOO_MANY)
        self.admitted += 1
        return AdmissionVerdict.PROXIED

    def _turn_away(self, verdict: AdmissionVerdict) -> AdmissionVerdict:
        if self.turned_away >= TURNED_AWAY:
            return AdmissionVerdict.DROPPED
        self.turned_away += 1
        return verdict

    def leave(self, address: str, verdict: AdmissionVerdict) -> None:
        """A connection is gone, with which verdict it was given."""
        if verdict is AdmissionVerdict.ADMITTED:
            self._leave_place(neighbourhood(address))
        elif verdict is AdmissionVerdict.PROXIED:
            self.admitted -= 1
        elif verdict is not AdmissionVerdict.DROPPED:
            self.turned_away -= 1

    def _leave_place(self, near: str) -> None:
        self.admitted -= 1
        mine = self._per_address[near] - 1
        if mine:
            self._per_address[near] = mine
        else:
            del self._per_address[near]

"""Admission: limits on connections and handshakes, in all and by address."""

from __future__ import annotations

from enum import Enum, auto

from floorwire.auth.client_address import network_of
from floorwire.protocol.rate_limit import KeyedRateLimit, TokenBucket

HANDSHAKE_BURST_S = 5
FEW_SHARE = 16
"""An address that connects less often than one part in so many of the common rate connects seldom."""
KEPT_SHARE = 4
"""One part in so many of the common burst is kept for addresses that connect seldom."""
MAX_REJECTED = 1_024
"""The most connections that stay open to be rejected with a reason. Beyond it they are dropped."""


class AdmissionVerdict(Enum):
    """What to do with a new connection."""

    ADMITTED = auto()
    PROXIED = auto()
    """Counted in all. The handshake's X-Forwarded-For will name the address to count."""
    TOO_MANY = auto()
    """Close it with 4029."""
    TOO_FAST = auto()
    """Refuse its handshake (503)."""
    DROPPED = auto()
    """Close it without an answer."""


class Admission:
    """Counts admitted connections, half-open ones included, in all and by address.

    Rejected connections are counted apart, so that an address over its limit uses no other client's share.
    Nor does an address that connects all the time use up the common rate of handshakes: the last part of the
    burst is kept for addresses that connect seldom.
    """

    def __init__(
        self,
        connections: int,
        per_address: int,
        handshakes_per_second: int,
        handshakes_per_address: int,
        max_rejected: int = MAX_REJECTED,
    ) -> None:
        self._max_rejected = max_rejected
        self.admitted = 0
        self.rejected = 0
        self._limit = connections
        self._per_address: dict[str, int] = {}
        self._per_address_limit = per_address
        burst = HANDSHAKE_BURST_S * handshakes_per_second
        self._handshakes = TokenBucket(handshakes_per_second, burst)
        self._kept = burst // KEPT_SHARE
        self._handshakes_per_address = KeyedRateLimit(handshakes_per_address)
        self._seldom = KeyedRateLimit(max(1, handshakes_per_second // FEW_SHARE))

    def admit(self, address: str, now_us: int) -> AdmissionVerdict:
        """Decide about a new connection, by the connection limits and the rate limit of handshakes.

        When the connection is gone, call ``release`` with the same verdict.
        """
        network = network_of(address)
        from_address = self._per_address.get(network, 0)
        if self.admitted >= self._limit or from_address >= self._per_address_limit:
            return self._reject(AdmissionVerdict.TOO_MANY)
        if not self._handshakes_per_address.allow(network, now_us) or not self._has_handshake(
            network, now_us
        ):
            return self._reject(AdmissionVerdict.TOO_FAST)
        self.admitted += 1
        self._per_address[network] = from_address + 1
        return AdmissionVerdict.ADMITTED

    def _has_handshake(self, network: str, now_us: int) -> bool:
        is_seldom = self._seldom.allow(network, now_us)
        return self._handshakes.allow(now_us, 0 if is_seldom else self._kept)

    def admit_proxy(self) -> AdmissionVerdict:
        """Decide about a new connection of a trusted proxy. Its client's address is not known yet."""
        if self.admitted >= self._limit:
            return self._reject(AdmissionVerdict.TOO_MANY)
        self.admitted += 1
        return AdmissionVerdict.PROXIED

    def _reject(self, verdict: AdmissionVerdict) -> AdmissionVerdict:
        if self.rejected >= self._max_rejected:
            return AdmissionVerdict.DROPPED
        self.rejected += 1
        return verdict

    def release(self, address: str, verdict: AdmissionVerdict) -> None:
        """A connection with this verdict is gone: count it no more."""
        if verdict is AdmissionVerdict.ADMITTED:
            self._release_address(network_of(address))
        elif verdict is AdmissionVerdict.PROXIED:
            self.admitted -= 1
        elif verdict is not AdmissionVerdict.DROPPED:
            self.rejected -= 1

    def _release_address(self, network: str) -> None:
        self.admitted -= 1
        from_address = self._per_address[network] - 1
        if from_address:
            self._per_address[network] = from_address
        else:
            del self._per_address[network]

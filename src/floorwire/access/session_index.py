"""Session index: the connections that are signed in with each key, and when they expire."""

from __future__ import annotations

from collections.abc import Hashable, Set
from typing import Generic, TypeVar

from floorwire.core.authorization import Principal

PeerT = TypeVar("PeerT")

SLOT_US = 250_000


class SessionIndex(Generic[PeerT]):
    """Finds the connections of a revoked key, and expired ones, without a timer for each connection."""

    def __init__(self) -> None:
        self._by_key: dict[str, dict[PeerT, None]] = {}
        self._by_slot: dict[int, dict[PeerT, None]] = {}  # slot of the expiry -> connections

    def add(self, peer: PeerT, principal: Principal) -> None:
        """Add a connection that has signed in."""
        self._by_key.setdefault(principal.key, {})[peer] = None
        slot = _slot(principal)
        if slot is not None:
            self._by_slot.setdefault(slot, {})[peer] = None

    def remove(self, peer: PeerT, principal: Principal) -> None:
        """Remove a connection that is gone, or that signed in as another principal."""
        _drop(self._by_key, principal.key, peer)
        slot = _slot(principal)
        if slot is not None:
            _drop(self._by_slot, slot, peer)

    def count(self, key: str) -> int:
        """Return the number of connections of the key."""
        return len(self._by_key.get(key, ()))

    def of(self, key: str) -> list[PeerT]:
        """Return the connections of the key."""
        return list(self._by_key.get(key, ()))

    def keys_among(self, keys: Set[str]) -> list[str]:
        """Return those of the keys that have connections. There may be very many keys, or connections."""
        few, many = sorted((keys, self._by_key.keys()), key=len)
        return [key for key in few if key in many]

    def expired(self, wall_us: int) -> list[PeerT]:
        """Return the connections whose sign-in has expired, at most SLOT_US ago or earlier."""
        last = wall_us // SLOT_US
        return [peer for slot, peers in self._by_slot.items() if slot <= last for peer in peers]

    def __len__(self) -> int:
        return sum(map(len, self._by_key.values()))


KeyT = TypeVar("KeyT", bound=Hashable)


def _drop(index: dict[KeyT, dict[PeerT, None]], key: KeyT, peer: PeerT) -> None:
    peers = index[key]
    del peers[peer]
    if not peers:
        del index[key]


def _slot(principal: Principal) -> int | None:
    expires_us = principal.expires_us
    return None if expires_us is None else -(-expires_us // SLOT_US)

"""Attendance: which connections are signed in with what, and until when; given the time."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

from floorwire.core.authorization import Principal

PeerT = TypeVar("PeerT")

SLOT_US = 250_000


class SessionIndex(Generic[PeerT]):
    """Finds at once whom a revoked key let in, and whose time is up, without a timer for each."""

    def __init__(self) -> None:
        self._by_key: dict[str, dict[PeerT, None]] = {}
        self._by_slot: dict[int, dict[PeerT, None]] = {}  # slot of the expiry -> who leaves then

    def add(self, peer: PeerT, principal: Principal) -> None:
        """It has signed in."""
        self._by_key.setdefault(principal.key, {})[peer] = None
        slot = _slot(principal)
        if slot is not None:
            self._by_slot.setdefault(slot, {})[peer] = None

    def remove(self, peer: PeerT, principal: Principal) -> None:
        """It is gone, or has signed in anew."""
        _drop(self._by_key, principal.key, peer)
        slot = _slot(principal)
        if slot is not None:
            _drop(self._by_slot, slot, peer)

    def count(self, key: str) -> int:
        """Return how many are here with the key."""
        return len(self._by_key.get(key, ()))

    def of(self, key: str) -> list[PeerT]:
        """Return who is here with the key."""
        return list(self._by_key.get(key, ()))

    def expired(self, wall_us: int) -> list[PeerT]:
        """Return who is here longer than it may; found within a slot of the time."""
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

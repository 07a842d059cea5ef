"""Liveness: when to ping each connection, and when to give it up. One timing wheel for all connections."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import msgspec


class PingedPeer(Protocol):
    """A connection to watch. It sets ``is_alive`` when anything comes from the peer; ``ping`` clears it."""

    is_alive: bool
    slot: int
    """The slot of the wheel that holds it. Set by Liveness only."""

    def ping(self) -> bool:
        """Send a ping. Return False if the ASGI server sends pings by itself."""
        ...


class PingTiming(msgspec.Struct, frozen=True):
    """Time between pings, and the longest silence after a ping; in microseconds."""

    interval_us: int
    timeout_us: int


class Liveness:
    """A timing wheel: each connection is in the slot of its next check. So no connection needs a timer."""

    def __init__(self, timing: PingTiming, jitter: Callable[[], float]) -> None:
        self._timing = timing
        self._jitter = jitter
        self.slot_us = max(10_000, min(1_000_000, timing.interval_us // 8, timing.timeout_us // 8))
        self._slots: dict[int, dict[PingedPeer, bool]] = {}  # slot -> connection -> whether it was pinged

    def add(self, peer: PingedPeer, now_us: int) -> None:
        """Watch a connection. Its first ping comes after a random part of the interval, to spread pings."""
        self._schedule(
            peer, now_us + int(self._timing.interval_us * (0.1 + 0.9 * self._jitter())), pinged=False
        )

    def discard(self, peer: PingedPeer) -> None:
        """Stop watching a connection."""
        slot = self._slots.get(peer.slot)
        if slot is not None:
            slot.pop(peer, None)

    def due(self, now_us: int) -> list[PingedPeer]:
        """Ping the connections that are due. Return those from which nothing came after their ping."""
        last = now_us // self.slot_us
        dead: list[PingedPeer] = []
        for slot in sorted(slot for slot in self._slots if slot <= last):
            for peer, pinged in self._slots.pop(slot).items():
                if not pinged:
                    if peer.ping():
                        self._schedule(peer, now_us + self._timing.timeout_us, pinged=True)
                elif peer.is_alive:
                    self._schedule(peer, now_us + self._rest_us(), pinged=False)
                else:
                    dead.append(peer)
        return dead

    def _rest_us(self) -> int:
        """Return the time from the timeout's end to the next ping, jittered by a tenth of the interval."""
        interval_us = int(self._timing.interval_us * (0.9 + 0.2 * self._jitter()))
        return max(self.slot_us, interval_us - self._timing.timeout_us)

    def _schedule(self, peer: PingedPeer, at_us: int, *, pinged: bool) -> None:
        peer.slot = at_us // self.slot_us + 1
        self._slots.setdefault(peer.slot, {})[peer] = pinged

    def __len__(self) -> int:
        return sum(map(len, self._slots.values()))

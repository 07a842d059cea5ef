"""Read turns: how much of what clients send is handled in one turn of the event loop.

The loop reads every socket that has data, one after the other, before anything else has its turn. A small
frame costs about a microsecond whatever it holds, so bytes are what is counted. Each address has a share of
each turn. What comes beyond it waits, and is handled in the turns of the turn queue: one slice of one
connection of one address, then one of the next address. So an address with many connections makes only
itself wait.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

from floorwire.auth.client_address import network_of
from floorwire.hub.turn_queue import Step

TURN_BYTES: Final = 16_384
"""What one address may be read in one turn before others wait. The last read may go over it."""
READ_BYTES: Final = 128
"""Price of one read, besides its bytes: as long as the smallest requests take."""
LARGE_READ_BYTES: Final = 16_384
"""What all addresses together may be read in large reads in one turn. The last one may go over it."""
MAX_SHARES: Final = 20_000
"""The most addresses that are remembered."""


class ReadShare:
    """The share of one address, and its connections that wait. It has at most one step of each of them."""

    __slots__ = ("_turns", "bytes_left", "waiting")

    def __init__(self, turns: ReadTurns) -> None:
        self._turns = turns
        self.bytes_left = TURN_BYTES
        self.waiting: deque[Callable[[], None]] = deque()

    def allow(self, size: int) -> bool:
        """Return whether so many bytes may be handled now. If not, call ``wait``."""
        if self.bytes_left <= 0:
            return False
        self.bytes_left -= size + READ_BYTES
        if self.bytes_left <= 0:
            self._turns.renew_later(self)
        return True

    def allows_large_reads(self) -> bool:
        """Return whether the next read may be a large one."""
        return self._turns.large_bytes_left > 0

    def count_large_read(self, size: int) -> None:
        """Count a large read of this turn."""
        self._turns.count_large_read(size)

    def wait(self, step: Callable[[], None]) -> None:
        """Do the step in a later turn, after those of the same address that wait already."""
        self.waiting.append(step)
        self.bytes_left = 0  # Nobody overtakes those who wait.
        if len(self.waiting) == 1:
            self._turns.add(self)


class ReadTurns:
    """The shares of all addresses. At most ``limit`` of them are remembered."""

    def __init__(self, add_to_turns: Callable[[Step], None], limit: int = MAX_SHARES) -> None:
        """``add_to_turns``: adds a step to the turn queue."""
        self._add_to_turns = add_to_turns
        self._limit = limit
        self._shares: dict[str, ReadShare] = {}
        self._spent: list[ReadShare] = []
        """Those that may be read again from the next turn on."""
        self._waiting: deque[ReadShare] = deque()
        """Those with connections that wait, in the order of their turns."""
        self._is_scheduled = False
        self.large_bytes_left = LARGE_READ_BYTES
        """How many bytes may still be read in large reads in this turn."""

    def share(self, address: str) -> ReadShare:
        """Return the share of an address, as ``network_of`` names it."""
        network = network_of(address)
        share = self._shares.get(network)
        if share is None:
            if len(self._shares) >= self._limit:
                # A share of which nothing is used is as good as a new one.
                self._shares = {name: one for name, one in self._shares.items() if one.waiting}
            share = self._shares[network] = ReadShare(self)
        return share

    def renew_later(self, share: ReadShare) -> None:
        """Give the address its share again in the next turn, unless connections of it wait then."""
        self._spent.append(share)
        self._schedule()

    def count_large_read(self, size: int) -> None:
        """Count a large read of this turn."""
        self.large_bytes_left -= size
        self._schedule()

    def add(self, share: ReadShare) -> None:
        """A connection of this address waits, and no other one did."""
        self._waiting.append(share)
        self._schedule()

    def _schedule(self) -> None:
        if not self._is_scheduled:
            self._is_scheduled = True
            self._add_to_turns(self._do_step)

    def _do_step(self) -> bool:
        """Do one step of the next address. Return whether more is left."""
        is_well = False
        try:
            self._next_step()
            is_well = True
        finally:
            if not is_well:  # The turn queue drops a step that raises. The others go on.
                self._is_scheduled = False
                if self._waiting:
                    self._schedule()
        self._is_scheduled = bool(self._waiting)
        return self._is_scheduled

    def _next_step(self) -> None:
        self.large_bytes_left = LARGE_READ_BYTES
        for share in self._spent:
            if not share.waiting:
                share.bytes_left = TURN_BYTES
        self._spent.clear()
        if not self._waiting:
            return
        share = self._waiting.popleft()
        step = share.waiting.popleft()
        if share.waiting:
            self._waiting.append(share)
        else:
            share.bytes_left = TURN_BYTES
        step()

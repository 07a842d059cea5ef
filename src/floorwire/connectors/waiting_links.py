"""Waiting links: links of orders that are opened as soon as the exchange allows the address one more.

A try that was refused would be followed by the adapter's pause, which is longer than what there is to wait.
The links of prices leave what is allowed to those that wait here (``venues.common.rate_limits``).
"""

from __future__ import annotations

from floorwire.core.order_ports import AddressLimits
from floorwire.core.ports import Open
from floorwire.venues.common.rate_limits import CONNECTIONS


class WaitingLinks:
    """By name, so there are at most as many as the adapter has links. It closes one that waits too long."""

    def __init__(self, limits: AddressLimits | None) -> None:
        """``limits``: of the address. None: links are not counted."""
        self._limits = limits
        self._links: dict[str, Open] = {}

    def add(self, link: Open) -> None:
        """Let the link wait."""
        self._links[link.link] = link

    def drop(self, name: str) -> None:
        """The link is not wanted any more."""
        self._links.pop(name, None)

    def clear(self) -> None:
        """No link is wanted any more."""
        self._links.clear()

    def take(self, now_us: int) -> list[Open]:
        """Return the links to open now, the one that waited longest first."""
        taken: list[Open] = []
        while self._links and (self._limits is None or self._limits.spend(CONNECTIONS, 1, now_us)):
            taken.append(self._links.pop(next(iter(self._links))))
        return taken

    def due_us(self, now_us: int) -> int | None:
        """Return when the next one may be opened; None if none waits."""
        if not self._links or self._limits is None:
            return None
        return self._limits.free_us(CONNECTIONS, 1, now_us)

"""What runs the links and requests of one venue, as its feed sees it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from floorwire.core.ports import Close, Fetch, Frame, Open, Send, VenueInput
from floorwire.core.venue_traffic import VenueTraffic


class Connector(Protocol):
    """Carries out what a venue asks for, in the background, and queues what happens."""

    traffic: VenueTraffic

    def start(self, on_input: Callable[[], None], on_frame: Callable[[Frame], bool] | None = None) -> None:
        """Call ``on_input`` whenever an input was queued, from now on.

        ``on_frame``: called with the only message of one read from a socket, when nothing is queued and the
        venue is handling nothing. Returns whether it was handled; if not, it is queued.
        """
        ...

    def reset(self) -> None:
        """End all in the background, and forget what waits: the venue starts anew."""
        ...

    async def close(self) -> None:
        """End all, and wait for that."""
        ...

    def next_input(self) -> VenueInput | None:
        """Return what happened next; None if nothing waits."""
        ...

    def carry_out(self, effect: Open | Send | Close | Fetch) -> None:
        """Begin to do what the venue asks for."""
        ...

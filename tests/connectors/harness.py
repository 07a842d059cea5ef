"""A connector, and what a venue would get of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from floorwire.connectors.network_route import NetworkRoute
from floorwire.connectors.venue_connector import VenueConnector
from floorwire.core.ports import Answer, Closed, Frame, Opened, VenueInput

DIRECT = NetworkRoute(proxies={})


class Inputs:
    """All inputs so far, in order. ``is_reading`` False: they wait in the connector."""

    def __init__(self, connector: VenueConnector) -> None:
        self.connector = connector
        self.all: list[VenueInput] = []
        self.is_reading = True

    def read(self) -> None:
        """Take what waits."""
        while self.is_reading and (happened := self.connector.next_input()) is not None:
            self.all.append(happened)

    def frames(self, link: str = "a") -> list[str]:
        """Return the messages of a link."""
        frames = [one for one in self.all if isinstance(one, Frame) and one.link == link]
        return [one.data if isinstance(one.data, str) else one.data.decode() for one in frames]

    def opened(self) -> int:
        """Return how often a link came up."""
        return sum(isinstance(one, Opened) for one in self.all)

    def reasons(self) -> list[str]:
        """Return why links went down."""
        return [one.reason for one in self.all if isinstance(one, Closed)]

    def answers(self) -> list[Answer]:
        """Return the answers to requests."""
        return [one for one in self.all if isinstance(one, Answer)]

    async def until(self, is_so: Callable[[], object]) -> None:
        """Wait until it is so."""
        async with asyncio.timeout(20):
            while not is_so():
                await asyncio.sleep(0.002)


@asynccontextmanager
async def connected(route: NetworkRoute = DIRECT) -> AsyncIterator[Inputs]:
    """Run a connector."""
    connector = VenueConnector("test", route)
    inputs = Inputs(connector)
    connector.start(inputs.read)
    try:
        yield inputs
    finally:
        await connector.close()

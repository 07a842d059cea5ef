"""No desk: for worlds where nobody trades."""

from __future__ import annotations

from typing import NoReturn

from floorwire.core.accounts import PrivateChannel
from floorwire.protocol.counter import Client
from floorwire.protocol.requests import Subscribe
from floorwire.protocol.trading import TradingRequest


class NoDesk:
    """Lets clients go; serves none."""

    def trade(self, client: Client, request: TradingRequest) -> NoReturn:
        """Fail the test."""
        raise AssertionError(f"{request} came to no desk")

    def follow(self, client: Client, request: Subscribe, channel: PrivateChannel) -> NoReturn:
        """Fail the test."""
        raise AssertionError(f"{request} came to no desk")

    def halted_symbols(self) -> frozenset[str]:
        """Nothing is halted."""
        return frozenset()

    def unfollow(self, client: Client, channel: PrivateChannel) -> NoReturn:
        """Fail the test."""
        raise AssertionError(f"{channel} is followed at no desk")

    def held(self, client: Client, channel: PrivateChannel) -> NoReturn:
        """Fail the test."""
        raise AssertionError(f"{channel} is followed at no desk")

    def left(self, client: Client) -> None:
        """Nothing is left behind."""

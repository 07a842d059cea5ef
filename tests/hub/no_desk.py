"""No desk: for worlds where nobody trades."""

from __future__ import annotations

from typing import NoReturn

from floorwire.core.account_events import PrivateChannel
from floorwire.core.dates import Moment
from floorwire.protocol.desk_ports import DeskClient
from floorwire.protocol.requests import Subscribe
from floorwire.protocol.trading_requests import TradingRequest


class NoDesk:
    """Lets clients go; serves none."""

    def submit(self, client: DeskClient, request: TradingRequest, at: Moment) -> NoReturn:
        """Fail the test."""
        raise AssertionError(f"{request} came to no desk")

    def follow(self, client: DeskClient, request: Subscribe, channel: PrivateChannel) -> NoReturn:
        """Fail the test."""
        raise AssertionError(f"{request} came to no desk")

    def halted_symbols(self) -> frozenset[str]:
        """Nothing is halted."""
        return frozenset()

    def unfollow(self, client: DeskClient, channel: PrivateChannel) -> NoReturn:
        """Fail the test."""
        raise AssertionError(f"{channel} is followed at no desk")

    def subscription(self, client: DeskClient, channel: PrivateChannel) -> NoReturn:
        """Fail the test."""
        raise AssertionError(f"{channel} is followed at no desk")

    def on_disconnect(self, client: DeskClient) -> None:
        """Nothing is left behind."""

"""The counter: what a connection and the trading desk ask of each other across it."""

from __future__ import annotations

from typing import Protocol, TypeAlias

from floorwire.core.account_events import PrivateChannel
from floorwire.core.authorization import Principal
from floorwire.protocol.answers import TradingReply
from floorwire.protocol.codec import Codec
from floorwire.protocol.replies import HeldSubscription, Subscribed
from floorwire.protocol.requests import Subscribe
from floorwire.protocol.trading_requests import TradingRequest

Reply: TypeAlias = TradingReply | Subscribed


class DeskClient(Protocol):
    """Who stands at the counter: a connection, or a request over HTTP. Calls after its end do nothing."""

    codec: Codec

    @property
    def principal(self) -> Principal:
        """Who it is by now."""
        ...

    def answer(self, reply: Reply) -> None:
        """Take the answer to a request; ``flush`` follows."""
        ...

    def tell(self, frames: bytes) -> None:
        """Take events; they must not be left out, so where they do not fit the connection ends (4008)."""
        ...

    def has_room(self, size: int) -> bool:
        """Return whether it takes so many bytes of events more."""
        ...

    def flush(self) -> None:
        """Send what was taken."""
        ...

    def close_slow(self) -> None:
        """End as one that takes too slowly (4008)."""
        ...


class DeskPort(Protocol):
    """Who serves there. Each request is answered once, in the order of the requests, when it is durable."""

    def submit(self, client: DeskClient, request: TradingRequest) -> None:
        """See to the request."""
        ...

    def follow(self, client: DeskClient, request: Subscribe, channel: PrivateChannel) -> None:
        """Tell the client all that happens to its account there, from a snapshot or from where it was."""
        ...

    def unfollow(self, client: DeskClient, channel: PrivateChannel) -> None:
        """Tell it no more."""
        ...

    def subscription(self, client: DeskClient, channel: PrivateChannel) -> HeldSubscription:
        """Return the subscription as it stands."""
        ...

    def halted_symbols(self) -> frozenset[str] | None:
        """Return the symbols in which an operator halted trading; None: all trading is halted."""
        ...

    def on_disconnect(self, client: DeskClient) -> None:
        """The connection is gone."""
        ...

"""Ports between a client and the trading desk: what each calls on the other."""

from __future__ import annotations

from typing import Protocol, TypeAlias

from floorwire.core.account_events import PrivateChannel
from floorwire.core.authorization import Principal
from floorwire.core.dates import Moment
from floorwire.protocol.codec import Codec
from floorwire.protocol.replies import HeldSubscription, Subscribed, TradingReply
from floorwire.protocol.requests import Subscribe
from floorwire.protocol.trading_requests import TradingRequest

Reply: TypeAlias = TradingReply | Subscribed


class DeskClient(Protocol):
    """A client of the desk: a WebSocket connection, or one HTTP request. After its end, calls do nothing."""

    codec: Codec

    @property
    def principal(self) -> Principal:
        """Who is signed in now."""
        ...

    def answer(self, reply: Reply) -> None:
        """Queue the reply to a request. ``flush`` follows."""
        ...

    def tell(self, frames: bytes) -> None:
        """Queue private events. If they do not fit, close the connection (4008): none may be left out."""
        ...

    def has_room(self, size: int) -> bool:
        """Return whether ``size`` more bytes of events fit."""
        ...

    def flush(self) -> None:
        """Send what is queued."""
        ...

    def close_slow(self) -> None:
        """Close a slow client (4008)."""
        ...


class DeskPort(Protocol):
    """The trading desk. It replies once to each request, in order, when the outcome is durable."""

    def submit(self, client: DeskClient, request: TradingRequest, at: Moment) -> None:
        """Carry out the request, and reply by ``client.answer``. ``at``: when the request was read."""
        ...

    def follow(self, client: DeskClient, request: Subscribe, channel: PrivateChannel) -> None:
        """Subscribe the client to a private channel: from a snapshot, or from where it asks to resume."""
        ...

    def unfollow(self, client: DeskClient, channel: PrivateChannel) -> None:
        """Unsubscribe the client from a private channel."""
        ...

    def subscription(self, client: DeskClient, channel: PrivateChannel) -> HeldSubscription:
        """Return the client's subscription as it is now."""
        ...

    def halted_symbols(self) -> frozenset[str] | None:
        """Return the symbols that an operator halted, or None if all trading is halted."""
        ...

    def on_disconnect(self, client: DeskClient) -> None:
        """The client's connection has ended. Its guards (cancel on disconnect) begin."""
        ...

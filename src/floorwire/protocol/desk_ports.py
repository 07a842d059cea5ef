"""Ports between a client and the trading desk: what each calls on the other."""

from __future__ import annotations

from collections.abc import Callable
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

    def queue_events(self, frames: bytes) -> None:
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


class Turns(Protocol):
    """The turn queue of the process: the desk's long work is cut into turns of the event loop there."""

    def admits(self, cost_us: int) -> bool:
        """Return whether work of this price may be done at once. It is counted then."""
        ...

    def add(self, step: Callable[[], bool], owner: str) -> None:
        """Run the step in the turns of its owner, until it returns False."""
        ...

    async def wait(self, owner: str, cost_us: int) -> None:
        """Return in the owner's turn, to do work of this price."""
        ...


class DeskPort(Protocol):
    """The trading desk. It replies once to each request, in order, when the outcome is durable."""

    def submit(self, client: DeskClient, request: TradingRequest, at: Moment) -> None:
        """Carry out the request, and reply by ``client.answer``. ``at``: when the request was read."""
        ...

    def subscribe(self, client: DeskClient, request: Subscribe, channel: PrivateChannel) -> None:
        """Subscribe the client to a private channel: from a snapshot, or from where it asks to resume."""
        ...

    def unsubscribe(self, client: DeskClient, channel: PrivateChannel) -> None:
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

"""Coinbase's WebSockets: subscriptions, heartbeats, and what ends a connection."""

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Protocol

from starlette.websockets import WebSocket, WebSocketDisconnect

from tests.fake_exchange.coinbase.connection import Connection
from tests.fake_exchange.coinbase.keys import CoinbaseKeys, Unauthorized
from tests.fake_exchange.coinbase.messages import nanosecond_text
from tests.fake_exchange.coinbase.products import CoinbaseProducts
from tests.fake_exchange.faults import Faults, RequestFault
from tests.fake_exchange.limits import Counts, SlidingWindow
from tests.fake_exchange.outbox import Outbox, refuse

# Coinbase has two hosts. The fake has two paths. The host of market data has the user channel too.
HOMES = {"/": "market", "/user": "user"}
AUTHENTICATION = "authentication failure"


class Channels(Protocol):
    names: frozenset[str]

    def start(self, connection: Connection, channel: str, product_ids: list[str]) -> None: ...


class CoinbaseSockets:
    """`acks_first`: the acknowledgement comes before the snapshot. Coinbase mostly has it after."""

    def __init__(
        self, connections: set[Connection], products: CoinbaseProducts, keys: CoinbaseKeys, faults: Faults,
        counts: Counts, now_us: Callable[[], int],
    ) -> None:  # fmt: skip
        self.connections = connections
        self.attempts = SlidingWindow(8, 1_000_000, now_us)
        self.messages_per_s = 8
        self.first_message_us = 5_000_000
        self.idle_us = 75_000_000
        self.acks_first = False
        self.heartbeats = 0
        self._products = products
        self._keys = keys
        self._faults = faults
        self._counts = counts
        self._now_us = now_us
        self._channels: dict[str, Channels] = {}

    def add(self, channels: Channels) -> None:
        self._channels |= dict.fromkeys(channels.names, channels)

    async def serve(self, socket: WebSocket) -> None:
        home = HOMES.get(socket.url.path)
        if home is None or not self.attempts.take() or self._faults.in_maintenance:
            await refuse(socket, self._faults)
            return
        await socket.accept()
        self._counts.connections[home] += 1
        connection = Connection(Outbox(socket, self._faults), home, self._now_us)
        self.connections.add(connection)
        allowed = SlidingWindow(self.messages_per_s, 1_000_000, self._now_us)
        try:
            while True:
                await self._take(connection, await socket.receive_text(), allowed)
        except WebSocketDisconnect:
            return
        finally:
            self.connections.discard(connection)
            await connection.outbox.end()

    def send_heartbeats(self) -> None:
        """As each second."""
        self.heartbeats += 1
        now_us = self._now_us()
        # The text that Go writes for a time. It is no RFC 3339.
        text = nanosecond_text(now_us).replace("T", " ").replace("Z", " +0000 UTC m=+")
        for connection in self.connections:
            if "heartbeats" in connection.products:
                current = f"{text}{self.heartbeats}.628148662"
                event = {"current_time": current, "heartbeat_counter": self.heartbeats}
                connection.send("heartbeats", [event])

    async def end_idle(self) -> None:
        """End those who subscribed to nothing in time, or whose channels had nothing to say for long."""
        now_us = self._now_us()
        ended = [
            connection.outbox.disconnect(1008)
            for connection in self.connections
            if (not connection.products and now_us - connection.opened_us > self.first_message_us)
            or now_us - connection.last_sent_us > self.idle_us
        ]
        await asyncio.gather(*ended)

    def skip_sequence(self) -> None:
        """As if a frame of any channel had been lost on each connection."""
        for connection in self.connections:
            connection.sequence += 1

    async def _take(self, connection: Connection, text: str, allowed: SlidingWindow) -> None:
        try:
            request = json.loads(text)
        except ValueError:
            return connection.send_error("malformed json")
        if not isinstance(request, dict) or request.get("type") not in ("subscribe", "unsubscribe"):
            return connection.send_error("invalid message type")
        kind, channel = str(request["type"]), request.get("channel")
        fault = self._faults.take_request(f"/ws/{kind}")
        if fault is RequestFault.LOSE_BEFORE:
            return await connection.outbox.reset()
        self._counts.requests[kind] += 1
        # Coinbase: the limit is for messages without a token.
        is_over = "jwt" not in request and not allowed.take()
        if is_over or fault in (RequestFault.TOO_MANY, RequestFault.BANNED):
            self._counts.refusals["rate limit exceeded"] += 1
            connection.send_error("rate limit exceeded")
            return await connection.outbox.disconnect(1008)
        if not isinstance(channel, str) or (channel not in self._channels and channel != "heartbeats"):
            return connection.send_error(f"channel {channel} is not supported")
        if connection.home == "user" and channel not in ("user", "heartbeats"):
            return connection.send_error(f"channel {channel} is not supported")
        try:
            product_ids = self._product_ids(channel, request)
            self._authenticate(connection, channel, request)
        except Unauthorized as error:
            self._counts.refusals[f"unauthorized: {error}"] += 1
            return connection.send_error(AUTHENTICATION)
        except ValueError as error:
            return connection.send_error(str(error))
        if kind == "subscribe":
            self._subscribe(connection, channel, product_ids)
        else:
            self._unsubscribe(connection, channel, product_ids)
        if fault in (RequestFault.LOSE_AFTER, RequestFault.CUT_ANSWER):
            await connection.outbox.reset()

    def _authenticate(self, connection: Connection, channel: str, request: Mapping[str, object]) -> None:
        if "jwt" in request or channel == "user":
            account = self._keys.of_socket(request.get("jwt"))
            if channel == "user":
                connection.account = account

    def _product_ids(self, channel: str, request: Mapping[str, object]) -> list[str]:
        named = request.get("product_ids", [])
        if not isinstance(named, list):
            raise ValueError("product_ids has to be a list")
        unknown = [name for name in named if name not in self._products.ids]
        if unknown:
            raise ValueError(f"{unknown[0]} is not a valid product")
        if not named and channel not in ("heartbeats", "user"):
            return self._products.ids
        return [] if channel == "heartbeats" else named

    def _subscribe(self, connection: Connection, channel: str, product_ids: list[str]) -> None:
        self._counts.subscriptions[channel] += 1
        before = connection.products.get(channel)
        # A user channel without products follows all, and one with products only those.
        follows_all = channel == "user" and (not product_ids or before == [])
        connection.products[channel] = [] if follows_all else [*dict.fromkeys((before or []) + product_ids)]
        if self.acks_first or channel == "heartbeats":
            connection.send_subscriptions()
        if channel in self._channels:
            self._channels[channel].start(connection, channel, product_ids)
        if not self.acks_first and channel != "heartbeats":
            connection.send_subscriptions()

    def _unsubscribe(self, connection: Connection, channel: str, product_ids: list[str]) -> None:
        kept = [name for name in connection.products.get(channel, []) if name not in product_ids]
        if kept and product_ids:
            connection.products[channel] = kept
        else:
            connection.products.pop(channel, None)
        connection.send_subscriptions()

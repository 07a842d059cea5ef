"""Carries out what one venue's adapter asks for: WebSockets and HTTP requests, in the background.

What happens is queued, and ``next_input`` gives it to the venue's feed in order. Connections are known by
identity, so that the adapter never hears of one that it closed or replaced.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

import structlog

from floorwire.connectors.connector_tap import ConnectorTap
from floorwire.connectors.input_queue import InputQueue
from floorwire.connectors.network_route import NetworkRoute
from floorwire.connectors.owned_tasks import OwnedTasks
from floorwire.connectors.websocket_connection import WebSocketConnection
from floorwire.core.ports import Answer, Close, Closed, Fetch, Frame, Open, Opened, Send, VenueInput
from floorwire.core.venue_traffic import VenueTraffic

if TYPE_CHECKING:
    from floorwire.connectors.http_requests import HttpRequests

MAX_UNREAD_BYTES: Final = 4 * 1024 * 1024
"""If so much of one connection waits, it is not read until half of that was handled."""
MAX_REQUESTS: Final = 64
"""Requests at once. One more is answered with status 0: adapters keep within the venue's own limits."""
FRAME_BYTES: Final = 256
"""What a message costs besides its own bytes, so that very many small ones count too."""

log = structlog.get_logger("floorwire.venues")


class LinkInput(NamedTuple):
    """An input for the adapter. ``connection``: the one it is of; None: of none."""

    connection: WebSocketConnection | None
    happened: VenueInput


class VenueConnector:
    """The links and requests of one venue. It owns their tasks; ``close`` ends all."""

    def __init__(self, venue: str, route: NetworkRoute, tap: ConnectorTap | None = None) -> None:
        """``tap`` is told all that is sent and that comes."""
        self.traffic = VenueTraffic()
        self._venue = venue
        self._route = route
        self._tap = tap
        self._connections: dict[str, WebSocketConnection] = {}
        """By link: the one that the adapter knows of."""
        self._closing: dict[str, Closed] = {}
        """By link: the answer to its ``Close``, until it is delivered."""
        self._inputs: InputQueue[LinkInput] = InputQueue()
        """Frames are bounded by MAX_UNREAD_BYTES a link and one read; there are few of the others."""
        self._links = OwnedTasks(venue)
        """Those that are ending too."""
        self._requests = OwnedTasks(venue)
        self._on_frame: Callable[[Frame], bool] = _refuse

    def start(self, on_input: Callable[[], None], on_frame: Callable[[Frame], bool] | None = None) -> None:
        """Call ``on_input`` whenever an input was queued, from now on.

        ``on_frame``: called with the only message of one read, if nothing is queued. Returns whether it was
        handled; if not, it is queued.
        """
        self._inputs.start(on_input)
        self._on_frame = on_frame or _refuse

    def reset(self) -> None:
        """End all links and requests in the background, and forget what waits: the adapter starts anew."""
        for connection in self._connections.values():
            connection.end()
            self._down(connection.link, "the venue starts again or stops", "info")
        self._connections.clear()
        self._closing.clear()
        self._inputs.waiting.clear()
        self._requests.cancel()

    async def close(self) -> None:
        """End all links and requests, and wait for that."""
        self._inputs.stop()
        self._on_frame = _refuse
        self.reset()
        await self._links.wait()
        await self._requests.wait()
        if "_http" in vars(self):
            await self._http.close()

    def next_input(self) -> VenueInput | None:
        """Return what happened next; None if nothing waits."""
        waiting = self._inputs.waiting
        while waiting:
            connection, happened = waiting.popleft()
            if connection is None:
                if not isinstance(happened, Closed):
                    return happened
                if self._closing.get(happened.link) is happened:
                    del self._closing[happened.link]
                    return happened
                continue
            if isinstance(happened, Frame):
                self._handled(connection, len(happened.data) + FRAME_BYTES)
            if self._connections.get(connection.link) is not connection:
                continue
            if isinstance(happened, Closed):
                del self._connections[connection.link]
            return happened
        return None

    def carry_out(self, effect: Open | Send | Close | Fetch) -> None:
        """Begin to do what the adapter asks for."""
        match effect:
            case Open(link, url):
                self._open(link, url)
            case Send(link, text):
                connection = self._connections.get(link)
                if connection is not None:
                    if self._tap is not None:
                        self._tap.sent(link, text)
                    connection.send(text)
            case Close(link, reason):
                self._close(link, reason)
            case Fetch():
                self._fetch(effect)

    # --- called by connections --------------------------------------------------------------------

    def opened(self, connection: WebSocketConnection) -> None:
        """A connection is up."""
        if self._connections.get(connection.link) is connection:
            traffic = self.traffic.link(connection.link)
            traffic.state = "up"
            traffic.opened += 1
            log.info("link up", venue=self._venue, link=connection.link, times=traffic.opened)
            if self._tap is not None:
                self._tap.opened(connection.link, connection.url)
            self._put(connection, Opened(connection.link))

    def received(self, connection: WebSocketConnection, message: bytes, *, is_last: bool) -> None:
        """A message came on a connection. ``is_last``: of one read from its socket."""
        if self._connections.get(connection.link) is not connection:
            return
        if self._tap is not None:
            self._tap.received(connection.link, message)
        frame = Frame(connection.link, message)
        is_handled = is_last and not self._inputs.waiting and self._on_frame(frame)
        traffic = self.traffic.link(connection.link)
        traffic.frames += 1
        traffic.bytes += len(message)
        if is_handled:
            return
        connection.unread_bytes += len(message) + FRAME_BYTES
        if connection.unread_bytes > MAX_UNREAD_BYTES and not connection.is_paused:
            connection.pause()
            traffic.paused += 1
        self._put(connection, frame)

    def ended(self, connection: WebSocketConnection, reason: str) -> None:
        """A connection ended by itself."""
        if self._connections.get(connection.link) is connection:
            self._down(connection.link, reason, "warning")
            self._put(connection, Closed(connection.link, reason, *connection.refusal))

    # --- links ------------------------------------------------------------------------------------

    def _open(self, link: str, url: str) -> None:
        self._closing.pop(link, None)
        before = self._connections.pop(link, None)
        if before is not None:
            before.end()
            self._down(link, "opened again", "info")
        connection = self._connections[link] = WebSocketConnection(link, url, self._route, self)
        self.traffic.link(link).state = "opening"
        connection.task = self._links.start(connection.run())

    def _close(self, link: str, reason: str) -> None:
        connection = self._connections.pop(link, None)
        if connection is not None:
            connection.end()
            self._down(link, reason, "info")
        closed = self._closing[link] = Closed(link, reason)
        self._put(None, closed)

    def _down(self, link: str, reason: str, level: Literal["info", "warning"]) -> None:
        traffic = self.traffic.link(link)
        if traffic.state == "up" and self._tap is not None:
            self._tap.closed(link, reason)
        traffic.state = "down"
        traffic.last_reason = reason
        write = log.info if level == "info" else log.warning
        write("link down", venue=self._venue, link=link, reason=reason)

    def _handled(self, connection: WebSocketConnection, size: int) -> None:
        connection.unread_bytes -= size
        if connection.is_paused and connection.unread_bytes <= MAX_UNREAD_BYTES // 2:
            connection.resume()

    @cached_property
    def _http(self) -> HttpRequests:
        """Made for the first request: to import its library takes a twentieth of a second of each start."""
        from floorwire.connectors.http_requests import HttpRequests

        return HttpRequests(self._route)

    # --- requests -----------------------------------------------------------------------------------

    def _fetch(self, fetch: Fetch) -> None:
        if len(self._requests) >= MAX_REQUESTS:
            log.warning("too many requests at once", venue=self._venue, most=MAX_REQUESTS)
            self._put(None, Answer(fetch.request, 0, b""))
            return
        self.traffic.requested += 1
        if self._tap is not None:
            self._tap.requested(fetch.method, fetch.url)
        self._requests.start(self._request(fetch)).add_done_callback(self._request_ended)
        self.traffic.requests_under_way = len(self._requests)

    def _request_ended(self, _request: asyncio.Task[None]) -> None:
        self.traffic.requests_under_way = len(self._requests)

    async def _request(self, fetch: Fetch) -> None:
        answer = await self._http.send(
            fetch.url, fetch.timeout_us / 1_000_000, fetch.method, fetch.headers, fetch.body
        )
        self.traffic.answered(answer.status, answer.reason)
        if self._tap is not None:
            self._tap.answered(fetch.url, answer.status, answer.body)
        if not 200 <= answer.status < 300:
            log.warning(
                "request failed",
                venue=self._venue,
                method=fetch.method,
                url=self._route.rest(fetch.url).partition("?")[0],  # The query may be signed.
                status=answer.status,
                reason=answer.reason,
            )
        self._put(None, Answer(fetch.request, answer.status, answer.body, answer.headers))

    def _put(self, connection: WebSocketConnection | None, happened: VenueInput) -> None:
        self._inputs.put(LinkInput(connection, happened))


def _refuse(_frame: Frame) -> bool:
    """Let it be queued."""
    return False

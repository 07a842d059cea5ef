"""A transport in memory: the test is the server, and says when a connection is cut."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import msgspec

from floorwire.client.address import Address
from floorwire.client.transport import HandshakeRefusedError, HttpAnswer, Receiver
from floorwire.protocol.client_codec import ClientCodec
from floorwire.protocol.codec import JSON
from floorwire.protocol.envelopes import AnyRequest, Outgoing
from floorwire.protocol.replies import Pong
from floorwire.protocol.requests import Ping

SERVER_US = 1_800_000_000_000_000


class MemoryLink:
    """One connection: what was sent on it, and how it ended. It answers pings by itself."""

    def __init__(self, receiver: Receiver, headers: Mapping[str, str]) -> None:
        self.receiver = receiver
        self.headers = headers
        self.sent: list[AnyRequest] = []
        self.ended = ""
        self.answers_pings = True

    def send(self, data: bytes) -> None:
        request = JSON.request(data, binary=False)
        if isinstance(request, Ping):
            if self.answers_pings:
                self.tell(Pong(id=request.id, ts=SERVER_US))
        else:
            self.sent.append(request)

    def close(self) -> None:
        self.ended = self.ended or "closed"

    def abort(self) -> None:
        self.ended = self.ended or "aborted"

    def tell(self, *messages: Outgoing) -> None:
        """Let the client receive messages, a moment later."""
        loop = asyncio.get_running_loop()
        for message in messages:
            loop.call_soon(self._receive, msgspec.json.encode(message))

    def _receive(self, data: bytes) -> None:
        if not self.ended:
            self.receiver.on_message(data)

    def cut(self, code: int = 1006, reason: str = "") -> None:
        """End it, as the server or the network does."""
        if not self.ended:
            self.ended = "cut"
            self.receiver.on_closed(code, reason)


class MemoryTransport:
    """Gives links. ``refusals`` are what the next handshakes get in place of one."""

    def __init__(self) -> None:
        self.links: list[MemoryLink] = []
        self.refusals: list[HandshakeRefusedError] = []
        self.urls: list[str] = []
        self.answers: list[HttpAnswer] = []
        self.is_closed = False
        self._made = asyncio.Event()
        """Set when the next link is made."""

    async def connect(
        self, address: Address, headers: Mapping[str, str], codec: ClientCodec, receiver: Receiver
    ) -> MemoryLink:
        await asyncio.sleep(0)
        if self.refusals:
            raise self.refusals.pop(0)
        self.links.append(MemoryLink(receiver, headers))
        self._made.set()
        self._made = asyncio.Event()
        return self.links[-1]

    async def request(self, url: str, headers: Mapping[str, str], timeout_s: float) -> HttpAnswer:
        self.urls.append(url)
        return self.answers.pop(0)

    async def aclose(self) -> None:
        self.is_closed = True

    async def link(self, number: int) -> MemoryLink:
        """Return the link of this number, once it is there and open."""
        while len(self.links) <= number:
            await self._made.wait()
        await settled()
        return self.links[number]


async def settled() -> None:
    """Let everything happen that waits for nothing."""
    for _ in range(20):
        await asyncio.sleep(0)

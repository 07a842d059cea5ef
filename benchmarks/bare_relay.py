"""A bare relay: forwards each frame of one WebSocket to all clients, without a look into it.

``python -m benchmarks.bare_relay URL PORT`` runs it. It is the lower limit of what stands between an exchange
and its clients in this language and with this library.
"""

from __future__ import annotations

import sys

import picows
import uvloop
from picows import WSFrame, WSListener, WSMsgType, WSTransport, WSUpgradeRequest

HOST = "127.0.0.1"


class Clients(WSListener):
    """All clients that are connected."""

    def __init__(self) -> None:
        self.connected: set[WSTransport] = set()

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Forward to it from now on."""
        self.connected.add(transport)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """Forward nothing more to it."""
        self.connected.discard(transport)


class Source(WSListener):
    """The exchange."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Forward a frame."""
        payload = frame.get_payload_as_bytes()
        for client in self._clients.connected:
            client.send(WSMsgType.TEXT, payload)


async def main(url: str, port: int) -> None:
    """Run until the exchange ends."""
    clients = Clients()

    def accept(_request: WSUpgradeRequest) -> WSListener:
        return clients

    transport, _ = await picows.ws_connect(lambda: Source(clients), url)
    server = await picows.ws_create_server(accept, HOST, port)
    async with server:
        await transport.wait_disconnected()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], int(sys.argv[2])))

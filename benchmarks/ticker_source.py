"""A server that sends tickers as fast as they are read: ``python -m benchmarks.ticker_source PORT COUNT``.

It answers pings and one subscription as Floorwire does, in the encoding that the client asks for. Then it
sends all tickers of one symbol, encoded before. It does nothing else, so what is measured is the client.
"""

from __future__ import annotations

import asyncio
import sys

import msgspec
from picows import WSFrame, WSListener, WSMsgType, WSTransport, WSUpgradeRequest, ws_create_server

from floorwire.protocol.channel_events import Ticker
from floorwire.protocol.codec import JSON, MSGPACK, Codec
from floorwire.protocol.replies import Pong, Subscribed
from floorwire.protocol.requests import Ping, Subscribe

HOST = "127.0.0.1"
SYMBOL = "BTC-USDT"
CHUNK = 500
"""Tickers in one write."""
SENT_US = 1_764_000_061_254_300


def ticker(seq: int) -> Ticker:
    """Return one ticker; each differs from the one before as real ones do."""
    bid = f"{64_000 + seq % 977}.10"
    return Ticker(
        epoch="9f3c2a1b-1",
        seq=seq,
        ts=SENT_US + seq - 4_300,
        recv=SENT_US + seq - 100,
        sent=SENT_US + seq,
        symbol=SYMBOL,
        bid=bid,
        bid_size=f"0.{seq % 9_000 + 1_000}0",
        ask=f"{64_000 + seq % 977}.20",
        ask_size="1.00000",
        last=bid,
        last_size="0.01500",
        open="63120.40",
        high="65002.10",
        low="62800.00",
        volume="1201.31400",
        quote_volume="77312481.3290000",
        change="1312.40",
    )


class Source(WSListener):
    """One client."""

    def __init__(self, codec: Codec, chunks: list[bytes]) -> None:
        self._codec = codec
        self._chunks = chunks
        self._task: asyncio.Task[None] | None = None
        self._may_write = asyncio.Event()
        self._may_write.set()

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Answer a request; after a subscription, send everything."""
        if frame.msg_type not in (WSMsgType.TEXT, WSMsgType.BINARY):
            return
        request = self._codec.request(frame.get_payload_as_bytes(), self._codec.binary)
        kind = WSMsgType.BINARY if self._codec.binary else WSMsgType.TEXT
        if isinstance(request, Ping):
            transport.send(kind, _encoded(self._codec, Pong(id=request.id, ts=SENT_US)))
        elif isinstance(request, Subscribe):
            reply = Subscribed(
                id=request.id,
                channel="ticker",
                symbol=SYMBOL,
                instrument=SYMBOL,
                on_slow="conflate",
                epoch="9f3c2a1b-1",
                seq=1,
                feed="live",
            )
            transport.send(kind, _encoded(self._codec, reply))
            self._task = asyncio.create_task(self._send(transport))

    def pause_writing(self) -> None:
        """Wait: the client reads more slowly than we write."""
        self._may_write.clear()

    def resume_writing(self) -> None:
        """Go on."""
        self._may_write.set()

    async def _send(self, transport: WSTransport) -> None:
        for chunk in self._chunks:
            await self._may_write.wait()
            transport.underlying_transport.write(chunk)
            await asyncio.sleep(0)


async def main(port: int, count: int) -> None:
    """Serve until the process is ended."""
    chunks = {codec.subprotocol: _chunks(codec, count) for codec in (JSON, MSGPACK)}

    def accept(request: WSUpgradeRequest) -> object:
        from picows import WSUpgradeResponse, WSUpgradeResponseWithListener

        asked = request.headers.get("Sec-WebSocket-Protocol")
        codec = MSGPACK if asked == MSGPACK.subprotocol else JSON
        headers = {"Sec-WebSocket-Protocol": asked} if asked else {}
        return WSUpgradeResponseWithListener(
            WSUpgradeResponse.create_101_response(headers), Source(codec, chunks[codec.subprotocol])
        )

    server = await ws_create_server(accept, HOST, port)  # type: ignore[arg-type]
    async with server:
        await server.serve_forever()


def _encoded(codec: Codec, message: msgspec.Struct) -> bytes:
    return msgspec.msgpack.encode(message) if codec.binary else msgspec.json.encode(message)


def _chunks(codec: Codec, count: int) -> list[bytes]:
    frames = [codec.frame(ticker(seq)) for seq in range(1, count + 1)]
    return [b"".join(frames[begin : begin + CHUNK]) for begin in range(0, count, CHUNK)]


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))

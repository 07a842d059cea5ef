"""The client of ``venue_relay``, in a process of its own: each message has to wake it, whoever sent it.

``python -m benchmarks.relay_client URL [subscribe]`` prints a line when it follows the trades. When its input
ends it prints when each trade came, as JSON: the trade's id and nanoseconds.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from contextlib import suppress

import msgspec
import picows
import uvloop
from picows import WSFrame, WSListener, WSMsgType, WSTransport

START_S = 20.0
SUBSCRIBE = json.dumps({"action": "subscribe", "channel": "trades", "symbol": "BTC-USDT"}).encode()


class RawTrade(msgspec.Struct):
    """A trade as the exchange sends it."""

    trade_id: int = msgspec.field(name="t")


class Raw(msgspec.Struct):
    """A frame as the exchange sends it."""

    data: RawTrade


class Shown(msgspec.Struct):
    """A message of the channel ``trades``."""

    trade_id: str = ""
    channel: str = ""


class Client(WSListener):
    """Notes when each trade came."""

    def __init__(self) -> None:
        self.received_ns: dict[int, int] = {}
        self.is_subscribed = asyncio.Event()

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Take a message: the time first."""
        now_ns = time.monotonic_ns()
        payload = frame.get_payload_as_bytes()
        if payload.startswith(b'{"stream"'):
            self.received_ns[msgspec.json.decode(payload, type=Raw).data.trade_id] = now_ns
            return
        shown = msgspec.json.decode(payload, type=Shown)
        if shown.trade_id:
            self.received_ns[int(shown.trade_id)] = now_ns
        elif b'"subscribed"' in payload:
            self.is_subscribed.set()


async def main(url: str, *, subscribes: bool) -> None:
    """Run until the input ends."""
    client = Client()
    transport = await _connected(client, url)
    while subscribes and not client.is_subscribed.is_set():  # the exchange's list may not have come yet
        transport.send(WSMsgType.TEXT, SUBSCRIBE)
        with suppress(TimeoutError):
            await asyncio.wait_for(client.is_subscribed.wait(), 0.2)
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    print(json.dumps(client.received_ns))
    transport.disconnect()


async def _connected(client: Client, url: str) -> WSTransport:
    """Connect as soon as the server accepts connections."""
    end_s = time.monotonic() + START_S
    while True:
        try:
            transport, _ = await picows.ws_connect(lambda: client, url)
        except (OSError, picows.WSError):
            if time.monotonic() > end_s:
                raise
            await asyncio.sleep(0.1)
        else:
            return transport


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], subscribes="subscribe" in sys.argv))

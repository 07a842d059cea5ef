"""Fuzzes what a client without a key says on an open WebSocket, in JSON and in MessagePack."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from typing import Final, get_args

import msgspec

from floorwire.app import Gateway
from floorwire.config import LimitSettings, Settings
from floorwire.core.authorization import ANONYMOUS_MARKET
from floorwire.core.codes import CloseCode, Code
from floorwire.core.market_events import FeedStatus, Listing, MarketEvent
from floorwire.protocol.codec import ACTIONS, JSON, MSGPACK, Codec
from floorwire.protocol.envelopes import AnyRequest
from floorwire.protocol.frames import split
from tests.clocks import SECOND_US, Times
from tests.fuzz.stopped_loop import StoppedLoop, settle
from tests.scripted import SYMBOLS, listing, snapshot

MOST_MESSAGES: Final = 24
MOST_REPLY: Final = 16_384
"""Bytes that one short message may bring from a quiet market: a reply and first states."""
MOST_ERROR: Final = 4_096
STATUSES: Final = frozenset(("error", "ok", "pong", "subscribed", "unsubscribed", "subscriptions", "symbols"))
EXAMPLES: Final[tuple[dict[str, object], ...]] = (
    {"action": "subscribe", "channel": "ticker", "symbol": "BTC-USDT"},
    {"action": "subscribe", "channel": "book", "symbols": ["BTC-USDT", "ETH-USDT"], "depth": 10},
    {"action": "subscribe", "channel": "candles", "symbol": "BTC-USDT", "interval": "1m", "id": "a"},
    {"action": "subscribe", "channel": "trades", "symbol": "BTC-USDT", "resume": {"epoch": "e", "seq": 1}},
    {"action": "subscribe", "channel": "heartbeat", "on_slow": "conflate", "id": 1},
    {"action": "subscribe", "channel": "system"},
    {"action": "subscribe", "channel": "orders"},
    {"action": "subscribe", "symbol": "BTC-USDT"},
    {"action": "unsubscribe", "channel": "ticker", "symbol": "BTC-USDT"},
    {"action": "subscriptions"},
    {"action": "symbols"},
    {"action": "ping", "id": 7},
    {"action": "login", "key": "fw0123456789abcdef", "ts": 1, "signature": "0" * 64},
    {"action": "login", "token": "a.b.c"},
    {"action": "order.place", "client_order_id": "a", "symbol": "BTC-USDT", "side": "buy", "quantity": "1"},
    {"action": "order.cancel", "order_id": "1"},
    {"action": "order.amend", "client_order_id": "a", "price": "1"},
    {"action": "fills", "limit": 5, "before": "9"},
    {"action": "session.deadman", "timeout_s": 5},
    {"action": "session.cancel_on_disconnect", "enabled": True, "grace_s": 1.5},
)


class MemoryWire:
    """A wire whose peer reads everything at once."""

    fd = -1
    is_blocked = False

    def __init__(self, address: str) -> None:
        self.address = address
        self.written = bytearray()
        self.close_code: int | None = None

    def write(self, data: bytes) -> bool:
        assert self.close_code is None, "written after the end"
        self.written += data
        return True

    def ping(self) -> bool:
        return True

    def defer(self) -> None:
        """The next message comes only when the work is done."""

    def close(self, code: CloseCode | int, reason: str) -> None:
        assert len(reason.encode()) <= 123, reason
        self.close_code = int(code)


class Requests:
    """Messages of one connection, cut at ``separator``, at a gateway whose market stands still."""

    max_bytes = 2_048

    def __init__(self, name: str, codec: Codec, separator: bytes) -> None:
        self.name = name
        self._codec = codec
        self._separator = separator
        self._folder = tempfile.TemporaryDirectory()
        self._times = Times()
        limits = LimitSettings(subscriptions=100)
        settings = Settings(data=self._folder.name, limits=limits, journal="memory")
        self._gateway = Gateway(settings, venues=[], clock=self._times.clock())
        self._loop = StoppedLoop()
        self._talks = 0
        self._loop.run_until_complete(self._open_market())

    async def _open_market(self) -> None:
        await self._gateway.desk.open()
        now_us = self._times.system_us
        events: list[MarketEvent] = [Listing(tuple(map(listing, SYMBOLS)), now_us)]
        events += [snapshot(symbol, now_us) for symbol in SYMBOLS]
        events.append(FeedStatus(None, "live", "on", now_us))
        self._gateway.hub.publish("scripted", events, now_us)

    def seeds(self) -> Sequence[bytes]:
        """Return a request of each action, alone and all together."""
        encode = msgspec.json.encode if self._codec is JSON else msgspec.msgpack.encode
        each = [encode(example) for example in EXAMPLES]
        return [*each, self._separator.join(each)]

    def words(self) -> Sequence[bytes]:
        """Return every action, field and word of the protocol, as they are encoded."""
        kinds = get_args(AnyRequest)
        fields = {field.name for kind in kinds for field in msgspec.structs.fields(kind)}
        values = {
            "BTC-USDT",
            "ticker",
            "book",
            "trades",
            "candles",
            "heartbeat",
            "system",
            "1m",
            "conflate",
            "skip",
        }
        texts = sorted(
            {*map(str, ACTIONS), *fields, *values, "epoch", "seq", "action", "disconnect", "fills"}
        )
        if self._codec is JSON:
            more = (
                b'{"',
                b'":',
                b',"',
                b"\\ud800",
                b"1e999",
                b"-1",
                b"9007199254740993",
                b"null",
                b"[[[[",
                b"true",
            )
            return (*(json.dumps(text).encode() for text in texts), *more, self._separator)
        numbers: tuple[object, ...] = (0, -1, 2**53 + 1, 1.5, None, True, [], {})
        packed = [msgspec.msgpack.encode(text) for text in (*texts, *numbers)]
        return (
            *packed,
            b"\xd9\xff",
            b"\xdf\xff\xff\xff\xff",
            b"\xc7\x01\xff",
            b"\xdd\xff\xff\xff\xff",
            self._separator,
        )

    def close(self) -> None:
        """Release the gateway."""
        self._loop.run_until_complete(self._gateway.desk.close())
        self._loop.close()
        self._folder.cleanup()

    def run(self, data: bytes) -> None:
        """Require one answer to each message, of bounded size, or the end with a documented code."""
        self._loop.run_until_complete(self._talk(data.split(self._separator)[:MOST_MESSAGES]))
        assert not self._loop.broken, self._loop.broken

    async def _talk(self, messages: Sequence[bytes]) -> None:
        self._talks += 1
        self._times.sleep(3_600 * SECOND_US)
        number = self._talks
        wire = MemoryWire(f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}")
        connection = self._gateway.connection(self._codec, "ticker", ANONYMOUS_MARKET)
        connection.opened(wire)
        for message in messages:
            if wire.close_code is not None:
                break
            before = len(wire.written)
            connection.received(message, self._codec.binary)
            while connection.work():
                pass
            connection.end_of_read()
            await settle()
            self._require_answer(bytes(wire.written[before:]), wire)
        connection.closed(1000)
        await settle()
        assert not self._gateway.hub.subscribers, "a connection that is gone is kept"
        self._gateway.hub.sweep()
        self._loop.forget_timers()

    def _require_answer(self, written: bytes, wire: MemoryWire) -> None:
        assert len(written) <= MOST_REPLY, f"{len(written)} bytes for one message"
        assert wire.close_code is None or wire.close_code in tuple(CloseCode)
        decode = msgspec.json.decode if self._codec is JSON else msgspec.msgpack.decode
        said = [decode(payload) for _, payload in split(written)]
        replies = [message for message in said if "status" in message]
        assert len(replies) == 1 or wire.close_code is not None, said
        for reply in replies:
            if reply["status"] == "error":
                assert reply["code"] in tuple(Code), reply
                assert reply["code"] != Code.INTERNAL, reply
                assert len(written) <= MOST_ERROR, f"{len(written)} bytes of error"
            else:
                assert reply["status"] in STATUSES, reply


def json_requests() -> Requests:
    """Messages in JSON, one a line."""
    return Requests("json", JSON, b"\n")


def msgpack_requests() -> Requests:
    """Messages in MessagePack. The byte c1 between them is no MessagePack."""
    return Requests("msgpack", MSGPACK, b"\xc1")

"""The picows wire on a real socket: the answers to good and bad frames, their order, and the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeAlias

import pytest
from structlog.testing import capture_logs

from floorwire.access.admission import AdmissionVerdict
from floorwire.app import Gateway
from floorwire.config import LimitSettings, Settings
from floorwire.core.codes import CloseCode
from floorwire.hub.peer import Wire
from floorwire.protocol.frames import BINARY, CLOSE, PING, PONG, TEXT, frame, split
from floorwire.web import wire_picows
from floorwire.web.picows_upgrade import PicowsUpgrade
from floorwire.web.websocket_routes import AcceptedUpgrade

LIMIT = 70_000
HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)
CONTINUATION = 0
UNKNOWN = 3
FATAL = "fatal"
DEFER = b"defer"


class EchoingPeer:
    """A peer that echoes at the end of each read, and records how the connection ended."""

    def __init__(self) -> None:
        self.wire: Wire | None = None
        self.ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.alive_count = 0
        self._echoes: list[bytes] = []

    def opened(self, wire: Wire) -> None:
        self.wire = wire

    def received(self, data: bytes, binary: bool) -> None:
        if data == FATAL.encode():
            raise LookupError(FATAL)
        if data == DEFER:
            assert self.wire is not None
            self.wire.defer()
            return
        self._echoes.append(frame(BINARY if binary else TEXT, data))

    def work(self) -> bool:
        return False

    def end_of_read(self) -> None:
        assert self.wire is not None
        if self._echoes:
            self.wire.write(b"".join(self._echoes))
            self._echoes.clear()

    def peer_is_alive(self) -> None:
        self.alive_count += 1

    def writable(self) -> None:
        pass

    def closed(self, code: int) -> None:
        self.ended.set_result(code)


class Client:
    """The other end: raw frames out, whole frames in."""

    def __init__(self, peer: EchoingPeer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.peer = peer
        self._reader = reader
        self.writer = writer

    async def replies(self, *frames: bytes) -> list[tuple[int, bytes]]:
        """Send frames in one write; return all that comes until the connection ends."""
        self.writer.write(b"".join(frames))
        return list(split(await self._reader.read()))

    async def one(self) -> tuple[int, bytes]:
        """Return the next frame, which must be short."""
        head = await self._reader.readexactly(2)
        return head[0] & 0x0F, await self._reader.readexactly(head[1])


Dial: TypeAlias = Callable[[], Awaitable[Client]]


@pytest.fixture
async def dial() -> AsyncIterator[Dial]:
    gateway = Gateway(Settings(limits=LimitSettings(message_bytes=LIMIT)), [])
    peers: list[EchoingPeer] = []
    writers: list[asyncio.StreamWriter] = []

    def protocol() -> PicowsUpgrade:
        peers.append(EchoingPeer())
        verdict = gateway.admission.admit("127.0.0.1", 0)
        return PicowsUpgrade(gateway, AcceptedUpgrade(peers[-1], None), "127.0.0.1", verdict)

    async def connect() -> Client:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writers.append(writer)
        writer.write(HANDSHAKE)
        await reader.readuntil(b"\r\n\r\n")
        return Client(peers[-1], reader, writer)

    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0)
    async with server:
        yield connect
        for writer in writers:
            writer.close()
        for peer in peers:
            await peer.ended
        while gateway.admission.admitted:  # until the sockets have gone too
            await asyncio.sleep(0.005)
    assert gateway.admission.admit("127.0.0.1", 0) is AdmissionVerdict.ADMITTED


def masked(opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0) -> bytes:
    """Return a client's frame, masked with zeros."""
    plain = frame(opcode, payload)
    head = len(plain) - len(payload)
    first = opcode | (0x80 if fin else 0) | rsv << 4
    return bytes([first, plain[1] | 0x80]) + plain[2:head] + bytes(4) + payload


def closing(code: int, reason: bytes = b"") -> bytes:
    return masked(CLOSE, code.to_bytes(2, "big") + reason)


def code_of(received: tuple[int, bytes]) -> int:
    opcode, payload = received
    assert opcode == CLOSE
    return int.from_bytes(payload[:2], "big")


async def test_messages_come_back_in_order_whole_and_of_their_kind(dial: Dial) -> None:
    client = await dial()
    received = await client.replies(
        masked(TEXT, b"one"),
        masked(BINARY, b"tw", fin=False),
        masked(PING, b"?"),
        masked(PONG, b"!"),
        masked(CONTINUATION, b"o"),
        closing(1000),
    )
    assert [s for s in received if s[0] != PONG] == [(TEXT, b"one"), (BINARY, b"two"), (CLOSE, b"\x03\xe8")]
    assert (PONG, b"?") in received
    assert 1 <= client.peer.alive_count <= 6, "once in each read"


async def test_a_message_of_the_largest_size_comes_back(dial: Dial) -> None:
    client = await dial()
    data = b"x" * LIMIT
    assert (await client.replies(masked(BINARY, data), closing(1000)))[0] == (BINARY, data)


@pytest.mark.parametrize(
    ("sent", "answer", "peer_code"),
    [
        (closing(1000, b"bye"), 1000, 1000),
        (closing(4999), 4999, 4999),
        (masked(CLOSE), 1000, CloseCode.NO_STATUS),
        (closing(1000) + closing(1000), 1000, 1000),
        (closing(1000) + masked(UNKNOWN), 1000, 1000),
        (closing(1000) + masked(TEXT, b"late") + masked(PING), 1000, 1000),
    ],
)
async def test_a_close_is_answered_once_and_last(
    dial: Dial, sent: bytes, answer: int, peer_code: int
) -> None:
    client = await dial()
    first, last = await client.replies(masked(TEXT, b"good"), sent)
    assert first == (TEXT, b"good")
    assert code_of(last) == answer
    assert await client.peer.ended == peer_code


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (masked(UNKNOWN), CloseCode.PROTOCOL_ERROR),
        (masked(TEXT, b"x", rsv=4), CloseCode.PROTOCOL_ERROR),
        (masked(PING, rsv=1), CloseCode.PROTOCOL_ERROR),
        (masked(CLOSE, rsv=2), CloseCode.PROTOCOL_ERROR),
        (masked(PING, fin=False), CloseCode.PROTOCOL_ERROR),
        (masked(PING, b"x" * 126), CloseCode.PROTOCOL_ERROR),
        (masked(CONTINUATION, b"x"), CloseCode.PROTOCOL_ERROR),
        (masked(TEXT, b"a", fin=False) + masked(TEXT, b"b"), CloseCode.PROTOCOL_ERROR),
        (frame(TEXT, b"unmasked"), CloseCode.PROTOCOL_ERROR),
        (masked(CLOSE, b"\x03"), CloseCode.PROTOCOL_ERROR),
        (closing(999), CloseCode.PROTOCOL_ERROR),
        (closing(1005), CloseCode.PROTOCOL_ERROR),
        (closing(1006), CloseCode.PROTOCOL_ERROR),
        (closing(5000), CloseCode.PROTOCOL_ERROR),
        (closing(1000, b"\xff"), CloseCode.INVALID_TEXT),
        (masked(TEXT, b"\xff"), CloseCode.INVALID_TEXT),
        (masked(TEXT, b"x" * (LIMIT + 1)), CloseCode.MESSAGE_TOO_BIG),
        (masked(BINARY, b"x" * LIMIT, fin=False) + masked(CONTINUATION, b"x"), CloseCode.MESSAGE_TOO_BIG),
    ],
)
async def test_a_bad_frame_closes_after_the_good_ones_are_answered(
    dial: Dial, bad: bytes, code: CloseCode
) -> None:
    client = await dial()
    first, last = await client.replies(masked(TEXT, b"good"), bad, closing(1000))
    assert first == (TEXT, b"good")
    assert code_of(last) == code
    client.writer.close()
    await client.peer.ended


async def test_a_fault_of_ours_closes_as_such_and_is_logged(dial: Dial) -> None:
    client = await dial()
    with capture_logs() as logs:
        (received,) = await client.replies(masked(TEXT, FATAL.encode()))
    assert received == (CLOSE, CloseCode.INTERNAL.to_bytes(2, "big"))
    assert [(line["log_level"], line["exc_info"]) for line in logs if line["event"] == "fault"] == [
        ("error", True)
    ]
    client.writer.close()
    assert await client.peer.ended == CloseCode.INTERNAL


async def test_a_peer_in_the_middle_of_a_huge_message_still_learns_why(dial: Dial) -> None:
    client = await dial()
    client.writer.write(b"\x82\xff" + (1 << 40).to_bytes(8, "big") + bytes(4))
    for _ in range(100):
        client.writer.write(bytes(100_000))
        await client.writer.drain()
    assert code_of(await client.one()) == CloseCode.MESSAGE_TOO_BIG
    client.writer.close()
    assert await client.peer.ended == CloseCode.MESSAGE_TOO_BIG


async def test_our_own_close_comes_first_and_takes_any_answer(dial: Dial) -> None:
    for answer in (closing(1000), masked(TEXT, b"late") + closing(4000), masked(UNKNOWN)):
        client = await dial()
        assert client.peer.wire is not None
        client.peer.wire.close(CloseCode.KICKED, "out")
        client.peer.wire.close(CloseCode.NORMAL, "again")
        assert await client.replies(answer) == [(CLOSE, CloseCode.KICKED.to_bytes(2, "big") + b"out")]
        client.writer.close()
        assert await client.peer.ended == CloseCode.KICKED


async def test_a_connection_that_vanishes_is_told_as_abnormal(dial: Dial) -> None:
    client = await dial()
    client.writer.transport.abort()
    assert await client.peer.ended == CloseCode.ABNORMAL


# --- many frames in one read -------------------------------------------------------------------------


async def test_many_messages_of_one_read_come_back_in_order(dial: Dial) -> None:
    client = await dial()
    texts = [b"%d" % number for number in range(1_000)]
    received = await client.replies(*(masked(TEXT, text) for text in texts), closing(1000))
    assert [payload for opcode, payload in received if opcode == TEXT] == texts
    assert code_of(received[-1]) == 1000
    assert await client.peer.ended == 1000


async def test_large_messages_of_one_read_come_back_in_order(dial: Dial) -> None:
    client = await dial()
    texts = [bytes([65 + number]) * 9_000 for number in range(20)]
    received = await client.replies(*(masked(TEXT, text) for text in texts), closing(1000))
    assert [payload for opcode, payload in received if opcode == TEXT] == texts


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (masked(UNKNOWN), CloseCode.PROTOCOL_ERROR),
        (masked(PING, rsv=1), CloseCode.PROTOCOL_ERROR),
        (masked(TEXT, b"\xff"), CloseCode.INVALID_TEXT),
        (masked(TEXT, b"a", fin=False) + masked(TEXT, b"b"), CloseCode.PROTOCOL_ERROR),
        (frame(TEXT, b"unmasked"), CloseCode.PROTOCOL_ERROR),
    ],
)
async def test_a_bad_frame_behind_many_good_ones_closes_after_their_answers(
    dial: Dial, bad: bytes, code: CloseCode
) -> None:
    client = await dial()
    *answered, last = await client.replies(*[masked(TEXT, b"good")] * 500, bad, closing(1000))
    assert answered == [(TEXT, b"good")] * 500
    assert code_of(last) == code
    client.writer.close()
    await client.peer.ended


async def test_a_fault_of_ours_in_a_later_turn_closes_as_such(dial: Dial) -> None:
    client = await dial()
    loop = asyncio.get_running_loop()
    faults: list[object] = []
    loop.set_exception_handler(lambda _, context: faults.append(context.get("exception")))
    fatal = masked(TEXT, FATAL.encode())
    received = await client.replies(masked(TEXT, DEFER), masked(TEXT, b"good"), fatal, closing(1000))
    assert received[-1] == (CLOSE, CloseCode.INTERNAL.to_bytes(2, "big"))
    assert [type(fault) for fault in faults] == [LookupError]
    client.writer.close()
    assert await client.peer.ended == CloseCode.INTERNAL


async def test_a_flood_of_pings_pauses_reading_and_the_connection_stays(dial: Dial) -> None:
    client = await dial()
    pings = 1_100
    client.writer.write(b"".join([masked(PING)] * pings) + masked(TEXT, b"after"))
    while (received := await client.one()) != (TEXT, b"after"):
        assert received == (PONG, b"")
        pings -= 1
    assert pings > 0, "with many in one read, only the latest needs an answer"


async def test_who_floods_a_closing_connection_is_hung_up_on(
    dial: Dial, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire_picows, "DROPPED_FRAMES", 100)
    monkeypatch.setattr(wire_picows, "CLOSE_TIMEOUT_S", 3_600)
    client = await dial()
    assert client.peer.wire is not None
    client.peer.wire.close(CloseCode.KICKED, "out")
    assert code_of((await client.replies(*[masked(PONG)] * 101))[0]) == CloseCode.KICKED
    client.writer.close()

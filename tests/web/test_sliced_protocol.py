"""Slices: how many frames of all connections of an address are handled in one turn."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from floorwire.access.admission import AdmissionVerdict
from floorwire.app import Gateway
from floorwire.config import Settings
from floorwire.hub.peer import Wire
from floorwire.hub.read_turns import LARGE_READ_BYTES, TURN_BYTES
from floorwire.protocol.frames import BINARY, CLOSE, PING, PONG, TEXT, frame
from floorwire.web.picows_upgrade import PicowsUpgrade
from floorwire.web.sliced_protocol import LARGEST_SLICE_BYTES, SLICE_BYTES
from floorwire.web.websocket_routes import AcceptedUpgrade
from tests.fuzz.memory_transport import MemoryTransport

HANDSHAKE = [(b"sec-websocket-version", b"13"), (b"sec-websocket-key", b"AAAAAAAAAAAAAAAAAAAAAA==")]
CONTINUATION = 0
SMALLEST = 6
"""Bytes of the smallest frame of a client."""


class CountingPeer:
    """A peer that counts its messages."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.wire: Wire | None = None

    def opened(self, wire: Wire) -> None:
        self.wire = wire

    def received(self, data: bytes, binary: bool) -> None:
        self.messages.append(data)

    def work(self) -> bool:
        return False

    def end_of_read(self) -> None:
        pass

    def peer_is_alive(self) -> None:
        pass

    def writable(self) -> None:
        pass

    def closed(self, code: int) -> None:
        pass


class Connection:
    """An upgraded connection in memory."""

    def __init__(self, gateway: Gateway, address: str = "127.0.0.1") -> None:
        self.peer, self.transport = CountingPeer(), MemoryTransport(address)
        accepted = AcceptedUpgrade(self.peer, None)
        self.protocol = PicowsUpgrade(gateway, accepted, address, AdmissionVerdict.DROPPED)
        self.protocol.connection_made(self.transport)
        self.protocol.handshake(HANDSHAKE)
        self.transport.set_protocol(self.protocol)


def masked(opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0) -> bytes:
    """Return a client's frame, masked with zeros."""
    plain = frame(opcode, payload)
    head = len(plain) - len(payload)
    first = opcode | (0x80 if fin else 0) | rsv << 4
    return bytes([first, plain[1] | 0x80]) + plain[2:head] + bytes(4) + payload


async def feed_in_slices(one: Connection, data: bytes) -> list[int]:
    """Feed the data as the kernel would, a slice in a turn. Return the lengths of the slices."""
    sizes = []
    rest = memoryview(data)
    while rest:
        sizes.append(size := min(len(one.protocol.get_buffer(-1)), len(rest)))
        one.transport.feed(bytes(rest[:size]))
        rest = rest[size:]
        await asyncio.sleep(0)
    return sizes


@pytest.fixture
async def gateway(tmp_path: Path) -> Gateway:
    return Gateway(Settings(data=str(tmp_path)), venues=[])


async def test_one_address_has_so_many_frames_in_a_turn_on_all_its_connections(gateway: Gateway) -> None:
    connections = [Connection(gateway) for _ in range(20)]
    texts = [b"%d" % number for number in range(3_000)]
    for one in connections:
        one.transport.feed(b"".join(masked(TEXT, text) for text in texts))
    at_once = sum(len(one.peer.messages) for one in connections)
    assert 0 < at_once <= (TURN_BYTES + SLICE_BYTES) // (SMALLEST + 1)
    stranger = Connection(gateway, "127.0.0.2")
    stranger.transport.feed(masked(TEXT, b"one"))
    assert stranger.peer.messages == [b"one"], "another address does not wait"
    while any(len(one.peer.messages) < len(texts) for one in connections):
        await asyncio.sleep(0)
    assert all(one.peer.messages == texts for one in connections)


@pytest.mark.parametrize(
    "bad",
    [masked(CONTINUATION), masked(PING, rsv=4), masked(3), masked(TEXT, b"\xff"), masked(CLOSE, b"\x03")],
    ids=["stray continuations", "reserved bits", "unknown", "not UTF-8", "bad closes"],
)
async def test_nothing_after_a_bad_frame_is_handled(gateway: Gateway, bad: bytes) -> None:
    one = Connection(gateway)
    one.transport.feed(masked(TEXT, b"good") + bad * 10 + masked(TEXT, b"late"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    one.transport.feed((bad + masked(TEXT, b"later")) * 1_000)
    for _ in range(10):
        await asyncio.sleep(0)
    assert one.peer.messages == [b"good"]
    assert one.transport.is_closing()


@pytest.mark.parametrize("size", [1, 512])
async def test_slices_of_one_turn_after_a_close_frame_that_picows_refuses_are_not_read(
    gateway: Gateway, size: int
) -> None:
    one = Connection(gateway)
    data = masked(TEXT, b"good") + masked(CLOSE, b"\x81") + masked(TEXT, b"late") * 300
    for at in range(0, len(data), size):  # the kernel gives several slices in one turn
        one.transport.feed(data[at : at + size])
    for _ in range(10):
        await asyncio.sleep(0)
    assert one.peer.messages == [b"good"]
    assert one.transport.is_closing()


async def test_a_large_message_comes_whole_in_larger_slices(gateway: Gateway) -> None:
    one = Connection(gateway)
    data = bytes(range(256)) * 250
    sizes = await feed_in_slices(one, masked(BINARY, data) + masked(TEXT, b"next") * 2_000)
    while len(one.peer.messages) < 2_001:
        await asyncio.sleep(0)
    assert one.peer.messages == [data, *[b"next"] * 2_000]
    assert max(sizes) == LARGEST_SLICE_BYTES
    assert sizes[0] == sizes[-2] == SLICE_BYTES, "small frames come in small slices again"


async def test_orders_come_in_larger_slices(gateway: Gateway) -> None:
    one = Connection(gateway)
    orders = [b"%0100d" % number for number in range(300)]
    sizes = await feed_in_slices(one, b"".join(masked(TEXT, order) for order in orders))
    assert one.peer.messages == orders
    assert max(sizes) == LARGEST_SLICE_BYTES


async def test_a_turn_has_few_large_slices_of_all_together(gateway: Gateway) -> None:
    orders = b"".join(masked(TEXT, b"%0100d" % number) for number in range(80))
    connections = [Connection(gateway, f"127.0.0.{number}") for number in range(1, 21)]
    for one in connections:  # each has earned large slices
        await feed_in_slices(one, orders)
    await asyncio.sleep(0)
    large = 0
    for one in connections:
        size = min(len(one.protocol.get_buffer(-1)), len(orders))
        large += size if size > SLICE_BYTES else 0
        one.transport.feed(orders[:size])
    assert 0 < large <= LARGE_READ_BYTES + LARGEST_SLICE_BYTES
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert len(connections[-1].protocol.get_buffer(-1)) > SLICE_BYTES, "and so has the next turn"


async def test_frames_behind_a_request_that_goes_in_turns_wait(gateway: Gateway) -> None:
    one = Connection(gateway)
    assert one.peer.wire is not None
    one.protocol.feed_later(b"".join(masked(PONG) for _ in range(500)) + masked(TEXT, b"last"))
    one.peer.wire.defer()
    while not one.peer.messages:
        await asyncio.sleep(0)
    assert one.peer.messages == [b"last"]


async def test_a_connection_that_is_gone_is_left_alone(gateway: Gateway) -> None:
    one = Connection(gateway)
    one.protocol.feed_later(masked(TEXT, b"x"))
    one.transport.end()
    for _ in range(5):
        await asyncio.sleep(0)
    assert one.peer.messages == []

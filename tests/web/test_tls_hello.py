"""ClientHellos: whole in any number of records, and connections that wait for theirs."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorwire.web import tls_hello
from floorwire.web.tls_hello import MOST_BYTES, MOST_RECORDS, ClientHelloWaiter, HelloState, hello_state


def client_hello() -> bytes:
    """Return the first record that a client sends."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with suppress(ssl.SSLWantReadError):
        context.wrap_bio(incoming, outgoing).do_handshake()
    return outgoing.read()


HELLO = client_hello()


def in_records(message: bytes, sizes: list[int]) -> bytes:
    """Return the handshake message cut into records of these sizes, the rest in one."""
    records, at = b"", 0
    for size in [*sizes, len(message)]:
        part = message[at : at + size]
        at += size
        if part:
            records += b"\x16\x03\x01" + len(part).to_bytes(2, "big") + part
    return records


@given(st.lists(st.integers(30, 200), max_size=MOST_RECORDS - 1))
def test_a_hello_is_whole_when_its_last_byte_is_there(sizes: list[int]) -> None:
    data = in_records(HELLO[5:], sizes)
    assert hello_state(data) is HelloState.WHOLE
    assert {hello_state(data[:end]) for end in range(0, len(data), 7)} == {HelloState.PART}
    assert hello_state(data[:-1]) is HelloState.PART


@given(st.binary(max_size=300))
def test_any_bytes_are_looked_at(data: bytes) -> None:
    hello_state(data)
    hello_state(b"\x16\x03\x01" + data)


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n",
        b"\x15\x03\x01\x00\x02\x02\x28",
        b"\x16\x03\x01\x00\x00",
        b"\x16\x03\x01\xff\xff\x01",
        b"\x80",
        b"\x16\x03\x01\x40\x00\x01\x00\xff\xff".ljust(MOST_BYTES, b"x"),
        in_records(HELLO[5:], [1] * 400),
    ],
    ids=[
        "http",
        "an alert",
        "an empty record",
        "a record too long",
        "ssl 2",
        "too long",
        "hundreds of records",
    ],
)
def test_what_is_none_does_not_wait(data: bytes) -> None:
    assert hello_state(data) is HelloState.BAD


class WatchedHellos:
    """A waiter, and what became of its connections."""

    def __init__(self, timeout_s: float = 30) -> None:
        self.ready: list[str] = []
        self.lost: list[str] = []
        self.waiter: ClientHelloWaiter[str] = ClientHelloWaiter(
            timeout_s, lambda _, name: self.ready.append(name), lambda _, name: self.lost.append(name)
        )

    async def until(self, count: int) -> None:
        """Wait until so many do not wait any more."""
        async with asyncio.timeout(30):
            while len(self.ready) + len(self.lost) < count:
                await asyncio.sleep(0.005)


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """The server's end and the client's."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        ours, _ = listener.accept()
    with ours, client:
        ours.setblocking(False)
        yield ours, client


async def test_a_connection_is_ready_when_its_hello_is_whole(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    ours, client = pair
    watched = WatchedHellos()
    watched.waiter.add(ours, "a")
    for part in (HELLO[:3], HELLO[3:-1]):
        client.sendall(part)
        await asyncio.sleep(0.05)
        assert (watched.ready, watched.lost) == ([], [])
    client.sendall(HELLO[-1:])
    await watched.until(1)
    assert watched.ready == ["a"]
    assert ours.recv(65_536) == HELLO, "nothing was taken"
    assert watched.waiter.stop() == []


async def test_a_peer_that_speaks_something_else_is_lost(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, client = pair
    watched = WatchedHellos()
    watched.waiter.add(ours, "a")
    client.sendall(b"GET / HTTP/1.1\r\n\r\n")
    await watched.until(1)
    assert watched.lost == ["a"]


@pytest.mark.parametrize("sent", [b"", HELLO[:1], HELLO[:-1]])
async def test_a_peer_that_leaves_before_is_lost(
    pair: tuple[socket.socket, socket.socket], sent: bytes
) -> None:
    ours, client = pair
    watched = WatchedHellos()
    watched.waiter.add(ours, "a")
    client.sendall(sent)
    await asyncio.sleep(0.03)
    client.shutdown(socket.SHUT_WR)
    await watched.until(1)
    assert (watched.ready, watched.lost) == ([], ["a"])


@pytest.mark.parametrize("sent", [b"", HELLO[:-1]])
async def test_a_peer_that_stalls_is_lost_after_a_while(
    pair: tuple[socket.socket, socket.socket], sent: bytes
) -> None:
    ours, client = pair
    watched = WatchedHellos(timeout_s=0.1)
    watched.waiter.add(ours, "a")
    client.sendall(sent)
    await watched.until(1)
    assert watched.lost == ["a"]


async def test_a_part_of_a_hello_is_looked_at_ever_more_seldom(
    pair: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, client = pair
    looks = 0

    def counted(_: bytes) -> HelloState:
        nonlocal looks
        looks += 1
        return HelloState.PART

    monkeypatch.setattr(tls_hello, "hello_state", counted)
    watched = WatchedHellos()
    watched.waiter.add(ours, "a")
    client.sendall(HELLO[:-1])
    await asyncio.sleep(0.3)
    assert 1 < looks < 8
    assert watched.waiter.stop() == [(ours, "a")]

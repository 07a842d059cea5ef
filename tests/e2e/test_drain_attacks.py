"""Clients that go on sending while the server drains: it ends all the same, and takes no order."""

from __future__ import annotations

import signal
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Event

import httpx2
import msgspec
import pytest

from tests.clients import PING, TEXT, RawClient, client, frame, raw
from tests.servers import Server, eventually, metrics, scripted
from tests.trading.trader import FREE, caller, key, serving, trader
from tests.web import certificates

pytestmark = pytest.mark.slow

EACH = 5
"""How many clients of a kind go on sending."""
HEAD = b"GET /health HTTP/1.1\r\nHost: localhost\r\n"
BODY = b"POST /api/v1/orders HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{"
TERMS = {"symbol": "BTC-USDT", "side": "buy", "type": "limit", "quantity": "0.001", "price": "61000"}
SUBSCRIBE = frame(TEXT, b'{"action":"subscribe","channel":"book","symbol":"BTC-USDT","depth":500}')


@contextmanager
def going_on(server: Server, floods: list[bytes], stack: ExitStack) -> Iterator[None]:
    """Let clients send these on WebSockets, and others on plain connections, until the server is gone."""
    has_ended = Event()

    def send(sock: socket.socket, data: bytes, is_read: bool) -> None:
        sock.settimeout(0.2)
        with suppress(ConnectionError):
            while not has_ended.is_set():
                with suppress(TimeoutError):
                    sock.send(data)
                with suppress(TimeoutError):
                    if is_read:
                        sock.recv(65_536)

    def connect() -> None:
        while not has_ended.is_set():
            with suppress(OSError), RawClient(server) as peer:
                peer.socket.sendall(HEAD)

    with ThreadPoolExecutor(64) as pool:
        try:
            for data in floods:
                for number in range(EACH):
                    pool.submit(send, stack.enter_context(raw(server)).socket, data, number % 2 > 0)
            for data in ((HEAD + b"\r\n") * 100, b"\r\n"):
                for number in range(EACH):
                    pool.submit(send, stack.enter_context(RawClient(server)).socket, data, number % 2 > 0)
            for data in (HEAD, BODY, b""):  # half of a request, and nothing
                for _ in range(EACH):
                    stack.enter_context(RawClient(server)).socket.sendall(data)
            pool.submit(connect)
            yield
        finally:
            has_ended.set()


def test_clients_that_go_on_sending_do_not_keep_it() -> None:
    floods = [frame(PING, b"x") * 500, frame(TEXT, b'{"action":"symbols"}') * 50, SUBSCRIBE * 20]
    with scripted("drain.seconds=1") as server, ExitStack() as stack:
        told = stack.enter_context(client(server))
        told.ask("subscribe", channel="system")
        with going_on(server, floods, stack):
            assert eventually(lambda: metrics(server)["floorwire_received_messages_total"] > 100)
            server.signal(signal.SIGTERM)
            messages, code, _ = told.closing()
            assert (messages[0]["event"], code) == ("draining", 1012)
            assert server.wait() == 0, server.log
        assert "Traceback" not in server.log


def test_tls_handshakes_that_never_end_do_not_keep_it(tmp_path: Path) -> None:
    certificate, private = certificates.write(tmp_path)
    folder = tmp_path / "data"
    with (
        serving(folder, "--tls-cert", str(certificate), "--tls-key", str(private)) as server,
        ExitStack() as stack,
    ):
        hello = client_hello()
        for data in (b"", hello[:5], hello[:-1], hello):
            for _ in range(EACH):
                stack.enter_context(RawClient(server)).socket.sendall(data)
        server.signal(signal.SIGTERM)
        assert server.wait() == 0


def client_hello() -> bytes:
    """Return the first record of a TLS handshake."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with suppress(ssl.SSLWantReadError):
        context.wrap_bio(incoming, outgoing).do_handshake()
    return outgoing.read()


class Orders:
    """What became of the orders that clients placed one after the other."""

    def __init__(self) -> None:
        self.accepted: set[str] = set()
        self.codes: set[str] = set()
        self.unanswered: set[str] = set()

    def place(self, name: str, ask: Callable[[dict[str, str]], object]) -> None:
        """Place orders until the connection is gone. ``ask``: returns the JSON of a reply."""
        for number in range(10_000):
            own = f"{name}-{number}"
            self.unanswered.add(own)
            try:
                said = msgspec.convert(ask({**TERMS, "client_order_id": own}), dict[str, object])
            except (OSError, EOFError, httpx2.TransportError, msgspec.MsgspecError, UnicodeDecodeError):
                return
            self.unanswered.discard(own)
            if said["status"] == "accepted":
                self.accepted.add(own)
            else:
                self.codes.add(str(said["code"]))
            time.sleep(0.01)  # ``orders`` lists a thousand


async def test_every_order_in_the_journal_was_answered_and_none_was_taken_after_the_drain_began(
    tmp_path: Path,
) -> None:
    issued, orders = key(tmp_path), Orders()

    def over_http(number: int) -> None:
        with caller(server, issued) as calls:
            orders.place(f"http{number}", lambda order: calls.post("/orders", json=order).json())

    def over_websocket(number: int) -> None:
        with RawClient(server) as peer:
            assert peer.handshake(Authorization=f"Bearer {issued.key}.{issued.secret}")[0] == 101

            def ask(order: dict[str, str]) -> object:
                peer.ask("order.place", **order)
                return msgspec.json.decode(peer.frame().payload)

            orders.place(f"ws{number}", ask)

    with serving(tmp_path, "--set=drain.seconds=1", *FREE) as server, ThreadPoolExecutor(6) as pool:
        placing = [pool.submit(over, number) for number in range(3) for over in (over_http, over_websocket)]
        assert eventually(lambda: len(orders.accepted) > 50)
        server.signal(signal.SIGTERM)
        assert server.wait() == 0
        for one in placing:
            one.result()
    assert orders.codes == {"draining"}
    with serving(tmp_path) as server:
        async with trader(server, issued) as again:
            kept = {str(row["client_order_id"]) for row in await again.rows("orders", limit=1000)}
    assert kept == orders.accepted


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_signals_again_and_again_until_the_process_is_gone_are_no_failure(number: signal.Signals) -> None:
    with scripted("drain.seconds=0.1") as server:
        while server.process.poll() is None:
            server.signal(number)
            time.sleep(0.002)
        assert server.wait() == 0

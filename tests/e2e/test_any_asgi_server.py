"""The same gateway behind any ASGI server: Starlette's TestClient, plain uvicorn, a user's own app."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import msgspec
import pytest
from starlette.testclient import TestClient, WebSocketTestSession
from starlette.websockets import WebSocketDisconnect

from floorwire.app import Gateway
from floorwire.config import LimitSettings, Settings
from floorwire.core.codes import CloseCode
from floorwire.web import create_app
from tests.clients import MSGPACK, PING, TEXT, Message, client, frame, raw
from tests.scripted import Scripted
from tests.servers import Server, eventually, metrics

EXAMPLES = Path(__file__).parents[2] / "examples"
LISTENING = re.compile(r"http://(\S+):(\d+)")


@pytest.fixture
def hosted(tmp_path: Path) -> Iterator[TestClient]:
    """An app over the scripted venue, run by Starlette's TestClient."""
    settings = Settings(
        data=str(tmp_path), echo=True, limits=LimitSettings(connections=3, message_bytes=2_000)
    )
    with TestClient(create_app(Gateway(settings, [Scripted(100)]))) as hosted:
        yield hosted


def ask(socket: WebSocketTestSession, action: str, **fields: object) -> Message:
    """Send a request; return the next message."""
    socket.send_json({"action": action, **fields})
    return receive(socket)


def receive(socket: WebSocketTestSession) -> Message:
    """Return the next message."""
    message: Message = socket.receive_json()
    return message


# --- in Starlette's TestClient ----------------------------------------------------------------------


def test_the_articles_client(hosted: TestClient) -> None:
    with hosted.websocket_connect("/ws/ticker") as socket:
        assert ask(socket, "subscribe", symbol="BTC-USDT") == {"status": "subscribed", "symbol": "BTC-USDT"}
        seqs = [receive(socket)["seq"] for _ in range(20)]
        assert seqs == list(range(int(str(seqs[0])), int(str(seqs[0])) + 20))


def test_messagepack(hosted: TestClient) -> None:
    with hosted.websocket_connect("/ws", subprotocols=[MSGPACK]) as socket:
        assert [socket.accepted_subprotocol] == [MSGPACK]
        socket.send_bytes(msgspec.msgpack.encode({"action": "ping", "id": 1}))
        assert msgspec.msgpack.decode(socket.receive_bytes())["id"] == 1


def test_an_unknown_subprotocol_is_not_selected(hosted: TestClient) -> None:
    with hosted.websocket_connect("/ws", subprotocols=["chat"]) as socket:
        assert socket.accepted_subprotocol is None
        assert ask(socket, "ping")["status"] == "pong"


@pytest.mark.parametrize("text", ["{", '{"action":"ping"}x', "\ud800", '{"action":"\ud800"}'])
def test_bad_text_is_answered(hosted: TestClient, text: str) -> None:
    with hosted.websocket_connect("/ws") as socket:
        socket.send_text(text)
        assert receive(socket)["code"] == "bad_json"
        assert ask(socket, "ping")["status"] == "pong"


def test_a_message_too_big_closes(hosted: TestClient) -> None:
    with hosted.websocket_connect("/ws") as socket:
        socket.send_text(" " * 2_001)
        with pytest.raises(WebSocketDisconnect) as closed:
            receive(socket)
        assert closed.value.code == CloseCode.MESSAGE_TOO_BIG


def test_one_connection_too_many_is_told(hosted: TestClient) -> None:
    with (
        hosted.websocket_connect("/ws"),
        hosted.websocket_connect("/ws"),
        hosted.websocket_connect("/ws"),
        hosted.websocket_connect("/ws") as one_too_many,
    ):
        with pytest.raises(WebSocketDisconnect) as closed:
            receive(one_too_many)
        assert closed.value.code == CloseCode.TOO_MANY_CONNECTIONS
    with hosted.websocket_connect("/ws") as another:
        assert ask(another, "ping")["status"] == "pong"


def test_the_echo(hosted: TestClient) -> None:
    with hosted.websocket_connect("/ws/echo") as socket:
        socket.send_text("hello")
        assert socket.receive_text() == "hello"
        socket.send_bytes(b"\x00")
        assert socket.receive_bytes() == b"\x00"


def test_leaving_is_noticed(hosted: TestClient) -> None:
    with hosted.websocket_connect("/ws/ticker") as socket:
        ask(socket, "subscribe", symbol="BTC-USDT")
        assert "floorwire_connections 1.0" in hosted.get("/metrics").text
        socket.close(1001)
        assert eventually(lambda: "floorwire_connections 0.0" in hosted.get("/metrics").text)
        assert 'floorwire_closes_total{code="1001"} 1.0' in hosted.get("/metrics").text


def test_health(hosted: TestClient) -> None:
    assert hosted.get("/health").json() == {"status": "ok"}
    assert hosted.get("/ready").status_code == 200


# --- behind plain uvicorn ---------------------------------------------------------------------------


@contextmanager
def uvicorn(folder: Path, *args: str) -> Iterator[Server]:
    """Run uvicorn as anybody would; it says where it listens on standard error."""
    command = ["-m", "uvicorn", "--port", "0", "--host", "127.0.0.1", *args]
    environment = {**os.environ, "FLOORWIRE_DATA": str(folder), "FLOORWIRE_SEED": "1"}
    log = folder / "log"
    with log.open("w") as errors:
        process = subprocess.Popen([sys.executable, *command], stderr=errors, env=environment, text=True)
        try:
            assert eventually(lambda: LISTENING.search(log.read_text()) is not None), log.read_text()
            found = LISTENING.search(log.read_text())
            assert found is not None
            yield Server(process, found[1], int(found[2]), log)
        finally:
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """``uvicorn floorwire.web:create_app --factory``."""
    with uvicorn(tmp_path_factory.mktemp("plain"), "--factory", "floorwire.web:create_app") as server:
        yield server


def test_plain_uvicorn_serves_it(plain: Server) -> None:
    with client(plain, "/ws/ticker") as article:
        assert article.ask("subscribe", symbol="BTC-USDT") == {"status": "subscribed", "symbol": "BTC-USDT"}
        assert article.event()["symbol"] == "BTC-USDT"
    assert eventually(lambda: metrics(plain)["floorwire_connections"] == 0)


def test_bad_input_behind_plain_uvicorn(plain: Server) -> None:
    with raw(plain) as peer:
        peer.send(TEXT, b'{"action":"dance"}')
        assert peer.message()["code"] == "unknown_action"
        peer.send(TEXT, b" " * 70_000)
        assert peer.until_close() == ([], CloseCode.MESSAGE_TOO_BIG)
    with raw(plain) as rude:
        rude.socket.sendall(frame(TEXT, b"?") * 150)
        frames, code = rude.until_close()
        assert (len(frames), code) == (100, CloseCode.PROTOCOL_ABUSE)
    assert "Traceback" not in plain.log


def test_a_vanished_peer_is_noticed_behind_plain_uvicorn(plain: Server) -> None:
    with raw(plain) as peer:
        peer.ask("subscribe", channel="ticker", symbol="BTC-USDT")
        assert peer.message()["status"] == "subscribed"
        peer.socket.close()
    assert eventually(lambda: metrics(plain)["floorwire_connections"] == 0)
    assert "Traceback" not in plain.log


def test_a_stuck_peer_is_ended_behind_plain_uvicorn(plain: Server) -> None:
    with raw(plain, receive_buffer=4096) as stuck:
        stuck.socket.settimeout(0.1)
        with suppress(OSError):  # sooner or later, the server does not read on or is gone
            for _ in range(100_000):
                stuck.socket.sendall(frame(TEXT, b'{"action":"symbols"}'))
        assert eventually(lambda: metrics(plain)["floorwire_connections"] == 0)
    assert "Traceback" not in plain.log


PACED = ("--ws", "floorwire.web.uvicorn_websocket:PacedWebSocket")


@pytest.mark.slow
def test_floods_of_pings_under_uvicorn_with_our_websocket_hold_nobody(tmp_path: Path) -> None:
    flood = frame(PING, b"") * 5_000
    with uvicorn(tmp_path, "--factory", "floorwire.web:create_app", *PACED) as server:
        test_bad_input_behind_plain_uvicorn(server)
        with ExitStack() as stack, raw(server) as steady:
            floods = [stack.enter_context(raw(server)) for _ in range(20)]
            for _ in range(10):
                for one in floods:
                    one.socket.setblocking(False)
                    with suppress(OSError):
                        one.socket.send(flood)
                steady.ask("ping")
                assert steady.message()["status"] == "pong"
            pongs = b""
            with suppress(BlockingIOError):
                while True:
                    pongs += floods[0].socket.recv(1 << 20)
            assert pongs.count(b"\x8a") < 25_000, "of 50,000 pings, within the budget"
    assert "Traceback" not in server.log


# --- in a user's own application --------------------------------------------------------------------


def test_the_example_mounts_it(tmp_path: Path) -> None:
    with uvicorn(tmp_path, "--app-dir", str(EXAMPLES), "mounted:app") as server:
        with client(server, "/prices/ws/ticker") as article:
            assert article.ask("subscribe", symbol="BTC-USDT")["status"] == "subscribed"
            assert article.event()["symbol"] == "BTC-USDT"
            server.signal(signal.SIGTERM)
        assert server.wait() == -signal.SIGTERM, "uvicorn's way to end"
        assert "Traceback" not in server.log

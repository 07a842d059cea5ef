"""What clients say and what they are told, over real sockets."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.clients import MSGPACK, TEXT, Client, Message, RawClient, client, raw
from tests.servers import Server, floorwire, scripted

JSON = "floorwire.v1.json"
EXAMPLES = Path(__file__).parents[2] / "examples"


# --- the article's client ---------------------------------------------------------------------------


def test_the_articles_client_works_unchanged() -> None:
    with floorwire("--seed", "1") as server, client(server, "/ws/ticker") as article:
        assert article.ask("subscribe", symbol="BTC-USDT") == {"status": "subscribed", "symbol": "BTC-USDT"}
        event = article.event()
        assert (event["channel"], event["symbol"]) == ("ticker", "BTC-USDT")
        assert {"bid", "ask", "last", "epoch", "seq"} <= event.keys()


def test_the_example_shows_prices(market: Server) -> None:
    command = [sys.executable, "-u", str(EXAMPLES / "ticker.py"), "BTC-USDT", market.ws("/ws/ticker")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as example:
        assert example.stdout is not None
        lines = [example.stdout.readline() for _ in range(3)]
        example.kill()
    assert lines[0] == '{"status":"subscribed","symbol":"BTC-USDT"}\n'
    assert [line.split()[0] for line in lines[1:]] == ["BTC-USDT", "BTC-USDT"]


def test_events_follow_the_articles_reply(market: Server) -> None:
    with client(market, "/ws/ticker") as article:
        assert article.ask("subscribe", symbol="btcusdt") == {"status": "subscribed", "symbol": "btcusdt"}
        first, second = article.events(2)
        assert first["symbol"] == "BTC-USDT"
        assert (second["epoch"], second["seq"]) == (first["epoch"], seq(first) + 1)
        assert article.ask("unsubscribe", symbol="btcusdt") == {"status": "unsubscribed", "symbol": "btcusdt"}
        assert article.ask("ping")["status"] == "pong", "and no event after it"


def test_nothing_is_sent_unasked(market: Server) -> None:
    with raw(market, "/ws/ticker") as quiet:
        with client(market) as other:
            other.ask("subscribe", channel="ticker", symbol="BTC-USDT")
            other.events(20)
        quiet.ask("ping")
        assert quiet.message()["status"] == "pong", "nothing before it"


# --- encodings --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("offered", "selected"),
    [
        ((), None),
        ((JSON,), JSON),
        ((MSGPACK,), MSGPACK),
        (("chat", MSGPACK, JSON), MSGPACK),
        (("chat",), None),
    ],
)
def test_the_subprotocol_is_the_first_that_is_known(
    market: Server, offered: tuple[str, ...], selected: str | None
) -> None:
    with RawClient(market) as peer:
        status, headers = peer.handshake(Sec_WebSocket_Protocol=", ".join(offered))
        assert (status, headers.get("sec-websocket-protocol")) == (101, selected)


@pytest.mark.parametrize("encoding", [JSON, MSGPACK])
def test_every_action_in_either_encoding(market: Server, encoding: str) -> None:
    with client(market, "/ws", encoding) as both:
        every_action(both)


def every_action(asking: Client) -> None:
    """Ask for everything that there is to ask for."""
    assert asking.ask("ping", id=1).keys() == {"status", "id", "ts"}
    rows = asking.ask("symbols", id="two")["symbols"]
    assert isinstance(rows, list)
    assert len(rows) == 3
    for channel, options in CHANNELS.items():
        reply = asking.ask("subscribe", channel=channel, id=channel, **options)
        assert (reply["status"], reply["id"], reply["channel"]) == ("subscribed", channel, channel)
        assert reply["feed"] == "live"
        if channel != "system":  # nothing may ever happen there
            first_of(asking, channel, reply)
    held = asking.ask("subscriptions")["subscriptions"]
    assert isinstance(held, list)
    assert len(held) == len(CHANNELS)
    for channel, options in CHANNELS.items():
        named = {name: value for name, value in options.items() if name != "on_slow"}
        assert asking.ask("unsubscribe", channel=channel, **named)["status"] == "unsubscribed"
    assert asking.ask("subscriptions")["subscriptions"] == []


CHANNELS: dict[str, dict[str, object]] = {
    "ticker": {"symbol": "BTC-USDT"},
    "trades": {"symbol": "btc/usdt"},
    "book": {"symbol": "BTCUSDT", "depth": 25, "on_slow": "disconnect"},
    "candles": {"symbol": "BTC-USDT", "interval": "5m"},
    "heartbeat": {},
    "system": {},
}


def first_of(asking: Client, channel: str, reply: Message) -> None:
    """Require that the channel's events begin where the reply says."""
    while (event := asking.event())["channel"] != channel:
        pass
    assert event["epoch"] == reply["epoch"]
    assert seq(event) in (seq(reply), seq(reply) + 1)


def test_several_symbols_in_one_request(market: Server) -> None:
    with client(market) as asking:
        reply = asking.ask("subscribe", channel="ticker", symbols=["BTC-USDT", "ETH-USDT"])
        assert reply["symbols"] == ["BTC-USDT", "ETH-USDT"]
        assert {asking.event()["symbol"] for _ in range(2)} == {"BTC-USDT", "ETH-USDT"}


# --- handshakes -------------------------------------------------------------------------------------


@pytest.mark.parametrize("connection", ["Upgrade", "upgrade", "keep-alive, Upgrade", "keep-alive,upgrade"])
def test_the_connection_header_may_name_more_than_the_upgrade(market: Server, connection: str) -> None:
    with RawClient(market) as firefox:
        status, headers = firefox.handshake("/ws/ticker", Connection=connection)
        assert (status, headers["upgrade"].lower()) == (101, "websocket")
        firefox.send(TEXT, b'{"action":"ping"}')
        assert firefox.message()["status"] == "pong"


@pytest.mark.parametrize(
    "wrong",
    [
        {"Sec_WebSocket_Key": ""},
        {"Sec_WebSocket_Key": "short"},
        {"Sec_WebSocket_Version": "12"},
        {"Sec_WebSocket_Version": ""},
    ],
)
def test_a_wrong_handshake_is_refused(market: Server, wrong: dict[str, str]) -> None:
    with RawClient(market) as peer:
        status, _ = peer.handshake("/ws", **wrong)
        assert status in (400, 426)
        assert peer.is_closed_by_server()


@pytest.mark.parametrize("path", ["/", "/ws/", "/ws/news", "/health", "/WS"])
def test_other_paths_are_no_websockets(market: Server, path: str) -> None:
    with RawClient(market) as peer:
        assert peer.handshake(path)[0] == 404


def test_a_query_does_not_change_the_path(market: Server) -> None:
    with RawClient(market) as peer:
        assert peer.handshake("/ws/ticker?ticket=none")[0] == 101


def test_only_get_upgrades(market: Server) -> None:
    with RawClient(market) as peer:
        peer.socket.sendall(
            b"POST /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        )
        assert peer.http_answer()[0] == 405


# --- echo -------------------------------------------------------------------------------------------


def test_the_echo_says_everything_again(market: Server) -> None:
    with client(market, "/ws/echo") as echo:
        for data in ("hello", "", "ü" * 1_000, b"\x00\xff", b""):
            echo.connection.send(data)
            assert echo.connection.recv(10) == data


def test_there_is_no_echo_unless_asked_for() -> None:
    with scripted() as server, RawClient(server) as peer:
        assert peer.handshake("/ws/echo")[0] == 404


def seq(message: Message) -> int:
    """Return the message's seq."""
    assert isinstance(message["seq"], int)
    return message["seq"]

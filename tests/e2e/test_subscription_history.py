"""Subscriptions that begin with history, over real sockets: history and live events meet exactly."""

from __future__ import annotations

from contextlib import ExitStack
from itertools import pairwise

import httpx2
import pytest

from tests.clients import MSGPACK, Client, Message, client
from tests.scripted import SYMBOLS
from tests.servers import Server, eventually, scripted

ENCODINGS = ["floorwire.v1.json", MSGPACK]
SECOND_US = 1_000_000


def rows(message: Message, name: str) -> list[Message]:
    """Return the rows of a message of history."""
    assert (message["event"], "code" in message) == ("history", False), message
    found = message[name]
    assert isinstance(found, list)
    return [row for row in found if isinstance(row, dict)]


def begin(at: Client, **asked: object) -> tuple[Message, Message]:
    """Subscribe; return the reply and the message of history."""
    reply = at.ask("subscribe", **asked)
    history = at.event()
    assert (history["epoch"], history["seq"]) == (reply["epoch"], reply["seq"])
    return reply, history


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("turn", range(6))
def test_trades_go_on_where_their_history_ends(market: Server, encoding: str, turn: int) -> None:
    symbol = SYMBOLS[turn % 3]
    with client(market, "/ws", encoding) as at:
        reply, history = begin(at, channel="trades", symbol=symbol, history=100 if turn else 1_000)
        live = at.events(40)
    past = rows(history, "trades")
    numbers = [int(str(trade["trade_id"])) for trade in (*past, *live)]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert [event["seq"] for event in live] == [int(str(reply["seq"])) + n for n in range(1, 41)]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_many_that_begin_at_once_each_get_every_trade_once(market: Server, encoding: str) -> None:
    with ExitStack() as stack:
        clients = [stack.enter_context(client(market, "/ws", encoding)) for _ in range(8)]
        for number, at in enumerate(clients):
            past = rows(begin(at, channel="trades", symbol=SYMBOLS[number % 3], history=50)[1], "trades")
            numbers = [int(str(trade["trade_id"])) for trade in (*past, *at.events(10))]
            assert numbers == list(range(numbers[0], numbers[0] + len(past) + 10))


@pytest.mark.parametrize("closed_only", [False, True])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_candles_go_on_where_their_history_ends(market: Server, encoding: str, closed_only: bool) -> None:
    asked: dict[str, object] = {"channel": "candles", "symbol": "BTC-USDT", "interval": "1s"}
    if closed_only:
        asked["closed_only"] = True
    with client(market, "/ws", encoding) as at:
        eventually(lambda: len(rows(begin(at, **asked, history=500)[1], "candles")) > 2)
        at.ask("unsubscribe", **asked)
        at.pending_events()
        reply, history = begin(at, **asked, history=500)
        first = at.event()
        assert first["seq"] == reply["seq"]
        closed = [first] if first["closed"] else []
        while len(closed) < 2:
            event = at.event()
            closed += [event] if event["closed"] else []
    past = rows(history, "candles")
    assert all(candle["closed"] is True for candle in past)
    starts = [int(str(candle["start"])) for candle in (*past, *closed)]
    assert all(later - earlier == SECOND_US for earlier, later in pairwise(starts)), starts
    if not closed_only:
        assert first["start"] == closed[0]["start"]


def test_history_is_what_rest_gives(market: Server) -> None:
    with client(market, "/ws") as at:
        past = rows(begin(at, channel="candles", symbol="ETH-USDT", interval="1s", history=3)[1], "candles")
    first, last = past[0]["start"], int(str(past[-1]["start"])) + 1
    query = f"symbol=ETH-USDT&interval=1s&from={first}&to={last}"
    page = httpx2.get(market.http(f"/api/v1/candles?{query}"), timeout=None).json()
    assert page["candles"] == past


def test_a_minute_that_is_open_is_not_in_its_history(market: Server) -> None:
    with client(market, "/ws") as at:
        _, history = begin(at, channel="candles", symbol="BTC-USDT", interval="1m", history=10)
        first = at.event()
    assert all(int(str(row["start"])) < int(str(first["start"])) for row in rows(history, "candles"))


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_who_resumes_gets_what_was_missed_in_place_of_history(market: Server, encoding: str) -> None:
    asked = {"channel": "trades", "symbol": "BTC-USDT", "history": 20}
    with client(market, "/ws", encoding) as at:
        reply, _ = begin(at, **asked)
        *_, last = at.events(5)
    with client(market, "/ws", encoding) as at:
        place = {"epoch": reply["epoch"], "seq": last["seq"]}
        again = at.ask("subscribe", **asked, resume=place)
        assert "gap" not in again
        assert [event["seq"] for event in at.events(10)] == [int(str(last["seq"])) + n for n in range(1, 11)]
        gone = at.ask("subscribe", **asked, resume={"epoch": "gone", "seq": 7})
        assert gone["gap"]["reason"] == "epoch"  # type: ignore[index, call-overload] # an object
        events = [event for event in (*at.pending_events(), *at.events(30)) if "event" in event]
        assert [event["event"] for event in events] == ["history"]


def test_requests_behind_it_are_answered_after_it(market: Server) -> None:
    with client(market, "/ws") as at:
        at.connection.send('{"action":"subscribe","id":1,"channel":"trades","symbol":"BTC-USDT","history":9}')
        at.connection.send('{"action":"ping","id":2}')
        assert [at.reply()["id"], at.reply()["id"]] == [1, 2]
        assert at.pending_events()[0]["event"] == "history"


@pytest.mark.parametrize(
    "fields",
    [
        {"channel": "ticker", "symbol": "BTC-USDT", "history": 5},
        {"channel": "trades", "symbols": ["BTC-USDT"], "history": 5},
        {"channel": "trades", "all": True, "history": 5},
        {"channel": "trades", "symbol": "BTC-USDT", "history": 0},
        {"channel": "trades", "symbol": "BTC-USDT", "history": 1_001},
    ],
)
def test_what_has_no_history_is_refused(market: Server, fields: dict[str, object]) -> None:
    with client(market, "/ws") as at:
        assert at.ask("subscribe", **fields)["code"] == "bad_request"
        assert at.ask("subscriptions")["subscriptions"] == []


def test_after_a_restart_the_past_is_still_there(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("data")
    asked = {"channel": "trades", "symbol": "BTC-USDT", "history": 1_000}
    with scripted(f"data={folder}") as server, client(server) as at:
        at.ask("subscribe", channel="trades", symbol="BTC-USDT")
        at.events(50)
    with scripted(f"data={folder}") as server, client(server) as at:
        _, history = begin(at, **asked)
        assert len(rows(history, "trades")) >= 50
        assert rows(history, "holes")
